package journey

import (
	"maps"
	"slices"
	"strings"
)

// warn tells what works in no request although nothing is wrong with it: a journey that waits for its user, and a node that
// asks about credentials which nobody has collected.
func (d *draft) warn(types Types) {
	if d.broken() {
		return
	}
	if d.interactive != "" {
		n := d.nodes[d.interactive]
		if n.inner != "" {
			d.warning([]string{"nodes", n.id}, "the inner journey "+quote(n.inner)+" needs user interaction, so that no request can run this one")
			return
		}
		at := []string{"nodes", n.id, "type"}
		d.warning(at, n.kind+" needs user interaction, so that no request can run the journey"+headless(n.kind, types))
		return
	}
	for _, id := range slices.Sorted(maps.Keys(d.nodes)) {
		if n := d.nodes[id]; n.rights.password && !d.definition.InnerOnly && d.uncollected(n) {
			d.warning([]string{"nodes", id}, "a way leads here on which no user name, or no password, is collected: "+n.kind+" says no then")
		}
	}
}

func quote(name string) string { return list([]string{name}) }

func (d *draft) warning(path []string, message string) {
	d.problems = append(d.problems, Problem{Path: slices.Concat([]string{d.name}, path), Message: message, Warning: true})
}

// headless is the hint at a type of nearly the same name that needs nobody.
func headless(kind string, types Types) string {
	plain := strings.TrimSuffix(kind, "Node")
	for _, name := range slices.Sorted(maps.Keys(types)) {
		if name != kind && strings.EqualFold(name, plain) && !isInteractive(types[name]()) {
			return "; did you mean " + quote(name) + "?"
		}
	}
	return ""
}

// collected is what a run has collected.
type collected struct{ username, password bool }

// uncollected reports whether a way from the entry to the node collects less than both.
func (d *draft) uncollected(target *node) bool {
	type state struct {
		at  *node
		has collected
	}
	seen := map[state]bool{}
	for queue := []state{{at: d.entry}}; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		if s.at == nil || seen[s] {
			continue
		}
		seen[s] = true
		if s.at == target && s.has != (collected{true, true}) {
			return true
		}
		has := s.at.collects(s.has)
		for _, e := range s.at.edges {
			queue = append(queue, state{e.to, has})
		}
	}
	return false
}

// collects is what has been collected once the node has run. An inner journey may have collected all.
func (n *node) collects(has collected) collected {
	if n.inner != "" {
		return collected{true, true}
	}
	for _, c := range append(n.collected, n) {
		has.username = has.username || c.gathers.username
		has.password = has.password || c.gathers.password
	}
	return has
}
