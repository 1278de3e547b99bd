package nodes_test

import (
	"cmp"
	"context"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

// run runs "main" around the node; its owner's password is "right" and belongs to whoever exists and may log in.
func run(t *testing.T, n node, in journey.Input) (outcome string, result journey.Result) {
	t.Helper()
	s, problems := set(t, n)
	if len(problems) > 0 {
		t.Fatalf("%s %s: %v", n.Type, n.Settings, problems)
	}
	in.Now = now
	if in.Verify == nil {
		in.Verify = func(_ context.Context, password string) (bool, error) {
			return password == "right" && in.User != nil && in.User.Enabled && !in.User.Expired(now), nil
		}
	}
	j, _ := s.Journey("main")
	result, err := j.Run(t.Context(), in)
	if err != nil {
		t.Fatalf("%s %s: %v", n.Type, n.Settings, err)
	}
	for _, step := range result.Trail {
		if step.Node == "it" {
			outcome = step.Outcome
		}
	}
	return outcome, result
}

// build builds "main" of some nodes.
func build(all map[string]journey.NodeDefinition, entry string) (*journey.Set, []journey.Problem) {
	main := journey.Definition{Enabled: true, Entry: entry, Nodes: all}
	return builds(map[string]journey.Definition{"main": main}, nodes.Table(), journey.Env{})
}

// refuses wants exactly one problem, with that message, for each of the settings.
func refuses(t *testing.T, kind string, wrong map[string]string) {
	t.Helper()
	outcomes := nodes.Table()[kind]().Outcomes()
	for settings, want := range wrong {
		_, problems := set(t, node{Type: kind, Settings: settings, Outcomes: outcomes})
		if len(problems) != 1 || problems[0].Message != want {
			t.Errorf("%s %s:\n got %v\nwant %s", kind, settings, problems, want)
		}
	}
}

// upper is where a word begins inside of a Go name.
var upper = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)

func TestSettingsAreNamedAsTheConfigurationNamesThings(t *testing.T) {
	for _, tt := range builtin {
		settings := reflect.TypeOf(nodes.Table()[tt.name]()).Elem()
		for i := range settings.NumField() {
			f := settings.Field(i)
			snake := strings.ToLower(upper.ReplaceAllString(strings.ReplaceAll(f.Name, "URL", "Url"), "${1}${3}_${2}${4}"))
			want := cmp.Or(f.Tag.Get("json"), snake) // a field can't have the name of a method
			if tag := f.Tag.Get("yaml"); f.IsExported() && tag != want {
				t.Errorf("%s.%s has the tag %q, want %q", tt.name, f.Name, tag, want)
			}
		}
	}
}

func TestUnknownSettingsAreRefused(t *testing.T) {
	for _, tt := range builtin {
		n := node{Type: tt.name, Settings: `{"nonsense":1}`, Outcomes: tt.outcomes}
		_, problems := set(t, n)
		if !slices.ContainsFunc(problems, func(p journey.Problem) bool { return strings.Contains(p.Message, "field nonsense not found") }) {
			t.Errorf("%s: %v", tt.name, problems)
		}
	}
}
