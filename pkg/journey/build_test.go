package journey_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ropcd/ropcd/pkg/journey"
)

func lines(problems []journey.Problem) []string {
	var out []string
	for _, p := range problems {
		kind := ""
		if p.Warning {
			kind = "warning "
		}
		out = append(out, kind+strings.Join(p.Path, ".")+": "+p.Message)
	}
	return out
}

// Each row is a journey with what is wrong with it, and nothing else. A row without problems is the negative case of
// those around it.
var buildTests = []struct {
	name string
	text string
	want []string
}{
	{"sound", `
main entry=a
  a Collect next=b
  b Check yes=success no=failure`, nil},
	{"single outcome below outcomes", `
main entry=a
  a Pass outcome=success`, nil},
	{"no nodes", `
main entry=a`, []string{`main: the journey has no nodes`}},
	{"no entry", `
main
  a Pass next=success`, []string{`main: the journey has no entry`}},
	{"unknown entry", `
main entry=begin
  a Pass next=success`, []string{`main.entry: there is no node "begin"`}},
	{"entry is an end", `
main entry=success
  a Pass next=success`, []string{`main.entry: the entry must be a node, not an end`}},
	{"mistyped entry", `
main entry=chekc
  check Pass next=success`, []string{`main.entry: there is no node "chekc", did you mean "check"?`}},
	{"reserved names", `
main entry=success
  success Pass next=failure
  failure Pass next=success`, []string{
		`main.entry: the entry must be a node, not an end`,
		`main.nodes.failure: "failure" is an end, no node may have its name`,
		`main.nodes.success: "success" is an end, no node may have its name`,
	}},
	{"empty name", `
main entry=a
  a Ask yes=success no=
  _ Pass next=success`, []string{
		`main.nodes.: the node has no name`,
	}},
	{"no type", `
main entry=a
  a next=success`, []string{`main.nodes.a: the node has no type`}},
	{"unknown type", `
main entry=a
  a Chekc yes=success no=failure`, []string{`main.nodes.a.type: there is no node type "Chekc", did you mean "Check"?`}},
	{"quite unknown type", `
main entry=a
  a Kerberos true=success false=failure`, []string{`main.nodes.a.type: there is no node type "Kerberos"`}},
	{"settings do not decode", `
main entry=a
  a Ask yes=success settings=undecodable`, []string{
		`main.nodes.a.outcomes: the outcome "no" leads nowhere`,
		`main.nodes.a.settings: unknown key`,
	}},
	{"settings are invalid", `
main entry=a
  a Pass next=success settings=invalid`, []string{`main.nodes.a.settings: value: must be valid`}},
	{"settings are valid", `
main entry=a
  a Pass next=success settings=valid`, nil},
	{"a node without outcomes", `
main entry=a
  a Nowhere yes=success`, []string{`main.nodes.a: its settings leave the node without an outcome`}},
	{"a parameter of the protocol", `
main entry=a
  a Steal next=success`, []string{`main.nodes.a: the parameter "password" belongs to the protocol`}},
	{"unwired outcome", `
main entry=a
  a Ask yes=success`, []string{`main.nodes.a.outcomes: the outcome "no" leads nowhere`}},
	{"no outcome wired", `
main entry=a
  a Ask
  b Pass next=success`, []string{
		`main: no way from the entry leads to success`,
		`main.nodes.a: the outcome "yes" leads nowhere`,
		`main.nodes.a: the outcome "no" leads nowhere`,
		`main.nodes.b: the node can't be reached from the entry`,
	}},
	{"only outcome unwired", `
main entry=a
  a Ask yes=success no=b
  b Pass`, []string{`main.nodes.b: the only outcome "outcome" leads nowhere, say ` + "`next`"}},
	{"unknown outcome", `
main entry=a
  a Ask yes=success no=failure maybe=failure`, []string{`main.nodes.a.outcomes.maybe: Ask has no outcome "maybe", only "yes", "no"`}},
	{"unknown target", `
main entry=a
  a Ask yes=sucess no=nowhere-at-all`, []string{
		`main.nodes.a.outcomes.no: there is no node "nowhere-at-all"`,
		`main.nodes.a.outcomes.yes: there is no node "sucess", did you mean "success"?`,
	}},
	{"unknown target of next", `
main entry=a
  a Pass next=chekc
  check Check yes=success no=failre`, []string{
		`main.nodes.a.next: there is no node "chekc", did you mean "check"?`,
		`main.nodes.check.outcomes.no: there is no node "failre", did you mean "failure"?`,
	}},
	{"empty target", `
main entry=a
  a Ask yes=success no=`, []string{`main.nodes.a.outcomes.no: no target is given`}},
	{"next on several outcomes", `
main entry=a
  a Ask next=success`, []string{"main.nodes.a.next: Ask has several outcomes, wire each below `outcomes`: \"yes\", \"no\""}},
	{"next and outcomes", `
main entry=a
  a Pass next=success outcome=success`, []string{"main.nodes.a.next: `next` and `outcomes` exclude each other"}},
	{"unreachable node", `
main entry=a
  a Pass next=success
  b Pass next=success`, []string{`main.nodes.b: the node can't be reached from the entry`}},
	{"no way to success", `
main entry=a
  a Ask yes=failure no=failure`, []string{`main: no way from the entry leads to success`}},
	{"loop", `
main entry=a
  a Pass next=b
  b Ask yes=success no=a`, []string{`main.nodes.a: a loop that no node bounds: "a" -> "b" -> "a"`}},
	{"loop of one", `
main entry=a
  a Ask yes=success no=a`, []string{`main.nodes.a: a loop that no node bounds: "a" -> "a"`}},
	{"two loops", `
main entry=a
  a Ask yes=b no=a
  b Ask yes=success no=a`, []string{
		`main.nodes.a: a loop that no node bounds: "a" -> "a"`,
		`main.nodes.a: a loop that no node bounds: "a" -> "b" -> "a"`,
	}},
	{"bounded loop", `
main entry=a
  a Pass next=b
  b Ask yes=success no=c
  c Limit yes=a no=failure`, nil},
	{"loop through a node that waits", `
main entry=a
  a Choose again=a done=success`, nil},
	{"two ways that meet are no loop", `
main entry=a
  a Ask yes=b no=c
  b Pass next=d
  c Pass next=d
  d Ask yes=success no=failure`, nil},
	{"inner journey", `
main entry=a
  a Inner yes=success no=failure settings=sub
sub inner entry=b
  b Check yes=success no=failure`, nil},
	{"inner journey missing", `
main entry=a
  a Inner yes=success no=failure settings=sup
sub inner entry=b
  b Check yes=success no=failure`, []string{`main.nodes.a.settings: there is no journey "sup", did you mean "sub"?`}},
	{"inner journey disabled", `
main entry=a
  a Inner yes=success no=failure settings=sub
sub off inner entry=b
  b Check yes=success no=failure`, []string{`main.nodes.a.settings: the inner journey "sub" is disabled`}},
	{"inner journey broken", `
main entry=a
  a Inner yes=success no=failure settings=sub
other entry=a
  a Inner yes=success no=failure settings=main
sub inner entry=b
  b Check yes=success`, []string{
		`sub.nodes.b.outcomes: the outcome "no" leads nowhere`,
	}},
	{"recursive", `
main entry=a
  a Inner yes=success no=failure settings=main`, []string{`main.nodes.a.settings: the journey runs itself: "main" -> "main"`}},
	{"mutually recursive", `
main entry=a
  a Inner yes=success no=failure settings=sub
sub entry=b
  b Ask yes=success no=c
  c Inner yes=success no=failure settings=main`, []string{
		`main.nodes.a.settings: the journey runs itself: "main" -> "sub" -> "main"`,
		`sub.nodes.c.settings: the journey runs itself: "sub" -> "main" -> "sub"`,
	}},
	{"the same inner journey twice", `
main entry=a
  a Inner yes=success no=b settings=sub
  b Inner yes=success no=failure settings=sub
sub entry=c
  c Check yes=success no=failure`, nil},
	{"page", `
main entry=a
  a Page next=success nodes=Collect,Collect:valid`, nil},
	{"empty page", `
main entry=a
  a Page next=success`, []string{"main.nodes.a: the page has no collectors, list them below `nodes`"}},
	{"page of others", `
main entry=a
  a Page next=success nodes=Collect,Pass,Colect,Collect:undecodable,Collect:invalid,Collect:next`, []string{
		`main.nodes.a.nodes.1.type: Pass is not a collector, so it can't stand on a page`,
		`main.nodes.a.nodes.2.type: there is no node type "Colect", did you mean "Collect"?`,
		`main.nodes.a.nodes.3.settings: unknown key`,
		`main.nodes.a.nodes.4.settings: value: must be valid`,
		"main.nodes.a.nodes.5: a collector on a page has no `next` and no `outcomes`: the page has them",
	}},
	{"nodes in what is no page", `
main entry=a
  a Pass next=success nodes=Collect`, []string{`main.nodes.a.nodes: Pass can't hold other nodes`}},
	{"interactive, with whatever it says", `
main entry=a
  a Choose red=b blue=failure settings=undecodable
  b Choose next=success`, nil},
	{"interactive still has targets", `
main entry=a
  a Choose red=success blue=nowhere-at-all`, []string{`main.nodes.a.outcomes.blue: there is no node "nowhere-at-all"`}},
	{"everything at once, sorted", `
b entry=x
  x Pass next=y
  y Ask yes=x maybe=success
a entry=z
  z Kerberos next=success
  q Pass next=success settings=invalid`, []string{
		`a.nodes.q: the node can't be reached from the entry`,
		`a.nodes.q.settings: value: must be valid`,
		`a.nodes.z.type: there is no node type "Kerberos"`,
		`b.nodes.x: a loop that no node bounds: "x" -> "y" -> "x"`,
		`b.nodes.y.outcomes: the outcome "no" leads nowhere`,
		`b.nodes.y.outcomes.maybe: Ask has no outcome "maybe", only "yes", "no"`,
	}},
}

