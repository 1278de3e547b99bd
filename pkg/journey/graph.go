package journey

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// checkGraph checks what the wires make: every node can be reached, success can, and no loop is without a bound.
func (d *draft) checkGraph() {
	for _, loop := range d.loops() {
		d.problem([]string{"nodes", loop[0].id}, "a loop that no node bounds: %s", arrows(ids(loop)))
	}
	if d.entry == nil {
		return
	}
	reached := reachable(d.entry)
	for _, id := range slices.Sorted(maps.Keys(d.nodes)) {
		if !slices.Contains(reached, d.nodes[id]) {
			d.problem([]string{"nodes", id}, "the node can't be reached from the entry")
		}
	}
	if !slices.Contains(reached, successEnd) {
		d.problem(nil, "no way from the entry leads to success")
	}
}

// reachable are the nodes and ends that can be reached from one, the nearer ones first.
func reachable(from *node) []*node {
	reached := []*node{from}
	for i := 0; i < len(reached); i++ {
		for _, e := range reached[i].edges {
			if e.to != nil && !slices.Contains(reached, e.to) {
				reached = append(reached, e.to)
			}
		}
	}
	return reached
}

// loops are the ways that come back without a node that bounds them: one for each wire that closes one. A node that
// waits for its user bounds too.
func (d *draft) loops() (loops [][]*node) {
	done := make(map[*node]bool, len(d.nodes))
	var walk func(trail []*node, n *node)
	walk = func(trail []*node, n *node) {
		if n == nil || n.bounds || n.interactive {
			return
		}
		if at := slices.Index(trail, n); at >= 0 {
			loops = append(loops, append(slices.Clone(trail[at:]), n))
			return
		}
		if done[n] {
			return
		}
		for _, e := range n.edges {
			walk(append(trail, n), e.to)
		}
		done[n] = true
	}
	for _, id := range slices.Sorted(maps.Keys(d.nodes)) {
		walk(nil, d.nodes[id])
	}
	return loops
}

func ids(nodes []*node) []string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.id
	}
	return names
}

// arrows is a way as a person writes it.
func arrows(names []string) string { return join(names, " -> ") }

// list is names as a person writes them.
func list(names []string) string { return join(names, ", ") }

func join(names []string, between string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, between)
}
