package journey

import "slices"

// checkVerified holds that a credential is verified on every way to success, in a journey that is not a part of others and
// does not say that it need not be.
func (d *draft) checkVerified(drafts map[string]*draft) {
	switch {
	case d.definition.AllowUnverified:
		d.problems = append(d.problems, Problem{
			Path: []string{d.name, "allow_unverified"}, Warning: true,
			Message: "the journey may succeed without a verified credential: a client gets tokens for whomever it names",
		})
	case d.definition.InnerOnly || d.broken():
	default:
		if way := d.unverified(drafts); way != nil {
			last := way[len(way)-1]
			d.problem([]string{"nodes", last.id}, "no credential is verified on the way %s; verify one, or say `allow_unverified: true`",
				arrows(append(ids(way), Success)))
		}
	}
}

// place is a node that a run may reach, and the one before it.
type place struct {
	at   *node
	from *place
}

// unverified is a shortest way from the entry to success on which no credential is verified; nil: there is none. A node
// that waits for its user ends every way.
func (d *draft) unverified(drafts map[string]*draft) []*node {
	if d.entry == nil {
		return nil
	}
	seen := []*node{d.entry}
	for queue := []*place{{at: d.entry}}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		for _, e := range p.at.edges {
			switch {
			case p.at.interactive, p.at.verifiesOn(e.outcome, drafts), e.to == nil, e.to == failureEnd:
			case e.to == successEnd:
				return p.way()
			case !slices.Contains(seen, e.to):
				seen = append(seen, e.to)
				queue = append(queue, &place{e.to, p})
			}
		}
	}
	return nil
}

// way is how the place was reached.
func (p *place) way() (nodes []*node) {
	for ; p != nil; p = p.from {
		nodes = append(nodes, p.at)
	}
	slices.Reverse(nodes)
	return nodes
}

// verifiesOn reports whether a credential was certainly verified once the node has that outcome.
func (n *node) verifiesOn(outcome string, drafts map[string]*draft) bool {
	if inner, ok := drafts[n.inner]; ok && n.inner != "" && outcome == n.success {
		return inner.broken() || inner.alwaysVerifies(drafts) // what is broken is told for itself
	}
	return slices.Contains(n.verifies, outcome)
}

// alwaysVerifies reports whether the journey's success means that a credential was verified. One that runs itself, which
// is a problem of its own, proves nothing.
func (d *draft) alwaysVerifies(drafts map[string]*draft) bool {
	if !d.judged {
		d.judged = true
		d.verifies = d.unverified(drafts) == nil
	}
	return d.verifies
}