func TestBuildReportsEveryProblem(t *testing.T) {
	for _, tt := range buildTests {
		t.Run(tt.name, func(t *testing.T) {
			defs := parse(t, tt.text)
			set, problems := builds(defs, kinds(nil), journey.Env{})
			if diff := cmp.Diff(tt.want, lines(problems)); diff != "" {
				t.Error("problems (-want +got):\n" + diff)
			}
			broken := map[string]bool{}
			for _, p := range problems {
				broken[p.Path[0]] = true
			}
			if tt.name == "inner journey broken" { // its problem is told once, where it is
				broken["main"], broken["other"] = true, true
			}
			var want []string
			for _, name := range slices.Sorted(maps.Keys(defs)) {
				if !broken[name] {
					want = append(want, name)
				}
			}
			if diff := cmp.Diff(want, set.Names(), cmpopts.EquateEmpty()); diff != "" {
				t.Error("the set holds (-want +got):\n" + diff)
			}
		})
	}
}

func TestBuildGathersWhatJourneysDeclare(t *testing.T) {
	const text = `
plain entry=a
  a Check yes=success no=failure
code entry=a
  a Code yes=success no=failure
outer entry=a
  a Page next=b nodes=Collect,CodePage
  b Inner yes=success no=failure settings=code
asking entry=a
  a Pass next=b
  b Ask yes=c no=success
  c Choose red=success
outerasking entry=z
  z Pass next=a
  a Inner yes=success no=failure settings=outest
outest entry=o
  o Inner yes=success no=failure settings=asking
askingpage entry=a
  a Page next=success nodes=Collect,Choose`
	set := build(t, text, nil)
	type facts struct {
		Interactive string
		Parameters  []string
	}
	got := map[string]facts{}
	for _, name := range set.Names() {
		j, _ := set.Journey(name)
		if j.Name() != name {
			t.Errorf("%q is called %q", name, j.Name())
		}
		got[name] = facts{j.Interactive(), j.Parameters()}
	}
	want := map[string]facts{
		"plain":       {"", nil},
		"code":        {"", []string{"code", "hint"}},
		"outer":       {"", []string{"code", "hint", "page"}},
		"asking":      {"c", nil},
		"outerasking": {"a", nil},
		"outest":      {"o", nil},
		"askingpage":  {"a", nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
	if diff := cmp.Diff([]string{"code", "hint", "page"}, set.Parameters()); diff != "" {
		t.Error("parameters of the set (-want +got):\n" + diff)
	}
}

// A node reaches the journey that it declares and no other: the checks know of no other.
func TestBuildGivesANodeItsInnerJourneyOnly(t *testing.T) {
	types := kinds(nil)
	var open *kind
	types["Inner"] = func() journey.Settings {
		open = &kind{outcomes: []string{"yes", "no"}, inner: true}
		return open
	}
	_, problems := builds(parse(t, `
main entry=a
  a Inner yes=success no=failure settings=sub
sub inner entry=b
  b Check yes=success no=failure
other entry=b
  b Check yes=success no=failure`), types, journey.Env{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if j := open.env.Inner("sub"); j == nil || j.Name() != "sub" {
		t.Errorf("Inner gives %v for the declared journey", j)
	}
	if j := open.env.Inner("other"); j != nil {
		t.Errorf("Inner gives %q, which the node does not declare", j.Name())
	}
	if open.env.Logger == nil {
		t.Error("there is no Logger")
	}
}

func TestJourneyTellsWhatItsNodesAre(t *testing.T) {
	set := build(t, `
main entry=a
  a Inner yes=b no=failure settings=sub
  b Choose red=c
  c Inner yes=success no=failure settings=asks
sub entry=b
  b Check yes=success no=failure
asks entry=b
  b Choose red=success`, nil)
	j, _ := set.Journey("main")
	for _, tt := range []struct {
		node, inner string
		interactive bool
	}{
		{"a", "sub", false},
		{"b", "", true},
		{"c", "asks", false}, // that is the inner journey's
		{"success", "", false},
		{"nowhere", "", false},
	} {
		if inner, interactive := j.Inner(tt.node), j.InteractiveNode(tt.node); inner != tt.inner || interactive != tt.interactive {
			t.Errorf("node %q: runs %q, interactive %t", tt.node, inner, interactive)
		}
	}
}
