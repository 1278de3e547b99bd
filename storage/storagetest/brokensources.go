package storagetest

import (
	"context"
	"sync"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// sourceFaults are faults of the accounts that known sources have.
var sourceFaults = map[Fault]func(s storage.Store) storage.Store{
	"sources don't matter": sourced(func(a *storage.Attempt) { a.Source = storage.Source{} }),
	"sources are not told apart": func(s storage.Store) storage.Store {
		one := storage.Source{1}
		asked := sourced(func(a *storage.Attempt) { a.Source = one })(s)
		return settles(func(_ *realm.User, st *storage.Settlement) { st.Reservation.Source = one })(asked)
	},
	"sources never lock": sourced(func(a *storage.Attempt) {
		if a.Source != (storage.Source{}) {
			a.Policy = realm.Lockout{}
		}
	}),
	"no source becomes known": settles(func(_ *realm.User, st *storage.Settlement) { st.Reservation.Source = storage.Source{} }),
	"failures at a source are not counted": settles(func(_ *realm.User, st *storage.Settlement) {
		if st.Outcome == storage.Failure && st.Reservation.Source != (storage.Source{}) {
			st.Outcome = storage.Void
		}
	}),
	"versions don't matter to a source": settles(func(now *realm.User, st *storage.Settlement) {
		if st.Grant == nil && st.Owner == nil && now != nil {
			st.Reservation.User = now
		}
	}),
	"a failure makes its source known": after(func(ctx context.Context, s storage.Store, st storage.Settlement, err error) error {
		if err == nil && st.Outcome == storage.Failure && st.Reservation.Source != (storage.Source{}) {
			b, _ := s.Begin(ctx, attempt(st.Reservation))
			_ = s.Finish(ctx, storage.Settlement{Reservation: b.Reservation, Outcome: storage.Success})
		}
		return err
	}),
	"a success at a source clears all accounts": after(func(ctx context.Context, s storage.Store, st storage.Settlement, err error) error {
		if err == nil && st.Outcome == storage.Success && st.Reservation.Source != (storage.Source{}) {
			_ = s.UnlockUser(ctx, st.Reservation.Realm, st.Reservation.Username)
		}
		return err
	}),
	"other sources are listed": func(s storage.Store) storage.Store {
		return &hooked{Store: s, sources: func(ctx context.Context, realmKey, name string) ([]storage.KnownSource, error) {
			list, err := s.Sources(ctx, realmKey, name)
			for i := range list {
				list[i].Login.Consecutive = 0
			}
			return list, err
		}}
	},
	"sources never leave": func(s storage.Store) storage.Store { return remembering(s, func(*realm.User) bool { return true }) },
	"strangers have sources": func(s storage.Store) storage.Store {
		return remembering(s, func(u *realm.User) bool { return u == nil })
	},
	"sources outlive a new password": func(s storage.Store) storage.Store {
		return &hooked{Store: s, updateUser: func(ctx context.Context, u *realm.User, end bool) error {
			err := s.UpdateUser(ctx, u, false)
			if err == nil && end {
				err = s.EndUser(ctx, u.Realm, u.Username)
			}
			return err
		}}
	},
	"sources outlive a settlement": settles(func(_ *realm.User, st *storage.Settlement) { st.EndGrants = false }),
	"unlocking forgets sources": func(s storage.Store) storage.Store {
		return &hooked{Store: s, unlockUser: func(ctx context.Context, realmKey, name string) error {
			err := s.UnlockUser(ctx, realmKey, name)
			if u, found := s.UserByName(ctx, realmKey, name); err == nil && found == nil {
				err = s.UpdateUser(ctx, u, true)
			}
			return err
		}}
	},
	"unlocking leaves sources": func(s storage.Store) storage.Store {
		var stopped sync.Map // by source
		return &hooked{Store: s, begin: func(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
			if standing, ok := stopped.Load(a.Source); ok {
				return storage.Begun{Standing: standing.(storage.Standing), Reservation: storage.Reservation{Source: a.Source}}, nil
			}
			b, err := s.Begin(ctx, a)
			if err == nil && b.Standing == storage.Stopped {
				stopped.Store(a.Source, b.Standing)
			}
			return b, err
		}}
	},
}

// sourced changes what Begin is asked for, and lets nobody see it.
func sourced(change func(a *storage.Attempt)) func(s storage.Store) storage.Store {
	return func(s storage.Store) storage.Store {
		return &hooked{Store: s, begin: func(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
			asked := a
			change(&asked)
			b, err := s.Begin(ctx, asked)
			b.Reservation.Source = a.Source
			return b, err
		}}
	}
}

// remembering knows each source for ever from which somebody who matches has logged in.
func remembering(s storage.Store, match func(u *realm.User) bool) storage.Store {
	var known sync.Map // by source, which is of one owner
	return &hooked{
		Store: s,
		begin: func(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
			b, err := s.Begin(ctx, a)
			if _, ok := known.Load(a.Source); ok && err == nil && b.Standing == storage.Locked {
				b.Standing = storage.Reserved
			}
			return b, err
		},
		finish: func(ctx context.Context, st storage.Settlement) error {
			err := s.Finish(ctx, st)
			if err == nil && st.Outcome == storage.Success && match(st.Reservation.User) && st.Reservation.Source != (storage.Source{}) {
				known.Store(st.Reservation.Source, true)
			}
			return err
		},
	}
}
