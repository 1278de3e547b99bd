package ropcd_test

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/ropcd"
)

var update = flag.Bool("update", false, "write the drawings of testdata/draw; look at them afterwards")

// awkward is a journey whose names would mean something in a terminal, or in Mermaid, Markdown and HTML.
var awkward = admin.Journey{
	Name: `say "friend" and [enter]`, Realm: "/alpha", Enabled: true, InnerOnly: true, Unverified: true, UsedBy: []string{},
	Interactive: "1. ask", Entry: "end",
	Nodes: map[string]admin.Node{
		"end": {
			Type: "PageNode", Nodes: []string{"UsernameCollector", "PasswordCollector"}, Next: "a\n\"]; click n0 href \"//evil\"",
		},
		"a\n\"]; click n0 href \"//evil\"": {Type: "DataStoreDecision", Outcomes: map[string]string{
			"true": "größe 日本 🙂", "|false|": "- <b onload=x>&amp;</b>",
		}},
		"größe 日本 🙂": {Type: "InnerTreeEvaluator", Inner: `%%{init: {"theme": "dark"}}%%`, Outcomes: map[string]string{
			"true": "#35; $$x$$ \\n `y` _z_", "false": "failure",
		}},
		"- <b onload=x>&amp;</b>": {Type: "RetryLimitDecision", Outcomes: map[string]string{"retry": "end", "reject": "failure"}},
		"#35; $$x$$ \\n `y` _z_":  {Type: "ScriptedDecision", Outcomes: map[string]string{"subgraph": "1. ask", "\x1b[31m": "success"}},
		"1. ask": {Type: "ChoiceCollector", Interactive: true, Outcomes: map[string]string{
			"fa:fa-ban": "graph", "\u202eevil": "failure", "": "success",
		}},
		"graph": {Type: "InnerTreeEvaluator", Inner: "PasswordGrant", Interactive: true, Outcomes: map[string]string{
			"true": "success", "false": "failure",
		}},
	},
}

func TestDrawingsOfAwkwardNames(t *testing.T) {
	var text, mermaid bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	ropcd.DrawText(w, awkward)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := ropcd.DrawMermaid(&mermaid, awkward); err != nil {
		t.Fatal(err)
	}
	for file, got := range map[string]string{"testdata/draw/awkward.txt": text.String(), "testdata/draw/awkward.mmd": mermaid.String()} {
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// mermaidLine is all that a line of a flowchart may be, whatever the names are.
var mermaidLine = func() *regexp.Regexp {
	label := `"(?:[\pL\pN _.-]|#[0-9]+;|<br/>)*"`
	node := `n[0-9]+(?:\[` + label + `\]|\[\[` + label + `\]\]|\(\[` + label + `\]\)|\{\{` + label + `\}\})(?::::(?:success|failure|interactive))?`
	return regexp.MustCompile(`^(?:flowchart TD|    (?:entry\(\[` + label + `\]\) --> n0|` + node + `|n[0-9]+ -->\|` + label +
		`\| n[0-9]+|classDef [a-z]+ [a-z0-9#:, -]+))$`)
}()

func FuzzMermaidIsNothingButItsLines(f *testing.F) {
	for id, n := range awkward.Nodes {
		f.Add(id, n.Type, n.Inner)
	}
	f.Fuzz(func(t *testing.T, id, outcome, inner string) {
		var b strings.Builder
		j := admin.Journey{Name: outcome, Entry: id, Nodes: map[string]admin.Node{
			id: {Type: outcome, Inner: inner, Outcomes: map[string]string{outcome: id, inner: "failure", "x" + inner: "success"}},
		}}
		if err := ropcd.DrawMermaid(&b, j); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if !mermaidLine.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("%q", line)
			}
		}
	})
}
