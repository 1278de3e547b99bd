package nodes_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// chain runs nodes of "Type settings" in a row; the last may be a decision, whose "false" is failure.
func chain(t *testing.T, types journey.Types, steps ...string) journey.Result {
	t.Helper()
	return chainWith(t, types, journey.Input{}, steps...)
}

func chainWith(t *testing.T, types journey.Types, in journey.Input, steps ...string) journey.Result {
	t.Helper()
	all := map[string]journey.NodeDefinition{}
	for i, step := range steps {
		kind, settings, _ := strings.Cut(step, " ")
		def := node{Type: kind, Settings: settings}.definition()
		next := fmt.Sprint(i + 1)
		if i == len(steps)-1 {
			next = journey.Success
		}
		outcomes := types[kind]().Outcomes()
		if len(outcomes) == 0 {
			outcomes = []string{"true", "false"} // an expression's, which its settings tell
		}
		for _, outcome := range outcomes {
			def.Outcomes[outcome] = next
		}
		if _, ok := def.Outcomes["false"]; ok {
			def.Outcomes["false"] = journey.Failure
		}
		all[fmt.Sprint(i)] = def
	}
	main := journey.Definition{Enabled: true, Entry: "0", Nodes: all}
	s, problems := builds(map[string]journey.Definition{"main": main}, types, journey.Env{})
	if len(problems) > 0 {
		t.Fatalf("%v: %v", steps, problems)
	}
	j, _ := s.Journey("main")
	result, err := j.Run(t.Context(), in)
	if err != nil {
		t.Fatalf("%v: %v", steps, err)
	}
	return result
}

// level is a node from outside that sets any level.
type level struct{ Value int }

func (*level) Outcomes() []string                       { return []string{"outcome"} }
func (l *level) Open(journey.Env) (journey.Node, error) { return l, nil }
func (l *level) Run(_ context.Context, s *journey.State) (string, error) {
	s.SetAuthLevel(l.Value)
	return "outcome", nil
}

func TestAuthLevels(t *testing.T) {
	types := nodes.Table()
	types["Level"] = func() journey.Settings { return new(level) }
	for _, tt := range []struct {
		steps []string
		want  int
	}{
		{[]string{`{"add":3}`}, 3},
		{[]string{`{"add":3}`, `{"add":4}`}, 7},
		{[]string{`{"add":3}`, `{"add":-2}`}, 1},
		{[]string{`{"add":3}`, `{"add":-5}`}, 0},
		{[]string{`{"add":65535}`, `{"add":1}`}, 65535},
		{[]string{`{"add":65535}`, `{"add":-65535}`}, 0},
		{[]string{`{"set":65535}`, `{"add":65535}`, `{"add":-65535}`}, 0},
		{[]string{`{"add":3}`, `{"set":2}`}, 2},
		{[]string{`{"add":3}`, `{"set":0}`}, 0},
		{[]string{`Level {"value":9223372036854775807}`, `{"add":1}`}, 65535},
		{[]string{`Level {"value":-9223372036854775808}`, `{"add":-1}`}, 0},
		{[]string{`Level {"value":-9}`, `{"add":1}`}, 1},
	} {
		for i, step := range tt.steps {
			if step[0] == '{' {
				tt.steps[i] = "ModifyAuthLevel " + step
			}
		}
		if got := chain(t, types, tt.steps...); !got.Success || got.AuthLevel != tt.want {
			t.Errorf("%v: %+v, want level %d", tt.steps, got, tt.want)
		}
	}
}

