package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// grant reads a grant that is alive, or ErrNotFound. It is the one place that decides so.
func (t *tx) grant(id storage.GrantID) (*storage.Grant, error) {
	v := t.get(grantsBucket, id[:])
	if v == nil {
		return nil, storage.ErrNotFound
	}
	g, err := storage.DecodeGrant(id, v)
	if err != nil {
		return nil, err
	}
	if g.Expired(t.now) || g.RealmEpoch < t.epoch(key(g.Realm)) || g.ClientEpoch < t.epoch(key(g.Realm, g.ClientID)) {
		return nil, storage.ErrNotFound
	}
	return g, nil
}

// epoch is how often all grants of a realm, or of a client, were ended.
func (t *tx) epoch(k []byte) uint32 {
	v := t.get(epochsBucket, k)
	if len(v) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(v)
}

// createGrant fills in the epochs and writes a new grant. It does not outlive its owner's account.
func (t *tx) createGrant(g *storage.Grant, u *realm.User) {
	g.RealmEpoch, g.ClientEpoch = t.epoch(key(g.Realm)), t.epoch(key(g.Realm, g.ClientID))
	g.MaxExpires = storage.Earlier(g.MaxExpires, u.Expires)
	t.putGrant(g)
}

// putGrant writes a grant with its places in the owner's index and in the order of ends.
func (t *tx) putGrant(g *storage.Grant) {
	record, err := g.Encode()
	if err != nil {
		t.fault = err // never: Finish has encoded it once, and no step adds what could be too long
		return
	}
	owner := key(g.Realm, g.Username)
	owned := ownedKey(owner, g.ID)
	was, is := t.get(ownedBucket, owned), binary.BigEndian.AppendUint64(nil, end(g))
	if !bytes.Equal(was, is) {
		t.forgetEnd(was, g.ID)
		t.put(ownedBucket, owned, is)
		if end(g) != 0 {
			t.put(endsBucket, endKey(end(g), g.ID), owner)
		}
	}
	t.put(grantsBucket, g.ID[:], record)
}

// forgetEnd takes a grant out of the order of ends, from the place that the owner's index names.
func (t *tx) forgetEnd(at []byte, id storage.GrantID) {
	if len(at) == 8 && binary.BigEndian.Uint64(at) != 0 {
		t.delete(endsBucket, endKey(binary.BigEndian.Uint64(at), id))
	}
}

// deleteGrant removes a grant and its places; its record need not be readable.
func (t *tx) deleteGrant(owner []byte, id storage.GrantID) {
	owned := ownedKey(owner, id)
	t.forgetEnd(t.get(ownedBucket, owned), id)
	t.delete(ownedBucket, owned)
	t.delete(grantsBucket, id[:])
}

// owned lists the grants of an owner, dead ones too.
func (t *tx) owned(owner []byte) (ids []storage.GrantID) {
	c := t.Bucket(ownedBucket).Cursor()
	for k, _ := c.Seek(owner); bytes.HasPrefix(k, owner); k, _ = c.Next() {
		if id := k[len(owner):]; len(id) == len(storage.GrantID{}) {
			ids = append(ids, storage.GrantID(id))
		}
	}
	return ids
}

// endOwned ends all grants of an owner.
func (t *tx) endOwned(who account) {
	owner := who.key()
	for _, id := range t.owned(owner) {
		t.deleteGrant(owner, id)
	}
}

// capOwned lets no grant of an owner outlive the account. A grant that can't be read can't be capped: it ends.
func (t *tx) capOwned(who account, u *realm.User) {
	if u.Expires.IsZero() {
		return
	}
	owner := who.key()
	for _, id := range t.owned(owner) {
		switch g, err := t.grant(id); {
		case err != nil, storage.Over(u.Expires, t.now):
			t.deleteGrant(owner, id)
		case storage.Earlier(g.MaxExpires, u.Expires) != g.MaxExpires:
			g.MaxExpires = u.Expires
			t.putGrant(g)
		}
	}
}

// Inspect implements [storage.Grants].
func (s *Store) Inspect(ctx context.Context, id storage.GrantID) (v storage.View, err error) {
	err = s.read(ctx, func(t *tx) error {
		v.Now = t.now
		v.Grant, err = t.grant(id)
		return err
	})
	return v, err
}

// InspectOwner implements [storage.Grants].
func (s *Store) InspectOwner(ctx context.Context, id storage.GrantID) (v storage.View, err error) {
	err = s.read(ctx, func(t *tx) error {
		v.Now = t.now
		if v.Grant, err = t.grant(id); err == nil {
			v.User, err = t.user(account{v.Grant.Realm, v.Grant.Username})
		}
		return err
	})
	if err != nil {
		v.Grant = nil
	}
	return v, err
}

// EndGrant implements [storage.Grants].
func (s *Store) EndGrant(ctx context.Context, realmKey string, id storage.GrantID) error {
	return s.write(ctx, func(t *tx) error {
		g, err := t.grant(id)
		switch {
		case err != nil:
			return err
		case g.Realm != realmKey:
			return storage.ErrNotFound
		}
		t.deleteGrant(key(g.Realm, g.Username), id)
		return nil
	})
}

// EndUser implements [storage.Grants].
func (s *Store) EndUser(ctx context.Context, realmKey, name string) error {
	return s.write(ctx, func(t *tx) error {
		t.endOwned(account{realmKey, name})
		return nil
	})
}

// EndClient implements [storage.Grants], at once.
func (s *Store) EndClient(ctx context.Context, realmKey, clientID string) error {
	return s.moveEpoch(ctx, key(realmKey, clientID))
}

// EndRealm implements [storage.Grants], at once.
func (s *Store) EndRealm(ctx context.Context, realmKey string) error {
	return s.moveEpoch(ctx, key(realmKey))
}

func (s *Store) moveEpoch(ctx context.Context, k []byte) error {
	return s.write(ctx, func(t *tx) error {
		t.put(epochsBucket, k, binary.BigEndian.AppendUint32(nil, t.epoch(k)+1))
		t.onCommit(func() { s.epochMoved.Store(true) })
		return nil
	})
}

// GrantsOf implements [storage.Grants].
func (s *Store) GrantsOf(ctx context.Context, realmKey, name string) (gs []*storage.Grant, err error) {
	err = s.read(ctx, func(t *tx) error {
		for _, id := range t.owned(key(realmKey, name)) {
			g, err := t.grant(id)
			if errors.Is(err, storage.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			gs = append(gs, g)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(gs, func(a, b *storage.Grant) int { return a.AuthTime.Compare(b.AuthTime) })
	return gs, nil
}

// Grants implements [storage.Grants].
func (s *Store) Grants(ctx context.Context, realmKey string) iter.Seq2[*storage.Grant, error] {
	return list(ctx, s, grantsBucket, []byte{}, func(t *tx, k, _ []byte) (*storage.Grant, error) {
		if len(k) != len(storage.GrantID{}) {
			return nil, storage.ErrDamaged
		}
		g, err := t.grant(storage.GrantID(k))
		if errors.Is(err, storage.ErrNotFound) || (err == nil && g.Realm != realmKey) {
			return nil, nil
		}
		return g, err
	})
}
