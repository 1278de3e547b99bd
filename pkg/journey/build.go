package journey

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
)

// Build builds and checks the journeys of one realm. It reports every problem, sorted by path; the Set holds those
// journeys that have none but warnings, and whose inner journeys have none. Neither defs nor types is changed, and defs
// must not change afterwards.
func Build(defs map[string]Definition, types Types, env Env) (*Set, []Problem) {
	if env.Logger == nil {
		env.Logger = slog.New(slog.DiscardHandler)
	}
	b := &builder{types: types, env: env, set: &Set{journeys: map[string]*Journey{}, broken: map[string]bool{}}}
	drafts := make(map[string]*draft, len(defs))
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		drafts[name] = b.draft(name, defs[name])
	}
	connect(drafts)
	for _, d := range drafts {
		d.warn(b.types)
	}
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(drafts)) {
		d := drafts[name]
		problems = append(problems, d.problems...)
		if d.broken() {
			b.set.broken[name] = true
		} else {
			b.set.journeys[name] = d.finish()
		}
	}
	b.set.seal()
	slices.SortStableFunc(problems, func(x, y Problem) int { return slices.Compare(x.Path, y.Path) })
	return b.set, problems
}

type builder struct {
	types Types
	env   Env
	set   *Set // filled at last; nodes reach it when they run
}

// draft is a journey that is being checked.
type draft struct {
	name       string
	definition Definition
	nodes      map[string]*node
	entry      *node // nil: unknown
	problems   []Problem
	spoiled    bool // an inner journey is broken

	// What inherit fills.
	inherited   bool
	interactive string
	parameters  []string
	password    bool

	// What alwaysVerifies fills.
	judged   bool
	verifies bool // a credential was verified on every way to success
}

// node is one node of a journey. It is itself a Node: the opened one within its rights.
type node struct {
	id, kind    string
	opened      Node
	rights      rights
	outcomes    []string
	edges       []edge
	interactive bool
	bounds      bool
	verifies    []string // outcomes after which a credential was verified
	inner       string   // the journey that it runs
	success     string   // the outcome that means that it succeeded
	collected   []*node  // of a page
	gathers     collected
}

// edge is where an outcome leads. A few in a row are found faster than in a map.
type edge struct {
	outcome string
	to      *node
}

// The ends stand for themselves and are never run.
var (
	successEnd = &node{id: Success}
	failureEnd = &node{id: Failure}
)

func (n *node) follow(outcome string) *node {
	for i := range n.edges {
		if n.edges[i].outcome == outcome {
			return n.edges[i].to
		}
	}
	return nil
}

// draft makes the nodes of one journey, wires them and checks their graph.
func (b *builder) draft(name string, def Definition) *draft {
	d := &draft{name: name, definition: def, nodes: make(map[string]*node, len(def.Nodes))}
	if len(def.Nodes) == 0 {
		d.problem(nil, "the journey has no nodes")
		return d
	}
	ids := slices.Sorted(maps.Keys(def.Nodes))
	for _, id := range ids {
		d.nodes[id] = b.node(d, id, def.Nodes[id])
	}
	for _, id := range ids {
		d.wire(d.nodes[id], def.Nodes[id])
	}
	switch def.Entry {
	case "":
		d.problem(nil, "the journey has no entry")
	case Success, Failure:
		d.problem([]string{"entry"}, "the entry must be a node, not an end")
	default:
		d.entry = d.target([]string{"entry"}, def.Entry)
	}
	d.checkGraph()
	return d
}

// problem adds an error; the path is below the journey.
func (d *draft) problem(path []string, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		Path:    slices.Concat([]string{d.name}, path),
		Message: fmt.Sprintf(format, args...),
	})
}

func (d *draft) broken() bool {
	return d.spoiled || slices.ContainsFunc(d.problems, func(p Problem) bool { return !p.Warning })
}

func (d *draft) finish() *Journey {
	return &Journey{
		name: d.name, definition: d.definition, entry: d.entry, nodes: d.nodes,
		interactive: d.interactive, parameters: d.parameters, password: d.password,
	}
}

// below is a new path.
func below(path []string, more ...string) []string { return slices.Concat(path, more) }
