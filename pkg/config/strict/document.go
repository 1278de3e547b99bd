package strict

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is a parsed file and the problems found in it. It is not safe for concurrent use.
type Document struct {
	file     string
	lines    []string
	env      func(string) (string, bool)
	root     *yaml.Node            // nil: nothing in it, or it can't be parsed
	entries  map[string]entry      // by Path.id
	expanded map[*yaml.Node]string // values that hold variables
	broken   map[string]bool       // paths whose value could not be decoded
	failed   map[string]bool       // paths of Raw values with problems below
	errors   int
	problems Problems
	seen     map[string]bool // problems, to report each one once
}

// entry is where a value stands. The key is nil for elements of lists and the top.
type entry struct {
	key, value *yaml.Node
	written    string
}

// Has reports whether something stands at the path, if only a key without a value.
func (d *Document) Has(p Path) bool {
	_, ok := d.entries[p.id()]
	return ok
}

// Problems are the problems so far, sorted.
func (d *Document) Problems() Problems {
	out := slices.Clone(d.problems)
	out.sort()
	return out
}

// Failed reports whether there is an error among the problems.
func (d *Document) Failed() bool { return d.errors > 0 }

// Broken reports whether the value at the path could not be decoded.
func (d *Document) Broken(p Path) bool { return d.broken[p.id()] }

// BrokenIn reports whether a key of the mapping at the path, or an element of the list, could not be decoded.
func (d *Document) BrokenIn(p Path) bool {
	for path := range d.broken {
		if rest, below := strings.CutPrefix(path, p.id()+"\x00"); below && !strings.Contains(rest, "\x00") {
			return true
		}
	}
	return false
}

// brokenBelow reports whether something at the path or below it could not be decoded.
func (d *Document) brokenBelow(p Path) bool {
	for path := range d.broken {
		if path == p.id() || strings.HasPrefix(path, p.id()+"\x00") {
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
		if d.broken[p[:i].id()] {
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
		problem.Excerpt = excerpt(d.lines, at.Line, at.Column, hide)
	}
	d.keep(problem)
}

func (d *Document) keep(p Problem) {
	id := fmt.Sprint(p.Line, ":", p.Column, ":", p.Path, ":", p.Message)
	if !d.seen[id] {
		d.seen[id] = true
		d.problems = append(d.problems, p)
		if !p.Warning {
			d.errors++
		}
	}
}

// show quotes a value as it is written in the file: a variable stays a variable, a secret is not shown.
func (d *Document) show(p Path, n *yaml.Node) string {
	if p.secret() {
		return "the value"
	}
	return fmt.Sprintf("%q", shorten(n.Value))
}

// text is a value with its variables expanded.
func (d *Document) text(n *yaml.Node) (text string, expanded bool) {
	if text, ok := d.expanded[n]; ok {
		return text, true
	}
	return n.Value, false
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
