package journey_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
)

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
