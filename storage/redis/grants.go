package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ropcd/ropcd/storage"
)

// Inspect reads a grant in one round trip, with one more when the epochs of its client are not remembered.
func (s *Store) Inspect(ctx context.Context, id storage.GrantID) (storage.View, error) {
	return s.inspect(ctx, id, false)
}

// InspectOwner is Inspect with the owner's record of the same moment.
func (s *Store) InspectOwner(ctx context.Context, id storage.GrantID) (storage.View, error) {
	return s.inspect(ctx, id, true)
}

func (s *Store) inspect(ctx context.Context, id storage.GrantID, owner bool) (storage.View, error) {
	keys := []string{s.keys.grant(id)}
	if owner {
		keys = s.keys.marked(keys[0])
	}
	reply, err := s.run(ctx, inspectScript, keys, s.keys.base(id.Bucket()), id[:], flag(owner))
	if err != nil {
		return storage.View{}, err
	}
	list, ok := reply.([]any)
	if !ok || len(list) < 2 {
		return storage.View{}, errReply
	}
	v, err := view(id, list[0], list[1])
	if err != nil {
		return storage.View{}, err
	}
	if v.Grant == nil || v.Grant.Expired(v.Now) {
		return storage.View{}, storage.ErrNotFound
	}
	if alive, err := s.alive(ctx, v.Grant); err != nil || !alive {
		return storage.View{}, cmp.Or(err, storage.ErrNotFound)
	}
	if owner && len(list) == 3 && list[2] != nil {
		record, err := text(list[2])
		if err != nil {
			return storage.View{}, err
		}
		v.User, err = storage.DecodeUser(v.Grant.Realm, v.Grant.Username, []byte(record))
		if err != nil {
			return storage.View{}, err
		}
	}
	return v, nil
}

// view is a moment and a grant's record, which may be missing.
func view(id storage.GrantID, now, record any) (storage.View, error) {
	ms, ok := now.(int64)
	if !ok {
		return storage.View{}, errReply
	}
	v := storage.View{Now: storage.FromMillis(ms)}
	if record == nil {
		return v, nil
	}
	b, err := text(record)
	if err != nil {
		return storage.View{}, err
	}
	v.Grant, err = storage.DecodeGrant(id, []byte(b))
	return v, err
}

// Revoke ends what a token stands for, in one round trip. Repeated for another request, the revocation of a refresh
// token finds no grant.
func (s *Store) Revoke(ctx context.Context, r storage.Revocation) error {
	key, n := s.keys.grant(r.ID), newNonce()
	for fresh := false; ; fresh = true {
		now, err := s.epochsOf(ctx, realmClient{r.Realm, r.ClientID}, fresh)
		if err != nil {
			return err
		}
		reply, err := s.confirm(ctx, revokeScript, []string{key, s.keys.done(key, n[:])}, s.keys.base(r.ID.Bucket()), r.ID[:],
			r.Digest[:], r.Realm, r.ClientID, flag(r.Access), r.Seq, now.realm, now.client, flag(fresh), millis(doneLife))
		if err != nil {
			return err
		}
		if err = verdict(reply); !errors.Is(err, errStale) || fresh {
			return err
		}
	}
}

// EndGrant ends one grant of a realm, or [storage.ErrNotFound].
func (s *Store) EndGrant(ctx context.Context, realmKey string, id storage.GrantID) error {
	v, err := s.Inspect(ctx, id)
	if err != nil {
		return err
	}
	if v.Grant.Realm != realmKey {
		return storage.ErrNotFound
	}
	key := s.keys.grant(id)
	reply, err := s.confirm(ctx, endGrantScript, s.keys.marked(key),
		s.keys.base(id.Bucket()), id[:], realmKey, millis(doneLife))
	if err != nil {
		return err
	}
	return verdict(reply)
}

// EndUser ends all grants of an owner, at once in every process, in one round trip.
func (s *Store) EndUser(ctx context.Context, realmKey, name string) error {
	reply, err := s.confirm(ctx, endUserScript, s.keys.marked(s.keys.index(realmKey, name)), s.keys.in(realmKey, name))
	if err != nil {
		return err
	}
	return verdict(reply)
}

// GrantsOf lists the live grants of an owner, oldest login first, in one round trip, with one more when the epochs of
// their clients are not remembered.
func (s *Store) GrantsOf(ctx context.Context, realmKey, name string) ([]*storage.Grant, error) {
	reply, err := s.run(ctx, grantsOfScript, s.keys.marked(s.keys.index(realmKey, name)), s.keys.in(realmKey, name))
	if err != nil {
		return nil, err
	}
	list, ok := reply.([]any)
	if !ok || len(list)%2 != 1 {
		return nil, errReply
	}
	var out []*storage.Grant
	for i := 1; i < len(list); i += 2 {
		random, err := text(list[i])
		if err != nil {
			return nil, err
		}
		id, ok := inBucket(storage.Bucket(realmKey, name), random)
		if !ok {
			return nil, fmt.Errorf("index of grants: %w", storage.ErrDamaged)
		}
		v, err := view(id, list[0], list[i+1])
		if err != nil {
			return nil, err
		}
		if !v.Grant.Expired(v.Now) {
			out = append(out, v.Grant)
		}
	}
	if err := s.remember(ctx, out); err != nil {
		return nil, err
	}
	out, err = s.living(ctx, out)
	slices.SortFunc(out, func(a, b *storage.Grant) int {
		return cmp.Or(a.AuthTime.Compare(b.AuthTime), strings.Compare(string(a.ID[:]), string(b.ID[:])))
	})
	return out, err
}

// inBucket is the grant that an index of the bucket names.
func inBucket(bucket uint16, random string) (id storage.GrantID, ok bool) {
	id[0], id[1] = byte(bucket>>8), byte(bucket)
	return id, copy(id[2:], random) == len(random) && len(random) == len(id)-2
}

// remember reads, at once, the epochs of all clients of the grants that are not remembered.
func (s *Store) remember(ctx context.Context, gs []*storage.Grant) error {
	var unknown []realmClient
	for _, g := range gs {
		k := realmClient{g.Realm, g.ClientID}
		if _, ok := s.epochs.get(k); !ok && !slices.Contains(unknown, k) {
			unknown = append(unknown, k)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	_, err := s.readEpochs(ctx, unknown)
	return err
}

// living keeps the grants that no epoch has ended.
func (s *Store) living(ctx context.Context, gs []*storage.Grant) ([]*storage.Grant, error) {
	out := gs[:0]
	for _, g := range gs {
		alive, err := s.alive(ctx, g)
		if err != nil {
			return nil, err
		}
		if alive {
			out = append(out, g)
		}
	}
	return out, nil
}
