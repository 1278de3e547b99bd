package strict

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is a parsed file and the problems found in it. It is not safe for concurrent use.
type Document struct {
	file     string
	lines    []string
	shown    map[int]*line // lines that were in an excerpt
	samples  map[*yaml.Node]bool
	sampled  map[int]int // where in a line the first sample begins: nothing from there on is shown
	env      func(string) (string, bool)
	root     *yaml.Node            // nil: nothing in it, or it can't be parsed
	entries  map[string]entry      // by Path.id
	expanded map[*yaml.Node]string // values that hold variables
	broken   broken
	failed   map[string]bool // paths of Raw values with problems below
	errors   int
	problems []found
	untold   int             // problems beyond MaxProblems
	seen     map[string]bool // problems, to report each one once
}

// entry is where a value stands. The key is nil for elements of lists and the top.
type entry struct {
	key, value *yaml.Node
	written    string
}

// found is a problem whose excerpt is made when it is told: what must be hidden in it may be decoded later.
type found struct {
	Problem
	hide bool
}

// Has reports whether something stands at the path, if only a key without a value.
func (d *Document) Has(p Path) bool {
	_, ok := d.entries[p.id()]
	return ok
}

// Problems are the problems so far, sorted.
func (d *Document) Problems() Problems {
	out := make(Problems, len(d.problems), len(d.problems)+1)
	for i, f := range d.problems {
		out[i] = f.Problem
		out[i].Excerpt = d.excerpt(f.Line, f.Column, f.hide)
	}
	out.sort()
	if d.untold > 0 {
		message := fmt.Sprintf("there are %d more problems", d.untold)
		out = append(out, Problem{File: d.file, Message: message, Warning: d.errors == 0})
	}
	return out
}

// Failed reports whether there is an error among the problems.
func (d *Document) Failed() bool { return d.errors > 0 }

// FailedIn reports whether there is an error at the path or below it.
func (d *Document) FailedIn(p Path) bool {
	e, ok := d.entries[p.id()]
	if !ok || d.untold > 0 {
		return d.Failed()
	}
	for _, f := range d.problems {
		rest, below := strings.CutPrefix(f.Path, e.written)
		if below = below && (rest == "" || e.written == "" || rest[0] == '.' || rest[0] == '['); below && !f.Warning {
			return true
		}
	}
	return false
}

// Report adds an error about the value at the path, or, when it was left out, about what should hold it. Nothing is
// added about a value that could not be decoded in the first place.
func (d *Document) Report(p Path, format string, args ...any) {
	d.report(p, false, fmt.Sprintf(format, args...))
}

// Warn is Report for a problem that does not refuse the file.
func (d *Document) Warn(p Path, format string, args ...any) {
	d.report(p, true, fmt.Sprintf(format, args...))
}

// Bad is Report with the value, as it is written in the file, in front of the message: `"x" is not …`.
func (d *Document) Bad(p Path, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if e, ok := d.entries[p.id()]; ok && e.value.Kind == yaml.ScalarNode {
		message = d.show(p, e.value) + " " + message
	}
	d.report(p, false, message)
}

func (d *Document) report(p Path, warning bool, message string) {
	for i := range len(p) + 1 {
		if d.broken.at[p[:i].id()] {
			return
		}
	}
	e, rest := d.nearest(p)
	written := e.written
	for _, key := range rest {
		written = step(written, key, false)
	}
	at := e.value
	if len(rest) > 0 && e.key != nil {
		at = e.key
	}
	d.add(at, written, p.secret(), warning, message)
}

// nearest is the entry at the path, or of the last step that exists, and the steps that don't.
func (d *Document) nearest(p Path) (entry, Path) {
	for i := len(p); i >= 0; i-- {
		if e, ok := d.entries[p[:i].id()]; ok {
			return e, p[i:]
		}
	}
	return entry{value: d.root}, p
}

func (d *Document) add(at *yaml.Node, written string, hide, warning bool, message string) {
	problem := Problem{File: d.file, Path: written, Message: message, Warning: warning}
	if at != nil {
		problem.Line, problem.Column = at.Line, at.Column
	}
	id := fmt.Sprint(problem.Line, ":", problem.Column, ":", written, ":", message)
	if d.seen[id] {
		return
	}
	d.seen[id] = true
	if !warning {
		d.errors++
	}
	if len(d.problems) == MaxProblems {
		d.untold++
		return
	}
	d.problems = append(d.problems, found{problem, hide})
}

// MaxProblems is how many problems are told one by one.
const MaxProblems = 1000

// show quotes a value as it is written in the file: a variable stays a variable, a secret is not shown.
func (d *Document) show(p Path, n *yaml.Node) string {
	if d.hidden(p, n) {
		return "the value"
	}
	return fmt.Sprintf("%q", shorten(n.Value))
}

// hidden reports whether a value is a secret or a sample.
func (d *Document) hidden(p Path, n *yaml.Node) bool {
	return p.secret() || d.samples[n]
}

// text is a value with its variables expanded.
func (d *Document) text(n *yaml.Node) (text string, expanded bool) {
	if text, ok := d.expanded[n]; ok {
		return text, true
	}
	return n.Value, false
}

// Expanded reports whether a value of the file became that text by its variables, so that it must not be shown.
func (d *Document) Expanded(text string) bool {
	for _, value := range d.expanded {
		if value == text && text != "" {
			return true
		}
	}
	return false
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch strings.TrimPrefix(n.ShortTag(), "!!") {
	case "int", "float":
		return "a number"
	case "bool":
		return "a boolean"
	case "null":
		return "nothing"
	}
	return "a string"
}
