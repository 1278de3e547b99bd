package bolt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/ropcd/ropcd/storage"
)

// makeRoom decides how a settlement's grant fits in beside those of its owner: which of them are to end, oldest login first,
// or that it is too many. Nothing is changed yet. An error is a grant's record that can't be read.
func (x *settlement) makeRoom(t *tx, a *attempts) error {
	x.evicted, x.full = nil, false
	most := x.GrantLimit.Most
	if !x.GrantLimit.On() || x.late(t, a.user) || (x.EndGrants && x.replaces(a)) {
		return nil
	}
	ids := t.unexpired(x.who.key())
	if len(ids) < most {
		return nil
	}
	living, dead, err := t.living(ids[:min(len(ids), storage.MaxEvicted)])
	if err != nil {
		return err
	}
	excess := len(ids) - dead - most + 1
	if excess <= 0 {
		return nil
	}
	if x.full = !x.GrantLimit.EvictOldest; x.full {
		return nil
	}
	slices.SortFunc(living, func(a, b *storage.Grant) int {
		return cmp.Or(a.AuthTime.Compare(b.AuthTime), bytes.Compare(a.ID[:], b.ID[:]))
	})
	for _, g := range living[:min(excess, len(living))] {
		x.evicted = append(x.evicted, g.ID)
	}
	return nil
}

// unexpired lists the grants of an owner whose end is still to come, the one that ends first at the front.
func (t *tx) unexpired(owner []byte) (ids []storage.GrantID) {
	type ending struct {
		id storage.GrantID
		at uint64
	}
	var all []ending
	for _, id := range t.owned(owner) {
		v := t.get(ownedBucket, ownedKey(owner, id))
		if len(v) != 8 {
			continue // not a place that putGrant made
		}
		if at := binary.BigEndian.Uint64(v); at == 0 || at > millis(t.now) {
			all = append(all, ending{id, at - 1}) // 0, for never, comes last
		}
	}
	slices.SortFunc(all, func(a, b ending) int { return cmp.Or(cmp.Compare(a.at, b.at), bytes.Compare(a.id[:], b.id[:])) })
	for _, e := range all {
		ids = append(ids, e.id)
	}
	return ids
}

// living reads the grants that are alive, and counts the others.
func (t *tx) living(ids []storage.GrantID) (living []*storage.Grant, dead int, err error) {
	for _, id := range ids {
		g, err := t.grant(id)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			dead++
		case err != nil:
			return nil, 0, err
		default:
			living = append(living, g)
		}
	}
	return living, dead, nil
}
