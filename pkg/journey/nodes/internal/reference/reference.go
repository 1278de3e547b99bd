package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/ropcd/ropcd/pkg/journey"
)

// reference is the reference of the types, whose settings structs are in the package in that folder.
func reference(folder string, types journey.Types) (string, error) {
	pkg, err := parse(folder)
	if err != nil {
		return "", err
	}
	placed, err := place(groups, types)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, g := range placed {
		var table, more []string
		for _, name := range g.types {
			n, err := describe(pkg, name, types[name]())
			if err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
			table = append(table, n.row())
			if text := n.more(); text != "" {
				more = append(more, text)
			}
		}
		parts = append(parts, "#### "+g.title,
			"| node | outcomes | what it does |\n|---|---|---|\n"+strings.Join(table, "\n"))
		if len(more) > 0 {
			parts = append(parts, "<details>\n<summary>Their outcomes and settings</summary>", strings.Join(more, "\n\n"), "</details>")
		}
	}
	return strings.Join(parts, "\n\n") + "\n", nil
}

// parse reads the package's source without its tests.
func parse(folder string) (*doc.Package, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	set, files := token.NewFileSet(), []*ast.File(nil)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return doc.NewFromFiles(set, files, "github.com/ropcd/ropcd/pkg/journey/nodes", doc.AllDecls)
}

// node is all that is said of a node type.
type node struct {
	name     string
	outcomes []string
	first    string   // sentence of what it does, without its subject
	second   bool     // the first of the rest goes on with its paragraph
	rest     []string // paragraphs and lists
	meaning  string   // of the outcomes
	settings []string
}

func describe(pkg *doc.Package, name string, s journey.Settings) (*node, error) {
	t := reflect.TypeOf(s)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	source := typeNamed(pkg, t.Name())
	if source == nil {
		return nil, fmt.Errorf("there is no struct %s", t.Name())
	}
	n := &node{name: name, outcomes: s.Outcomes()}
	text, ok := strings.CutPrefix(source.Doc, t.Name()+" ")
	if !ok {
		return nil, fmt.Errorf("its comment does not begin with %q", t.Name())
	}
	n.first, n.second, n.rest = split(markdown(pkg, text, func(word string) bool { return slices.Contains(n.outcomes, word) }))
	var err error
	if n.meaning, err = meaning(pkg, source, n.outcomes); err != nil {
		return nil, err
	}
	n.settings, err = settings(pkg, reflect.Indirect(reflect.ValueOf(s)))
	return n, err
}

func typeNamed(pkg *doc.Package, name string) *doc.Type {
	for _, t := range pkg.Types {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// meaning is what the comment of Outcomes says of them. It has to name each.
func meaning(pkg *doc.Package, t *doc.Type, outcomes []string) (string, error) {
	for _, m := range t.Methods {
		if m.Name != "Outcomes" {
			continue
		}
		text, plural := strings.CutPrefix(m.Doc, "Outcomes are ")
		if !plural {
			var ok bool
			if text, ok = strings.CutPrefix(m.Doc, "Outcomes is "); !ok {
				return "", fmt.Errorf("the comment of its Outcomes does not begin with %q", "Outcomes are")
			}
		}
		for _, outcome := range outcomes {
			if !strings.Contains(text, `"`+outcome+`"`) {
				return "", fmt.Errorf("the comment of its Outcomes does not say what %q means", outcome)
			}
		}
		return strings.Join(markdown(pkg, text, func(string) bool { return true }), " "), nil
	}
	return "", errors.New("it has no method Outcomes")
}

// row is the node's line in its group's table.
func (n *node) row() string {
	outcomes := "as set"
	switch len(n.outcomes) {
	case 0:
	case 1:
		outcomes = "one"
	default:
		outcomes = "`" + strings.Join(n.outcomes, "`, `") + "`"
	}
	cells := []string{"`" + n.name + "`", outcomes, strings.TrimSuffix(n.first, ".")}
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(cell, "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// more is what is to be said beyond the table; empty: nothing.
func (n *node) more() string {
	var items []string
	if n.meaning != "`outcome` alone." {
		items = append(items, "Outcomes: "+n.meaning)
	}
	items = append(items, n.settings...)
	if len(items) == 0 && len(n.rest) == 0 {
		return ""
	}
	paragraphs := []string{"**" + n.name + "**"}
	for i, p := range n.rest {
		if i == 0 && n.second {
			paragraphs[0] = wrap("", "**"+n.name+"**. "+p)
		} else {
			paragraphs = append(paragraphs, wrap("", p))
		}
	}
	for i, item := range items {
		text := strings.TrimLeft(item, " ")
		items[i] = wrap(item[:len(item)-len(text)]+"- ", text)
	}
	if len(items) > 0 {
		paragraphs = append(paragraphs, strings.Join(items, "\n"))
	}
	return strings.Join(paragraphs, "\n\n")
}
