package storagetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// effectFaults are faults of what Finish does beside the account of attempts and the grant.
var effectFaults = map[Fault]func(s storage.Store) storage.Store{
	"owners are not replaced": settles(func(_ *realm.User, st *storage.Settlement) { st.Owner = nil }),
	"a failure replaces no owner": settles(func(_ *realm.User, st *storage.Settlement) {
		if st.Outcome == storage.Failure {
			st.Owner = nil
		}
	}),
	"an owner that was changed is replaced": settles(func(now *realm.User, st *storage.Settlement) {
		if st.Owner != nil && st.Outcome == storage.Failure {
			st.Reservation.User = now
		}
	}),
	"a rehash of the last login wins": settles(func(now *realm.User, st *storage.Settlement) {
		if st.Owner != nil && now != nil && now.Version == st.Reservation.User.Version {
			st.Reservation.User = now
		}
	}),
	"a settlement ends no grants": settles(func(_ *realm.User, st *storage.Settlement) { st.EndGrants = false }),
	"a settlement always ends grants": settles(func(_ *realm.User, st *storage.Settlement) {
		st.EndGrants = st.Owner != nil
	}),
	"a settlement ends its own grant": after(func(ctx context.Context, s storage.Store, st storage.Settlement, err error) error {
		if err == nil && st.Owner != nil && st.EndGrants {
			_ = s.EndUser(ctx, st.Reservation.Realm, st.Reservation.Username)
		}
		return err
	}),
	"a settlement ends grants, written or not": after(func(ctx context.Context, s storage.Store, st storage.Settlement, err error) error {
		if st.Owner != nil && st.EndGrants && st.Outcome != storage.Void {
			_ = s.EndUser(ctx, st.Reservation.Realm, st.Reservation.Username)
		}
		return err
	}),
	"logins are not counted":      settles(func(_ *realm.User, st *storage.Settlement) { st.CountLogin = false }),
	"every login is counted":      settles(func(_ *realm.User, st *storage.Settlement) { st.CountLogin = true }),
	"logins at once count as one": countedAtOnce,
	"codes are not remembered":    settles(func(_ *realm.User, st *storage.Settlement) { st.CodeStep = 0 }),
	"a failure uses no code": settles(func(_ *realm.User, st *storage.Settlement) {
		if st.Outcome == storage.Failure {
			st.CodeStep = 0
		}
	}),
	"an unverified success clears failures": settles(func(_ *realm.User, st *storage.Settlement) { st.Unverified = false }),
	"a wrong code is a wrong password":      settles(func(_ *realm.User, st *storage.Settlement) { st.WrongCode = false }),
	"a right code clears no wrong ones": settles(func(_ *realm.User, st *storage.Settlement) {
		if st.Outcome == storage.Success {
			st.CodeStep = 0
		}
	}),
	"a void uses the code": settles(func(_ *realm.User, st *storage.Settlement) {
		if st.Outcome == storage.Void && st.CodeStep != 0 {
			st.Outcome = storage.Failure
		}
	}),
	"older codes are good": settles(func(now *realm.User, st *storage.Settlement) {
		if now != nil && st.CodeStep < now.Login.CodeStep {
			st.CodeStep = 0
		}
	}),
	"codes are checked, then used": checkedThenUsed,
	"a code that was used is free": func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			now, err := s.UserByName(ctx, st.Reservation.Realm, st.Reservation.Username)
			if err == nil && st.Outcome == storage.Success && st.CodeStep != 0 && now.Login.CodeStep >= st.CodeStep {
				_ = s.Finish(ctx, storage.Settlement{Reservation: st.Reservation, Outcome: storage.Void})
				return storage.ErrCodeUsed
			}
			return s.Finish(ctx, st)
		}}
	},
	"a code that was used replaces the owner": after(func(ctx context.Context, s storage.Store, st storage.Settlement, err error) error {
		if errors.Is(err, storage.ErrCodeUsed) && st.Owner != nil {
			_ = s.UpdateUser(ctx, st.Owner, false)
		}
		return err
	}),
	"a repeated login is another": func(s storage.Store) storage.Store {
		var seen sync.Map
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			if st.Grant != nil && st.CodeStep != 0 {
				if _, again := seen.LoadOrStore(st.Grant.ID, true); again {
					return storage.ErrCodeUsed
				}
			}
			return s.Finish(ctx, st)
		}}
	},
	"unlocking makes the owner anew": func(s storage.Store) storage.Store {
		return &hooked{Store: s, unlockUser: func(ctx context.Context, realmKey, name string) error {
			u, err := s.UserByName(ctx, realmKey, name)
			if err != nil {
				return err
			}
			return errors.Join(s.DeleteUser(ctx, realmKey, name), s.CreateUser(ctx, u))
		}}
	},
}

// settles changes what Finish is asked for. now is the owner as it is, nil if there is none.
func settles(change func(now *realm.User, st *storage.Settlement)) func(s storage.Store) storage.Store {
	return func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			now, _ := s.UserByName(ctx, st.Reservation.Realm, st.Reservation.Username)
			change(now, &st)
			return s.Finish(ctx, st)
		}}
	}
}

// after does something when Finish has answered, and gives the answer.
func after(
	f func(ctx context.Context, s storage.Store, st storage.Settlement, err error) error,
) func(s storage.Store) storage.Store {
	return func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			return f(ctx, s, st, s.Finish(ctx, st))
		}}
	}
}

// countedAtOnce does not count a login while another one is settled.
func countedAtOnce(s storage.Store) storage.Store {
	var busy atomic.Bool
	return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
		if busy.CompareAndSwap(false, true) {
			defer busy.Store(false)
		} else {
			st.CountLogin = false
		}
		return s.Finish(ctx, st)
	}}
}

// checkedThenUsed uses a code in a step behind the one that looks at it.
func checkedThenUsed(s storage.Store) storage.Store {
	return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
		step, r := st.CodeStep, st.Reservation
		now, err := s.UserByName(ctx, r.Realm, r.Username)
		if err != nil || st.Outcome != storage.Success || step == 0 || now.Login.CodeStep >= step {
			return s.Finish(ctx, st)
		}
		st.CodeStep = 0
		if err := s.Finish(ctx, st); err != nil {
			return err
		}
		b, err := s.Begin(ctx, attempt(r))
		if err != nil {
			return err
		}
		return s.Finish(ctx, storage.Settlement{Reservation: b.Reservation, Outcome: storage.Failure, CodeStep: step})
	}}
}
