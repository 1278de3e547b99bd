package journey

import (
	"maps"
	"slices"
)

// target is the node of that id. For an unknown one it reports the problem and goes on with the name that was probably
// meant, so that one mistake makes one message.
func (d *draft) target(path []string, id string) *node {
	switch id {
	case Success:
		return successEnd
	case Failure:
		return failureEnd
	}
	if n, ok := d.nodes[id]; ok {
		return n
	}
	ids := append(slices.Sorted(maps.Keys(d.nodes)), Success, Failure)
	if id == "" {
		d.problem(path, "no target is given")
	} else {
		d.problem(path, "there is no node %q%s", id, didYouMean(id, ids))
	}
	switch best := nearest(id, ids); best {
	case Success:
		return successEnd
	case Failure:
		return failureEnd
	default:
		return d.nodes[best]
	}
}

// wire makes the node's edges. Outcomes that nobody declared are edges too, for the checks of the graph.
func (d *draft) wire(n *node, def NodeDefinition) {
	at := []string{"nodes", n.id}
	if def.Next != "" && len(def.Outcomes) > 0 {
		d.problem(below(at, "next"), "`next` and `outcomes` exclude each other")
	}
	free := len(n.outcomes) == 0 // unknown, or any
	for _, outcome := range slices.Sorted(maps.Keys(def.Outcomes)) {
		path := below(at, "outcomes", outcome)
		if !free && !slices.Contains(n.outcomes, outcome) {
			d.problem(path, "%s has no outcome %q, only %s", n.kind, outcome, list(n.outcomes))
		}
		n.edges = append(n.edges, edge{outcome, d.target(path, def.Outcomes[outcome])})
	}
	switch {
	case def.Next != "" && len(n.outcomes) > 1:
		d.problem(below(at, "next"), "%s has several outcomes, wire each below `outcomes`: %s", n.kind, list(n.outcomes))
		n.edges = append(n.edges, edge{"", d.target(below(at, "next"), def.Next)})
	case def.Next != "":
		outcome := ""
		if len(n.outcomes) == 1 {
			outcome = n.outcomes[0]
		}
		n.edges = append(n.edges, edge{outcome, d.target(below(at, "next"), def.Next)})
	default:
		if len(def.Outcomes) > 0 {
			at = below(at, "outcomes")
		}
		d.unwired(at, n, def)
	}
}

func (d *draft) unwired(at []string, n *node, def NodeDefinition) {
	for _, outcome := range n.outcomes {
		if _, ok := def.Outcomes[outcome]; ok {
			continue
		}
		if len(n.outcomes) == 1 {
			d.problem(at, "the only outcome %q leads nowhere, say `next`", outcome)
		} else {
			d.problem(at, "the outcome %q leads nowhere", outcome)
		}
	}
}
