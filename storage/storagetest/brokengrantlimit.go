package storagetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// grantLimitFaults are faults of what limits the grants of an owner.
var grantLimitFaults = map[Fault]func(s storage.Store) storage.Store{
	"grants have no limit":    settles(func(_ *realm.User, st *storage.Settlement) { st.GrantLimit = realm.GrantLimit{} }),
	"no room is always made":  settles(func(_ *realm.User, st *storage.Settlement) { st.GrantLimit.EvictOldest = true }),
	"room is never made":      settles(func(_ *realm.User, st *storage.Settlement) { st.GrantLimit.EvictOldest = false }),
	"evicted are not named":   settles(func(_ *realm.User, st *storage.Settlement) { st.Evicted = nil }),
	"a limit allows one less": settles(func(_ *realm.User, st *storage.Settlement) { st.GrantLimit.Most = max(st.GrantLimit.Most-1, 1) }),
	"no limit on grants is one": settles(func(_ *realm.User, st *storage.Settlement) {
		if st.Grant != nil && !st.GrantLimit.On() {
			st.GrantLimit = realm.GrantLimit{Most: 9}
		}
	}),
	"one grant is evicted, no more": crowded(func(_ context.Context, _ storage.Store, st *storage.Settlement, gs []*storage.Grant) {
		st.GrantLimit.Most = max(st.GrantLimit.Most, len(gs))
	}),
	"the newest login is evicted": crowded(func(ctx context.Context, s storage.Store, st *storage.Settlement, gs []*storage.Grant) {
		if st.GrantLimit.EvictOldest {
			_ = s.EndGrant(ctx, st.Reservation.Realm, gs[len(gs)-1].ID)
			*st.Evicted, st.Evicted = []storage.GrantID{gs[len(gs)-1].ID}, nil
		}
	}),
	"room is made before it is needed": crowded(func(ctx context.Context, s storage.Store, st *storage.Settlement, gs []*storage.Grant) {
		if st.GrantLimit.EvictOldest {
			_ = s.EndGrant(ctx, st.Reservation.Realm, gs[0].ID)
		}
	}),
	"room is made among all owners": crowded(func(ctx context.Context, s storage.Store, st *storage.Settlement, _ []*storage.Grant) {
		for g := range s.Grants(ctx, st.Reservation.Realm) {
			if g.Username != st.Reservation.Username {
				_ = s.EndGrant(ctx, g.Realm, g.ID)
			}
		}
	}),
	"a refusal settles nothing": refusing(func(st *storage.Settlement) { st.Outcome = storage.Void }),
	"a refusal is a failure":    refusing(func(st *storage.Settlement) { st.Outcome = storage.Failure }),
	"a refusal counts a login":  refusing(func(*storage.Settlement) {}),
	"a refusal uses no code":    refusing(func(st *storage.Settlement) { st.CodeStep, st.CountLogin = 0, false }),
	"a refusal is made good":    refusingLater,
	"grants are counted, then made": func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			if gs, err := overLimit(ctx, s, st); err == nil && len(gs) == 0 {
				st.GrantLimit = realm.GrantLimit{}
			}
			return s.Finish(ctx, st)
		}}
	},
	"a repeated login makes room again": func(s storage.Store) storage.Store {
		var seen sync.Map
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			err := s.Finish(ctx, st)
			if err == nil && st.GrantLimit.On() {
				if _, again := seen.LoadOrStore(st.Grant.ID, true); again {
					gs, _ := s.GrantsOf(ctx, st.Reservation.Realm, st.Reservation.Username)
					_ = s.EndGrant(ctx, st.Reservation.Realm, gs[0].ID)
				}
			}
			return err
		}}
	},
	"dead grants count": tallied(func(g *storage.Grant, _ time.Time) bool { return true }),
	"grants of dead epochs count": tallied(func(g *storage.Grant, now time.Time) bool {
		return !g.Expired(now)
	}),
}

// overLimit is the owner's grants if a settlement's grant has no room among them.
func overLimit(ctx context.Context, s storage.Store, st storage.Settlement) ([]*storage.Grant, error) {
	gs, err := s.GrantsOf(ctx, st.Reservation.Realm, st.Reservation.Username)
	if err != nil || !st.GrantLimit.On() || len(gs) < st.GrantLimit.Most {
		return nil, err
	}
	return gs, nil
}

// crowded does something before a settlement whose grant has no room.
func crowded(f func(context.Context, storage.Store, *storage.Settlement, []*storage.Grant)) func(s storage.Store) storage.Store {
	return func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			if gs, err := overLimit(ctx, s, st); err == nil && len(gs) > 0 {
				f(ctx, s, &st, gs)
			}
			return s.Finish(ctx, st)
		}}
	}
}

// refusing settles what has no room without the grant, in another way.
func refusing(change func(st *storage.Settlement)) func(s storage.Store) storage.Store {
	return func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			gs, err := overLimit(ctx, s, st)
			if err != nil || len(gs) == 0 || st.GrantLimit.EvictOldest {
				return s.Finish(ctx, st)
			}
			st.Grant = nil
			change(&st)
			if err := s.Finish(ctx, st); err != nil {
				return err
			}
			return storage.ErrTooManyGrants
		}}
	}
}

// refusingLater makes the grant of a refused settlement when it comes again.
func refusingLater(s storage.Store) storage.Store {
	var refused sync.Map
	return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
		if _, again := refused.Load(st.Reservation.Nonce); again {
			b, err := s.Begin(ctx, attempt(st.Reservation))
			if err != nil {
				return err
			}
			st.Reservation = b.Reservation
		}
		err := s.Finish(ctx, st)
		if errors.Is(err, storage.ErrTooManyGrants) {
			refused.Store(st.Reservation.Nonce, true)
		}
		return err
	}}
}

// tallied refuses by all the grants that were ever made and match.
func tallied(counts func(g *storage.Grant, now time.Time) bool) func(s storage.Store) storage.Store {
	return func(s storage.Store) storage.Store {
		var mu sync.Mutex
		made := map[[2]string][]*storage.Grant{}
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			mu.Lock()
			defer mu.Unlock()
			owner, now := [2]string{st.Reservation.Realm, st.Reservation.Username}, st.Reservation.Clock()
			made[owner] = slices.DeleteFunc(made[owner], func(g *storage.Grant) bool { return !counts(g, now) })
			if st.GrantLimit.On() && len(made[owner]) >= st.GrantLimit.Most {
				return storage.ErrTooManyGrants
			}
			err := s.Finish(ctx, st)
			if err == nil && st.Grant != nil {
				made[owner] = append(made[owner], st.Grant)
			}
			return err
		}}
	}
}
