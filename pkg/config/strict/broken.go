package strict

// broken is the paths whose values could not be decoded, so that nothing more is said about them.
type broken struct {
	at    map[string]bool
	in    map[string]bool // the mappings and lists that hold them
	below map[string]bool // everything on the way to them
}

func newBroken() broken {
	return broken{at: map[string]bool{}, in: map[string]bool{}, below: map[string]bool{}}
}

func (b broken) add(p Path) {
	b.at[p.id()] = true
	for i := range p {
		b.below[p[:i].id()] = true
	}
	if len(p) > 0 {
		b.in[p[:len(p)-1].id()] = true
	}
}

// Broken reports whether the value at the path could not be decoded.
func (d *Document) Broken(p Path) bool { return d.broken.at[p.id()] }

// BrokenIn reports whether a key of the mapping at the path, or an element of the list, could not be decoded.
func (d *Document) BrokenIn(p Path) bool { return d.broken.in[p.id()] }
