package strict_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ropcd/ropcd/pkg/config/strict"
)

// settings has a field of every kind that nodes may use.
type settings struct {
	Common `yaml:",inline"`

	Text     string            `yaml:"text"`
	Flag     bool              `yaml:"flag"`
	Count    int               `yaml:"count"`
	Small    uint8             `yaml:"small"`
	Ratio    float64           `yaml:"ratio"`
	Wait     time.Duration     `yaml:"wait"`
	Life     time.Duration     `yaml:"life" is:"lifetime"`
	Networks []netip.Prefix    `yaml:"networks"`
	Labels   map[string]string `yaml:"labels"`
	Maybe    *bool             `yaml:"maybe"`
	Nested   []nested          `yaml:"nested"`
	Any      any               `yaml:"any"`
	Later    strict.Raw        `yaml:"later"`
	Untagged string
	hidden   string
}

type Common struct {
	Name string `yaml:"name"`
}

type nested struct {
	X int `yaml:"x"`
	Y int `yaml:"y"`
}

func (n *nested) Default() { n.Y = 7 }

func decode(t *testing.T, text string, into any) strict.Problems {
	t.Helper()
	d := strict.Parse("f.yaml", []byte(text), func(name string) (string, bool) { return "v", name == "V" })
	d.Decode(into)
	return d.Problems()
}

