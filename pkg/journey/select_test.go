package journey_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
)

// choices are the journeys that a name can lead to, in each of the ways that matter.
const choices = `
good entry=a
  a Check yes=success no=failure
disabled off entry=a
  a Check yes=success no=failure
inneronly inner entry=a
  a Check yes=success no=failure
interactive entry=a
  a Choose red=success
notallowed entry=a
  a Check yes=success no=failure`

// names are what can stand in each of the three places, with what becomes of a request that they decide.
var names = []struct {
	name  string
	unset bool
	err   error
}{
	{"", true, nil},
	{"[Empty]", true, nil},
	{`"[Empty]"`, true, nil},
	{"good", false, nil},
	{"unknown", false, journey.ErrUnknown},
	{"Good", false, journey.ErrUnknown}, // case counts
	{"disabled", false, journey.ErrUnknown},
	{"inneronly", false, journey.ErrUnknown},
	{"notallowed", false, journey.ErrUnknown},
	{"interactive", false, journey.ErrInteractive},
	{" ", false, journey.ErrUnknown},
	{" [Empty]", false, journey.ErrUnknown},
	{"[empty]", false, journey.ErrUnknown},
	{"'[Empty]'", false, journey.ErrUnknown},
	{`"[Empty]`, false, journey.ErrUnknown},
}

// CONTRACT 3, over all combinations: the first name that is set decides alone.
func TestChooseTakesTheFirstThatIsSet(t *testing.T) {
	set := build(t, choices, nil)
	allowed := func(name string) bool { return name != "notallowed" }
	rules := []journey.Rule{journey.RuleAuthChain, journey.RuleProvider, journey.RuleRealm}
	for _, parameter := range names {
		for _, provider := range names {
			for _, realm := range names {
				places := names[:0:0]
				places = append(places, parameter, provider, realm)
				wantName, wantRule, wantErr := "", journey.Rule(""), journey.ErrNotConfigured
				for i, place := range places {
					if !place.unset {
						wantName, wantRule, wantErr = place.name, rules[i], place.err
						break
					}
				}
				row := fmt.Sprintf("(%q, %q, %q)", parameter.name, provider.name, realm.name)
				name, rule := journey.Select(parameter.name, provider.name, realm.name)
				if name != wantName || rule != wantRule {
					t.Errorf("Select%s = %q, %q; want %q, %q", row, name, rule, wantName, wantRule)
				}
				j, rule, err := set.Choose(parameter.name, provider.name, realm.name, allowed)
				if !errors.Is(err, wantErr) || rule != wantRule {
					t.Errorf("Choose%s = %q, %v; want %q, %v", row, rule, err, wantRule, wantErr)
				}
				if (j != nil) != (wantErr == nil) || j != nil && j.Name() != wantName {
					t.Errorf("Choose%s gave the journey %v; want %q", row, j, wantName)
				}
			}
		}
	}
}

func TestChooseWithoutAllowedAllowsEvery(t *testing.T) {
	j, _, err := build(t, choices, nil).Choose("notallowed", "", "", nil)
	if err != nil || j.Name() != "notallowed" {
		t.Errorf("Choose = %v, %v", j, err)
	}
}

// Whoever may not use a journey does not learn that it is interactive.
func TestChooseSaysUnknownBeforeInteractive(t *testing.T) {
	_, _, err := build(t, choices, nil).Choose("interactive", "", "", func(string) bool { return false })
	if !errors.Is(err, journey.ErrUnknown) {
		t.Errorf("error %v, want %v", err, journey.ErrUnknown)
	}
}

func TestChooseNeverTakesABrokenJourney(t *testing.T) {
	set, _ := journey.Build(parse(t, choices+`
broken entry=a
  a Check yes=success`), kinds(nil), journey.Env{})
	if _, rule, err := set.Choose("", "broken", "good", nil); !errors.Is(err, journey.ErrUnknown) || rule != journey.RuleProvider {
		t.Errorf("Choose = %q, %v", rule, err)
	}
}

