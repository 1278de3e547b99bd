package ropcd

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/journey"
)

// The looks of what is not a plain box. They have no colour of their own behind the text, for light and dark pages.
const classes = `    classDef success stroke:#2da44e,stroke-width:3px
    classDef failure stroke:#cf222e,stroke-width:3px
    classDef interactive stroke-dasharray:6 4
`

// drawMermaid draws a journey as a flowchart in the language of Mermaid. Whatever the names hold, they are text in it: the
// ids are numbers, and labels have codes for all but letters and digits.
func drawMermaid(w io.Writer, j admin.Journey) error {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	fmt.Fprintf(&b, "    entry([%s]) --> n0\n", label(append([]string{j.Name}, states(j)...)...))
	ids := []string{j.Entry} // the number of an id is its place
	for i := 0; i < len(ids); i++ {
		n, ok := j.Nodes[ids[i]]
		fmt.Fprintf(&b, "    n%d%s\n", i, shape(ids[i], n, ok))
		for _, way := range waysFrom(n) {
			if !slices.Contains(ids, way.to) {
				ids = append(ids, way.to)
			}
			fmt.Fprintf(&b, "    n%d -->|%s| n%d\n", i, label(way.outcome), slices.Index(ids, way.to))
		}
	}
	b.WriteString(classes)
	_, err := io.WriteString(w, b.String())
	return err
}

// shape is what stands behind a node's id: its form, label and class.
func shape(id string, n admin.Node, isNode bool) string {
	switch {
	case !isNode && id == journey.Success:
		return "([" + label(id) + "]):::success"
	case !isNode:
		return "{{" + label(id) + "}}:::failure"
	}
	text := label(append([]string{id}, about(n)...)...)
	form := "[" + text + "]"
	if n.Inner != "" {
		form = "[[" + text + "]]"
	}
	if n.Interactive {
		form += ":::interactive"
	}
	return form
}

// states are what is unusual of a journey as a whole.
func states(j admin.Journey) (states []string) {
	for _, s := range []struct {
		holds bool
		text  string
	}{{!j.Enabled, "disabled"}, {j.InnerOnly, "inner only"}, {j.Unverified, "may succeed unverified"}} {
		if s.holds {
			states = append(states, s.text)
		}
	}
	return states
}

// label is a text of some lines between quotes.
func label(lines ...string) string {
	coded := make([]string, len(lines))
	for i, line := range lines {
		coded[i] = code(visible(line))
	}
	return `"` + strings.Join(coded, "<br/>") + `"`
}

// code writes all that could mean something to Mermaid, or to the Markdown and HTML in its labels, as the code of the
// character. A sign within a word means nothing and stays, for people who read the source.
func code(text string) string {
	runes := []rune(text)
	inWord := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	var b strings.Builder
	for i, r := range runes {
		switch {
		case inWord(i), r == ' ', strings.ContainsRune("_-.", r) && inWord(i-1) && inWord(i+1):
			b.WriteRune(r)
		case r == '\\', r == '$', r == ':':
			// Signs that begin something even as codes, unless they are kept from what follows by a word joiner.
			fmt.Fprintf(&b, "#%d;#%d;", r, '\u2060')
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
