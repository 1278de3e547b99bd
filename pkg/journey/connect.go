package journey

import (
	"iter"
	"maps"
	"slices"
)

// connect checks the inner journeys and gives every journey what it takes over from them.
func connect(drafts map[string]*draft) {
	names := slices.Sorted(maps.Keys(drafts))
	for _, name := range names {
		for n := range drafts[name].evaluators() {
			drafts[name].checkInner(n, drafts)
		}
	}
	for _, name := range names {
		drafts[name].checkVerified(drafts)
	}
	spread(drafts, names)
	for _, name := range names {
		drafts[name].inherit(drafts)
	}
}

// evaluators are the nodes that run inner journeys, by id.
func (d *draft) evaluators() iter.Seq[*node] {
	return func(yield func(*node) bool) {
		for _, id := range slices.Sorted(maps.Keys(d.nodes)) {
			if n := d.nodes[id]; n.inner != "" && !yield(n) {
				return
			}
		}
	}
}

func (d *draft) checkInner(n *node, drafts map[string]*draft) {
	at := []string{"nodes", n.id, "settings"}
	inner, ok := drafts[n.inner]
	switch {
	case !ok:
		d.problem(at, "there is no journey %q%s", n.inner, didYouMean(n.inner, slices.Sorted(maps.Keys(drafts))))
		return
	case !inner.definition.Enabled:
		d.problem(at, "the inner journey %q is disabled", n.inner)
	}
	if back := recursion(drafts, []string{d.name}, n.inner, map[string]bool{}); back != nil {
		d.problem(at, "the journey runs itself: %s", arrows(back))
	}
}

// recursion is the way by which the journey leads back to the first of the trail; nil: it doesn't. tried are the
// journeys that do not.
func recursion(drafts map[string]*draft, trail []string, name string, tried map[string]bool) []string {
	trail = append(slices.Clone(trail), name)
	if name == trail[0] {
		return trail
	}
	d, ok := drafts[name]
	if !ok || tried[name] {
		return nil
	}
	tried[name] = true
	for n := range d.evaluators() {
		if back := recursion(drafts, trail, n.inner, tried); back != nil {
			return back
		}
	}
	return nil
}

// spread breaks journeys whose inner journeys are broken, until nothing changes. Their problems are told once, where they are.
func spread(drafts map[string]*draft, names []string) {
	for changed := true; changed; {
		changed = false
		for _, name := range names {
			d := drafts[name]
			if d.broken() {
				continue
			}
			for n := range d.evaluators() {
				if drafts[n.inner].broken() {
					d.spoiled, changed = true, true
				}
			}
		}
	}
}

// inherit gathers the parameters and the need for the password or for interaction of the journey's nodes and its inner
// journeys. A second call adds nothing.
func (d *draft) inherit(drafts map[string]*draft) {
	if d.broken() || d.inherited {
		return
	}
	d.inherited = true
	for _, n := range d.nodes {
		d.gather(n.rights)
		for _, c := range n.collected {
			d.gather(c.rights)
		}
	}
	d.interactive = ""
	for _, n := range reachable(d.entry) {
		interactive := n.interactive
		if n.inner != "" {
			inner := drafts[n.inner]
			inner.inherit(drafts)
			d.gather(rights{password: inner.password, parameters: inner.parameters})
			interactive = interactive || inner.interactive != ""
		}
		if interactive && d.interactive == "" {
			d.interactive = n.id
		}
	}
	slices.Sort(d.parameters)
	d.parameters = slices.Compact(d.parameters)
}

func (d *draft) gather(r rights) {
	d.password = d.password || r.password
	d.parameters = append(d.parameters, r.parameters...)
}
