package journey_test

import (
	"errors"
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

// unverifiedTests are journeys that can succeed without a credential, and their neighbours that can't.
var unverifiedTests = []struct{ name, text, want string }{
	{"verified on the only way", "main entry=a strict\n a Check yes=success no=failure", ""},
	{"straight through", "main entry=a strict\n a Pass next=success", `main.nodes.a: no credential is verified on the way "a" -> "success"; verify one, or say ` + "`allow_unverified: true`"},
	{"on the other outcome", "main entry=a strict\n a Check yes=failure no=success", `main.nodes.a: no credential is verified on the way "a" -> "success"; verify one, or say ` + "`allow_unverified: true`"},
	{"on one of two ways", "main entry=a strict\n a Ask yes=b no=c\n b Check yes=c no=failure\n c Pass next=success", `main.nodes.c: no credential is verified on the way "a" -> "c" -> "success"; verify one, or say ` + "`allow_unverified: true`"},
	{"a second source after the first", "main entry=a strict\n a Check yes=success no=b\n b Check yes=success no=failure", ""},
	{"inside", "main entry=a strict\n a Inner yes=success no=failure settings=sub\nsub inner entry=b\n b Check yes=success no=failure", ""},
	{"not inside", "main entry=a strict\n a Inner yes=success no=failure settings=sub\nsub inner entry=b\n b Ask yes=success no=failure", `main.nodes.a: no credential is verified on the way "a" -> "success"; verify one, or say ` + "`allow_unverified: true`"},
	{"inside, but not on failure", "main entry=a strict\n a Inner yes=success no=success settings=sub\nsub inner entry=b\n b Check yes=success no=failure", `main.nodes.a: no credential is verified on the way "a" -> "success"; verify one, or say ` + "`allow_unverified: true`"},
	{"a part of others need not", "main entry=a strict\n a Check yes=b no=failure\n b Inner yes=success no=failure settings=sub\nsub inner strict entry=b\n b Ask yes=success no=failure", ""},
	{"one that needs its user never runs", "main entry=a strict\n a Choose red=success", ""},
	{"in a bounded loop", "main entry=a strict\n a Limit yes=b no=failure\n b Check yes=success no=a", ""},
	{"allowed", "main entry=a\n a Pass next=success", "warning main.allow_unverified: the journey may succeed without a verified credential: a client gets tokens for whomever it names"},
	{"disabled ones too", "main entry=a off strict\n a Pass next=success", `main.nodes.a: no credential is verified on the way "a" -> "success"; verify one, or say ` + "`allow_unverified: true`"},
}

func TestBuildHoldsThatACredentialIsVerified(t *testing.T) {
	for _, tt := range unverifiedTests {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := journey.Build(parse(t, tt.text), kinds(nil), journey.Env{})
			problems = slices.DeleteFunc(problems, func(p journey.Problem) bool {
				return p.Path[0] != "main" || (p.Warning && p.Path[len(p.Path)-1] != "allow_unverified")
			})
			if got := strings.Join(lines(problems), "\n"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What works in no request is told, and what is broken is told once.
func TestBuildWarns(t *testing.T) {
	types := kinds(nil)
	types["choose"] = types["Pass"]
	types["Limited"] = func() journey.Settings { return &named{} }
	const uncollected = "a way leads here on which no user name, or no password, is collected: Check says no then"
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"collected", "main entry=a strict\n a Collect next=b\n b Check yes=success no=failure", nil},
		{"on a page", "main entry=a strict\n a Page next=b nodes=Collect\n b Check yes=success no=failure", nil},
		{"not collected", "main entry=b strict\n b Check yes=success no=failure", []string{"warning main.nodes.b: " + uncollected}},
		{"collected afterwards", "main entry=b strict\n b Check yes=a no=failure\n a Collect next=success", []string{"warning main.nodes.b: " + uncollected}},
		{"on one way only", "main entry=a strict\n a Ask yes=c no=b\n c Collect next=b\n b Check yes=success no=failure", []string{"warning main.nodes.b: " + uncollected}},
		{"perhaps inside", "main entry=a strict\n a Inner yes=b no=failure settings=sub\n b Check yes=success no=failure\nsub inner entry=c\n c Collect next=success", nil},
		{"a part of others", "main entry=a strict\n a Collect next=b\n b Inner yes=success no=failure settings=sub\nsub inner entry=c\n c Check yes=success no=failure", nil},
		{"needs its user", "main entry=a strict\n a Choose red=success", []string{`warning main.nodes.a.type: Choose needs user interaction, so that no request can run the journey; did you mean "choose"?`}},
		{"needs its user inside", "main entry=a strict\n a Inner yes=success no=failure settings=sub\nsub inner strict entry=c\n c Choose red=success", []string{
			`warning main.nodes.a: the inner journey "sub" needs user interaction, so that no request can run this one`,
			`warning sub.nodes.c.type: Choose needs user interaction, so that no request can run the journey; did you mean "choose"?`,
		}},
		{"a setting is named", "main entry=a strict\n a Limited next=success settings=x", []string{`main.nodes.a.settings.max_age: max_age: is too much`}},
		{"broken inside", "main entry=a strict\n a Inner yes=success no=failure settings=sub\nsub inner entry=c\n c Chekc yes=success no=failure", []string{`sub.nodes.c.type: there is no node type "Chekc", did you mean "Check"?`}},
	} {
		_, problems := journey.Build(parse(t, tt.text), types, journey.Env{})
		problems = slices.DeleteFunc(problems, func(p journey.Problem) bool { return p.Path[len(p.Path)-1] == "allow_unverified" })
		if diff := cmp.Diff(tt.want, lines(problems)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// named is settings of which one is wrong.
type named struct {
	kind
	MaxAge string `yaml:"max_age"`
}

func (*named) Outcomes() []string                     { return []string{"outcome"} }
func (*named) Verifies() []string                     { return []string{"outcome"} }
func (*named) Open(journey.Env) (journey.Node, error) { return nil, errors.New("max_age: is too much") }

// closing is a node that holds something.
type closing struct {
	kind
	closed *int
}

func (c *closing) Open(journey.Env) (journey.Node, error) { return c, nil }
func (c *closing) Close() error                           { *c.closed++; return errDown }

func TestSetClosesItsNodes(t *testing.T) {
	closed := 0
	types := kinds(nil)
	types["Hold"] = func() journey.Settings { return &closing{kind{outcomes: []string{"outcome"}, collects: true}, &closed} }
	set, _ := builds(parse(t, `
main entry=a
  a Hold next=b
  b Page next=success nodes=Hold
broken entry=a
  a Hold next=nowhere`), types, journey.Env{})
	if err := set.Close(); closed != 3 || !errors.Is(err, errDown) {
		t.Errorf("closed %d nodes of 3, error %v", closed, err)
	}
	if err := (*journey.Set)(nil).Close(); err != nil {
		t.Error(err)
	}
}

func TestNilSetHasNothing(t *testing.T) {
	var set *journey.Set
	if _, ok := set.Journey("main"); ok || set.Names() != nil || set.Parameters() != nil {
		t.Error("a nil Set has something")
	}
}