func TestDecodeTakesEveryKindOfValue(t *testing.T) {
	got := settings{Text: "kept", hidden: "kept"}
	problems := decode(t, `
name: n
flag: true
count: -3
small: 255
ratio: 1
wait: 1h30m
life: never
networks: [10.0.0.0/8]
labels: {true: "yes", 1: b}
maybe: false
nested: [{x: 1}, {x: 2, y: 0}, ]
any: {a: [1, 1.5, x, true, null, "${V}"]}
untagged: u
`, &got)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	no := false
	want := settings{
		Common: Common{Name: "n"}, Text: "kept", Flag: true, Count: -3, Small: 255, Ratio: 1,
		Wait: 90 * time.Minute, Life: strict.Never, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Labels: map[string]string{"true": "yes", "1": "b"}, Maybe: &no, Nested: []nested{{1, 7}, {2, 0}},
		Any:      map[string]any{"a": []any{int64(1), 1.5, "x", true, nil, "v"}},
		Untagged: "u", hidden: "kept",
	}
	equal := cmp.Options{
		cmp.AllowUnexported(settings{}, netip.Prefix{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b strict.Raw) bool { return a.IsZero() == b.IsZero() }),
	}
	if diff := cmp.Diff(want, got, equal); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

func TestDecodeRefusesWhatDoesNotFit(t *testing.T) {
	for text, want := range map[string]string{
		"small: 256":             "small: is not a whole number that is possible here",
		"small: -1":              "small: is not a whole number that is possible here",
		"count: 1_000":           "count: is not a whole number that is possible here",
		"count: 017":             "count: is not a whole number that is possible here",
		"count: \"1\"":           "count: must be a whole number, not a string",
		"flag: on":               "flag: must be true or false, not a string",
		"flag: TRUE":             "",
		"ratio: x":               "ratio: must be a number, not a string",
		"text: {a: b}":           "text: must be a string, not a mapping",
		"text:":                  "text: has no value; give a string, or remove the key",
		"networks: [10.0.0.0]":   `networks[0]: netip.ParsePrefix("10.0.0.0"): no '/'`,
		"networks: [\"${V}\"]":   `networks[0]: "${V}" is not valid`,
		"life: 0x":               `life: "0x" is not a duration; write 500ms, 90s, 1h30m or 7d`,
		"wait: 0090":             `wait: "0090" has no unit; did you mean 90s?`,
		"labels: {a: 1}":         "labels.a: must be a string, not a number; put it in quotes",
		"nested: [{x: 1, z: 2}]": "nested[0].z: unknown key; known are x, y",
		"hidden: x":              "", // see below
	} {
		problems := decode(t, text, new(settings))
		if text == "hidden: x" {
			if len(problems) != 1 || !strings.Contains(problems[0].Message, "unknown key") {
				t.Errorf("%s: %s", text, problems)
			}
			continue
		}
		got := ""
		if len(problems) > 0 {
			got = problems[0].Path + ": " + problems[0].Message
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestRawIsDecodedLaterAndInItsPlace(t *testing.T) {
	d := strict.Parse("f.yaml", []byte("later:\n  x: 1\n  z: 2\n"), nil)
	var outer settings
	d.Decode(&outer)
	for range 2 { // the second time fails like the first, and says nothing more
		var inner nested
		if err := outer.Later.Decode(&inner); !errors.Is(err, strict.ErrReported) || inner.X != 1 {
			t.Errorf("Decode: %v, %v", inner, err)
		}
	}
	problems := d.Problems()
	if len(problems) != 1 || problems[0].Line != 3 || problems[0].Column != 3 || problems[0].Path != "later.z" {
		t.Errorf("problems: %s", problems)
	}
}

func TestRawFailsOnAVariableThatIsNotSet(t *testing.T) {
	d := strict.Parse("f.yaml", []byte("later: {x: \"${NONE}\"}\n"), func(string) (string, bool) { return "", false })
	var outer settings
	d.Decode(&outer)
	if err := outer.Later.Decode(new(nested)); !errors.Is(err, strict.ErrReported) {
		t.Errorf("Decode: %v", err)
	}
}

func TestManyProblemsAreBoundedAndFast(t *testing.T) {
	problems := decode(t, "networks: ["+strings.Repeat("{},", 30_000)+"]", new(settings))
	if len(problems) != strict.MaxProblems+1 || !strings.Contains(problems.String(), "more problems") {
		t.Errorf("%d problems", len(problems))
	}
	if problems.Err() == nil {
		t.Error("no error")
	}
}

// Ten levels of ten aliases each would be ten billion values.
func TestAliasesAreRefusedBeforeTheyGrow(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := range 10 {
		now, before := string(rune('b'+i)), "*a0"
		b.WriteString(now + ": &" + now + " [" + strings.Repeat(before+", ", 9) + before + "]\n")
	}
	problems := decode(t, b.String(), new(map[string]any))
	if len(problems) != 11 || !strings.Contains(problems[0].Message, "anchors and aliases") {
		t.Errorf("problems:\n%s", problems)
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	text := "any: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	problems := decode(t, text, new(settings))
	if len(problems) == 0 || !strings.Contains(problems[0].Message, "deeper") {
		t.Errorf("%d problems", len(problems))
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	problems := decode(t, "text: \xff", new(settings))
	if problems.Err() == nil || problems[0].String() != "f.yaml: is not UTF-8 text" {
		t.Errorf("problems: %s", problems)
	}
}

func TestReportStandsAtWhatShouldHoldTheKey(t *testing.T) {
	d := strict.Parse("f.yaml", []byte("any:\n  list:\n    - {a: 1}\n"), nil)
	d.Report(strict.Path{"any", "list", "0", "a"}, "one")
	d.Report(strict.Path{"any", "list", "0", "b c"}, "two")
	d.Report(strict.Path{"none", "below"}, "three")
	d.Warn(strict.Path{"any"}, "four")
	want := []string{
		"f.yaml:1:1: none.below: three", "f.yaml:2:3: warning: any: four",
		"f.yaml:3:7: any.list[0].\"b c\": two", "f.yaml:3:11: any.list[0].a: one",
	}
	var got []string
	for _, p := range d.Problems() {
		first, _, _ := strings.Cut(p.String(), "\n")
		got = append(got, first)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if n := len(d.Problems().Errors()); n != 3 {
		t.Errorf("%d errors, want 3", n)
	}
	if n := len(d.Problems().Warnings()); n != 1 {
		t.Errorf("%d warnings, want 1", n)
	}
}