func TestCheckDefaults(t *testing.T) {
	set, _ := journey.Build(parse(t, choices+`
broken entry=a
  a Check yes=success`), kinds(nil), journey.Env{})
	for _, tt := range []struct {
		provider, realm string
		want            []string
	}{
		{"good", "", nil},
		{"", "good", nil},
		{"[Empty]", "good", nil},
		{"good", "good", nil},
		{"good", `"[Empty]"`, nil},
		{"", "", []string{"warning realm: no journey is configured: a request without auth_chain will fail"}},
		{"[Empty]", `"[Empty]"`, []string{"warning realm: no journey is configured: a request without auth_chain will fail"}},
		{"goood", "good", []string{`provider: there is no journey "goood", did you mean "good"?`}},
		{"disabled", "good", []string{`provider: the journey "disabled" is disabled`}},
		{"inneronly", "good", []string{`provider: the journey "inneronly" runs only inside other journeys (inner_only)`}},
		{"interactive", "good", []string{`provider: the journey "interactive" needs user interaction (node "a")`}},
		{"broken", "good", nil}, // Build has told
		{"", "nothing", []string{`realm: there is no journey "nothing"`}},
		{"[Empty]", "disabled", []string{`realm: the journey "disabled" is disabled`}},
		{"", "inneronly", []string{`realm: the journey "inneronly" runs only inside other journeys (inner_only)`}},
		{"", "interactive", []string{`realm: the journey "interactive" needs user interaction (node "a")`}},
		{"", "broken", nil},
		{"good", "nothing", []string{`warning realm: there is no journey "nothing"`}},
		{"good", "interactive", []string{`warning realm: the journey "interactive" needs user interaction (node "a")`}},
		{"disabled", "nothing", []string{
			`provider: the journey "disabled" is disabled`,
			`warning realm: there is no journey "nothing"`,
		}},
	} {
		if diff := cmp.Diff(tt.want, lines(set.CheckDefaults(tt.provider, tt.realm))); diff != "" {
			t.Errorf("CheckDefaults(%q, %q) (-want +got):\n%s", tt.provider, tt.realm, diff)
		}
	}
	var none *journey.Set
	if diff := cmp.Diff([]string{`provider: there is no journey "good"`}, lines(none.CheckDefaults("good", ""))); diff != "" {
		t.Error("a nil Set (-want +got):\n" + diff)
	}
}

// FuzzSelect holds Select against the sentence of the contract: the first name that is set, unchanged.
func FuzzSelect(f *testing.F) {
	for _, n := range names {
		f.Add(n.name, "good", "[Empty]")
		f.Add("", n.name, "good")
		f.Add(`"[Empty]"`, "[Empty]", n.name)
	}
	f.Fuzz(func(t *testing.T, parameter, provider, realm string) {
		places := []string{parameter, provider, realm}
		rules := []journey.Rule{journey.RuleAuthChain, journey.RuleProvider, journey.RuleRealm}
		first := slices.IndexFunc(places, func(name string) bool {
			bare := name
			if len(name) >= 2 && strings.HasPrefix(name, `"`) && strings.HasSuffix(name, `"`) {
				bare = name[1 : len(name)-1]
			}
			return name != "" && bare != "[Empty]"
		})
		name, rule := journey.Select(parameter, provider, realm)
		if first < 0 {
			if name != "" || rule != "" {
				t.Errorf("Select = %q, %q; want nothing", name, rule)
			}
			return
		}
		if name != places[first] || rule != rules[first] {
			t.Errorf("Select = %q, %q; want %q, %q", name, rule, places[first], rules[first])
		}
	})
}

// BenchmarkSelect is the choice of a journey, for every request.
func BenchmarkSelect(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if name, _ := journey.Select("", "[Empty]", "good"); name != "good" {
			b.Fatal(name)
		}
	}
}