func TestAuthLevelDecision(t *testing.T) {
	for _, tt := range []struct {
		reached, level int
		want           bool
	}{{0, 1, false}, {1, 1, true}, {2, 1, true}, {2, 3, false}, {65534, 65535, false}, {65535, 65535, true}} {
		got := chain(t, nodes.Table(), fmt.Sprintf(`ModifyAuthLevel {"set":%d}`, tt.reached), fmt.Sprintf(`AuthLevelDecision {"level":%d}`, tt.level))
		if got.Success != tt.want {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
}

func TestSetSessionProperties(t *testing.T) {
	long := strings.Repeat("k", 64)
	got := chain(t, nodes.Table(),
		`SetSessionProperties {"properties":{"a":"1","b":"2"}}`,
		`SetSessionProperties {"properties":{"b":"3","~!":"ä \n","`+long+`":"`+strings.Repeat("v", 256)+`","e":""}}`)
	want := map[string]string{"a": "1", "b": "3", "~!": "ä \n", long: strings.Repeat("v", 256), "e": ""}
	if diff := cmp.Diff(want, got.Properties); diff != "" {
		t.Error("properties (-want +got):\n" + diff)
	}
	full := chain(t, nodes.Table(), `SetSessionProperties {"properties":{`+properties(16)+`}}`)
	if len(full.Properties) != 16 {
		t.Errorf("%d properties", len(full.Properties))
	}
}

// properties are so many in JSON.
func properties(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"k%d":"v"`, i))
	}
	return strings.Join(all, ",")
}

// What a run sets belongs to the run: the next one of the same journey finds the node as it was.
func TestSetSessionPropertiesKeepsItsOwn(t *testing.T) {
	s, problems := set(t, node{Type: "SetSessionProperties", Settings: `{"properties":{"a":"1"}}`, Outcomes: []string{"outcome"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	for range 2 {
		got, err := j.Run(t.Context(), journey.Input{})
		if err != nil || got.Properties["a"] != "1" {
			t.Errorf("%+v, %v", got, err)
		}
		got.Properties["a"] = "changed"
	}
}

func TestSetSessionPropertiesTakesNoKeyOfIntrospection(t *testing.T) {
	document := reflect.TypeFor[ropc.Document]()
	wrong := map[string]string{}
	for i := range document.NumField() {
		key, _, _ := strings.Cut(document.Field(i).Tag.Get("json"), ",")
		wrong[`{"properties":{"`+key+`":"v"}}`] = `properties: the key "` + key + `" belongs to introspection`
	}
	if len(wrong) < 15 {
		t.Fatalf("only %d keys", len(wrong))
	}
	refuses(t, "SetSessionProperties", wrong)
}

func TestNodesThatSetResultsRefuseWrongSettings(t *testing.T) {
	refuses(t, "AuthLevelDecision", map[string]string{
		``:                "level: must be from 1 to 65535",
		`{"level":0}`:     "level: must be from 1 to 65535",
		`{"level":-1}`:    "level: must be from 1 to 65535",
		`{"level":65536}`: "level: must be from 1 to 65535",
	})
	refuses(t, "ModifyAuthLevel", map[string]string{
		``:                  "say either `add` or `set`",
		`{}`:                "say either `add` or `set`",
		`{"add":1,"set":1}`: "`add` and `set` exclude each other",
		`{"add":0}`:         "add: must be from -65535 to 65535 and not 0",
		`{"add":65536}`:     "add: must be from -65535 to 65535 and not 0",
		`{"add":-65536}`:    "add: must be from -65535 to 65535 and not 0",
		`{"set":65536}`:     "set: must be from 0 to 65535",
		`{"set":-1}`:        "set: must be from 0 to 65535",
	})
	long := strings.Repeat("k", 65)
	bad := ` is not 1 to 64 printable ASCII characters without spaces`
	refuses(t, "SetSessionProperties", map[string]string{
		``:                  "properties: give at least one",
		`{"properties":{}}`: "properties: give at least one",
		`{"properties":{` + properties(17) + `}}`:                 "properties: 17 are too many, at most 16",
		`{"properties":{"":"v"}}`:                                 `properties: the key ""` + bad,
		`{"properties":{"` + long + `":"v"}}`:                     `properties: the key "` + long + `"` + bad,
		`{"properties":{"a b":"v"}}`:                              `properties: the key "a b"` + bad,
		`{"properties":{"a\n":"v"}}`:                              `properties: the key "a\n"` + bad,
		`{"properties":{"\u007f":"v"}}`:                           `properties: the key "\x7f"` + bad,
		`{"properties":{"ä":"v"}}`:                                `properties: the key "ä"` + bad,
		`{"properties":{"k":"` + strings.Repeat("v", 257) + `"}}`: `properties: the value of "k" is not at most 256 bytes of UTF-8`,
	})
}

// JSON can't carry it, but whoever decodes otherwise can.
func TestSetSessionPropertiesRefusesValuesThatAreNotText(t *testing.T) {
	s := &nodes.SetSessionProperties{Properties: map[string]string{"k": "\xff"}}
	if _, err := s.Open(journey.Env{}); err == nil || strings.Contains(err.Error(), "\xff") {
		t.Errorf("Open: %v", err)
	}
}
