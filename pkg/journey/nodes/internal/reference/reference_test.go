package main

import (
	"errors"
	"fmt"
	"go/doc"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

func TestReadmeHasTheReferenceOfTheNodes(t *testing.T) {
	old, fresh, err := readmes("../..", "../../../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.SplitAfter(string(fresh), "\n"), strings.SplitAfter(string(old), "\n")); diff != "" {
		t.Errorf("run go generate ./pkg/journey/nodes (-want +got):\n%s", diff)
	}
}

func TestEveryNodeIsInOneGroup(t *testing.T) {
	more := func(name string) []group { return append(slices.Clone(groups), group{"More", []string{name}}) }
	for _, tt := range []struct {
		groups []group
		want   string
	}{
		{groups, "<nil>"},
		{more("NotThereYet"), "<nil>"},
		{more("PageNode"), "PageNode is in two groups"},
		{groups[1:], "PageNode is in no group of internal/reference/groups.go"}, // the first by name
	} {
		placed, err := place(tt.groups, nodes.Table())
		if got := fmt.Sprint(err); got != tt.want {
			t.Errorf("error %s, want %s", got, tt.want)
		}
		if slices.ContainsFunc(placed, func(g group) bool { return g.title == "More" }) {
			t.Error("a group without a node is shown")
		}
	}
}

// source is the documentation of a package with that file.
func source(t *testing.T, text string) *doc.Package {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	pkg, err := parse(dir)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

func TestSettingsOfAllKinds(t *testing.T) {
	text, err := os.ReadFile("odd_test.go")
	if err != nil {
		t.Fatal(err)
	}
	limit := 3
	got, err := settings(source(t, string(text)), reflect.ValueOf(Odd{
		common: common{Strict: true}, Limit: &limit, Wait: 1500 * time.Millisecond, Results: [][]string{{"a", "b"}, {"c"}},
		Headers:   map[string]map[string]string{"x": {"b": "2", "a": "1"}},
		Algorithm: "SHA1",
		Networks:  []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Servers:   []Server{{Host: "here"}},
	}))
	want := []string{
		"`strict` (bool, default `true`) is what others share.",
		"`limit` (number, default `3`) is how many | bars, `few` or `many`.",
		"`wait` (duration, default `1500ms`) is how long, see `a \"b\"`. \\<b>Bold\\</b> is \\*not\\* meant.",
		"`outcomes` (list of lists of texts, default `[[a, b], [c]]`) are lists.",
		"`headers` (map of maps of texts, default `{x: {a: 1, b: 2}}`) are maps.",
		"`algorithm` (text, default `SHA1`) is any; SHA1 if it is left out, which all know.",
		"`networks` (list of networks, default `[10.0.0.0/8]`) are some.",
		"`tls` (map) is a map.",
		"  `host` (text, required) is where.",
		"`servers` (list of maps, default `[{host: here}]`) are many.",
		"  `host` (text, required) is where.",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// thing is a node type whose source the tests give.
type thing struct {
	Limit int `yaml:"limit"`
}

func (thing) Outcomes() []string                     { return []string{"yes", "no"} }
func (thing) Open(journey.Env) (journey.Node, error) { return nil, errors.ErrUnsupported }

func TestWhatIsNotSaidOrNotTrueIsAnError(t *testing.T) {
	const (
		comment  = "// thing decides.\n"
		limit    = "type thing struct {\n// Limit is one; 3 if it is left out.\nLimit int\n}\n"
		outcomes = "// Outcomes are \"yes\" and \"no\".\nfunc (thing) Outcomes() []string\n"
	)
	for text, want := range map[string]string{
		comment + limit + outcomes: "<nil>",
		"":                         "there is no struct thing",
		limit + outcomes:           `its comment does not begin with "thing"`,
		comment + limit:            "it has no method Outcomes",
		comment + strings.Replace(limit, "Limit is", "This is", 1) + outcomes:  `Limit: its comment does not begin with "Limit"`,
		comment + strings.Replace(limit, "3", "4", 1) + outcomes:               "Limit: its comment says that 4 is the default, but 3 is",
		comment + limit + strings.Replace(outcomes, " and \"no\"", "", 1):      `the comment of its Outcomes does not say what "no" means`,
		comment + limit + strings.Replace(outcomes, "Outcomes are", "They", 1): `the comment of its Outcomes does not begin with "Outcomes are"`,
	} {
		if _, err := describe(source(t, "package p\n\n"+text), "Thing", thing{Limit: 3}); fmt.Sprint(err) != want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestRequiredSettingHasNoDefault(t *testing.T) {
	text := source(t, "package p\n\n// Server is one.\ntype Server struct {\n// Host is where.\nHost string\n}\n")
	_, err := settings(text, reflect.ValueOf(Server{Host: "here"}))
	if want := "Host: it is required, but it has a default"; fmt.Sprint(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestNodeIsShownWithAllThatIsSaid(t *testing.T) {
	n, err := describe(source(t, `package p

// thing decides a|b. It goes on.
//
// There is more: "yes", and "no".
//   - one
//   - two
type thing struct {
	// Limit is one, and this comment is long enough that a line of the README can not hold it, so that it has to be
	// broken somewhere - and not before a dash.
	Limit int
}

// Outcomes are "yes" (good) and
// "no".
func (thing) Outcomes() []string
`), "Thing", thing{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := n.row(), "| `Thing` | `yes`, `no` | decides a\\|b |"; got != want {
		t.Errorf("row\n got %s\nwant %s", got, want)
	}
	want := "**Thing**. It goes on.\n\nThere is more: `yes`, and `no`.\n\n- one\n- two\n\n- Outcomes: `yes` (good) and `no`.\n" +
		"- `limit` (number) is one, and this comment is long enough that a line of the README can not hold it, so that it has to be\n" +
		"  broken somewhere - and not before a dash."
	if diff := cmp.Diff(want, n.more()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
