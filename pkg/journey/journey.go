package journey

import "slices"

// Journey is one journey, built and checked. It is immutable and safe for concurrent use.
type Journey struct {
	name        string
	definition  Definition
	entry       *node
	nodes       map[string]*node
	interactive string
	parameters  []string
	password    bool // some node reads it, here or in an inner journey
}

// Name is the journey's name, which is compared with case.
func (j *Journey) Name() string { return j.name }

// Enabled reports whether the journey may run at all.
func (j *Journey) Enabled() bool { return j.definition.Enabled }

// InnerOnly reports whether the journey runs only inside others.
func (j *Journey) InnerOnly() bool { return j.definition.InnerOnly }

// Interactive is the first node from the entry that needs interaction with its user: itself, or in the inner journey
// that it runs. Empty: the journey is headless.
func (j *Journey) Interactive() (node string) { return j.interactive }

// Inner is the name of the inner journey that a node runs; empty: it runs none, or there is no such node.
func (j *Journey) Inner(node string) (name string) {
	if n, ok := j.nodes[node]; ok {
		return n.inner
	}
	return ""
}

// InteractiveNode reports whether a node needs interaction with its user itself. That a node runs an inner journey which
// does is not counted.
func (j *Journey) InteractiveNode(node string) bool {
	n, ok := j.nodes[node]
	return ok && n.interactive
}

// Definition is what the journey was built from. It must not be changed.
func (j *Journey) Definition() Definition { return j.definition }

// Parameters are the request parameters that its nodes declare, and those of its inner journeys, sorted.
func (j *Journey) Parameters() []string { return slices.Clone(j.parameters) }
