package journey_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
)

var update = flag.Bool("update", false, "write testdata/precedence.txt; read it against the contract afterwards")

// states are what can stand in each of the three places, as the table writes them. The journeys are those of choices.
var states = []struct{ shown, name string }{
	{"unset", ""},
	{"[Empty]", "[Empty]"},
	{`"[Empty]"`, `"[Empty]"`},
	{"good", "good"},
	{"unknown", "unknown"},
	{"disabled", "disabled"},
	{"inner-only", "inneronly"},
	{"interactive", "interactive"},
	{"not-allowed", "notallowed"},
}

// TestPrecedenceIsThatOfTheContract holds the table of CONTRACT 3 as a file that people can read.
func TestPrecedenceIsThatOfTheContract(t *testing.T) {
	set := build(t, choices, nil)
	var b strings.Builder
	b.WriteString("# Which journey a request gets: the first name that is set decides, and the next one is never tried instead.\n" +
		"# not-allowed is a good journey that is not among the client's.\n")
	table(&b, func(row func(cells ...string)) {
		row("# auth_chain", "provider", "realm", "->", "rule", "journey or refusal")
		for _, parameter := range states {
			for _, provider := range states {
				for _, realm := range states {
					rule, outcome := chosen(t, set, parameter.name, provider.name, realm.name)
					row(parameter.shown, provider.shown, realm.shown, "->", rule, outcome)
				}
			}
		}
	})
	b.WriteString("\n# What is said of a realm's own names when the configuration is read: an error refuses it.\n")
	table(&b, func(row func(cells ...string)) {
		row("# provider", "realm", "->", "problems")
		for _, provider := range states {
			for _, realm := range states {
				row(provider.shown, realm.shown, "->", said(set.CheckDefaults(provider.name, realm.name)))
			}
		}
	})
	const file = "testdata/precedence.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// table writes rows with aligned columns.
func table(b *strings.Builder, rows func(row func(cells ...string))) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	rows(func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) })
	w.Flush()
}

// chosen is what becomes of a request of a client that may use every journey but one.
func chosen(t *testing.T, set *journey.Set, parameter, provider, realm string) (rule, outcome string) {
	t.Helper()
	j, r, err := set.Choose(parameter, provider, realm, func(name string) bool { return name != "notallowed" })
	rule = string(r)
	if rule == "" {
		rule = "none"
	}
	switch {
	case err == nil:
		return rule, j.Name()
	case errors.Is(err, journey.ErrUnknown):
		return rule, "refused: unknown"
	case errors.Is(err, journey.ErrInteractive):
		return rule, "refused: interactive"
	case errors.Is(err, journey.ErrNotConfigured):
		return rule, "refused: not configured"
	}
	t.Fatalf("(%q, %q, %q): %v", parameter, provider, realm, err)
	return "", ""
}

// said is all problems on one line.
func said(problems []journey.Problem) string {
	if len(problems) == 0 {
		return "none"
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = map[bool]string{true: "warning", false: "error"}[p.Warning] + " " + strings.Join(p.Path, ".") + ": " + p.Message
	}
	return strings.Join(texts, "; ")
}
