package storagetest

import (
	"context"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// loginFaults are faults of attempts and of what Finish does.
var loginFaults = map[Fault]func(s storage.Store) storage.Store{
	"failures are not counted": func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			if st.Outcome == storage.Failure {
				st.Outcome = storage.Void
			}
			return s.Finish(ctx, st)
		}}
	},
	"failures are counted late": func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			if st.Outcome != storage.Failure {
				return s.Finish(ctx, st)
			}
			time.AfterFunc(5*time.Millisecond, func() { _ = s.Finish(context.WithoutCancel(ctx), st) })
			return ctx.Err()
		}}
	},
	"locks never double": attempts(func(a *storage.Attempt) { a.Policy.MaxDuration = a.Policy.Duration }),
	"nothing locks":      attempts(func(a *storage.Attempt) { a.Policy.Threshold = 0 }),
	"nothing stops":      attempts(func(a *storage.Attempt) { a.Policy.StopAfter = 0 }),
	"never forgets":      attempts(func(a *storage.Attempt) { a.Policy.Window = 1000 * time.Hour }),
	"waits for ever":     attempts(func(a *storage.Attempt) { a.Hold = 1000 * time.Hour }),
	"holds nothing": attempts(func(a *storage.Attempt) {
		a.Hold = -time.Nanosecond // over in the very millisecond in which it begins
	}),
	"nothing is reserved": func(s storage.Store) storage.Store { return unreserved(s, func(storage.Begun) bool { return true }) },
	"strangers are free": func(s storage.Store) storage.Store {
		return unreserved(s, func(b storage.Begun) bool { return b.User == nil })
	},
	"settles again and again": func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			err := s.Finish(ctx, st)
			if err == nil && st.Outcome == storage.Failure {
				b, _ := s.Begin(ctx, attempt(st.Reservation))
				_ = s.Finish(ctx, storage.Settlement{Reservation: b.Reservation, Outcome: storage.Failure})
			}
			return err
		}}
	},
	"refused attempts are settled": func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			if st.Reservation.Nonce == [16]byte{} && st.Outcome == storage.Success {
				_ = s.UnlockUser(ctx, st.Reservation.Realm, st.Reservation.Username)
			}
			return s.Finish(ctx, st)
		}}
	},
	"versions don't matter to a login": func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			if u, err := s.UserByName(ctx, st.Reservation.Realm, st.Reservation.Username); err == nil {
				st.Reservation.User = u
			}
			return s.Finish(ctx, st)
		}}
	},
	"a rehash is a change": func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			err := s.Finish(ctx, st)
			if err == nil && st.Owner != nil && st.Outcome == storage.Success {
				u, _ := s.UserByName(ctx, st.Reservation.Realm, st.Reservation.Username)
				_ = s.UpdateUser(ctx, u, false)
			}
			return err
		}}
	},
	"locks when it is off": attempts(func(a *storage.Attempt) { a.Policy.Threshold = max(a.Policy.Threshold, 1) }),
	"a failure makes a grant": func(s storage.Store) storage.Store {
		return &hooked{Store: s, finish: func(ctx context.Context, st storage.Settlement) error {
			if st.Grant != nil {
				st.Outcome = storage.Success
			}
			return s.Finish(ctx, st)
		}}
	},
}

func attempt(r storage.Reservation) storage.Attempt {
	return storage.Attempt{Realm: r.Realm, Username: r.Username, Policy: r.Policy, Hold: long, Source: r.Source}
}

// attempts changes what Begin is asked for. Finish settles under the same change.
func attempts(change func(a *storage.Attempt)) func(s storage.Store) storage.Store {
	return func(s storage.Store) storage.Store {
		return &hooked{Store: s, begin: func(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
			change(&a)
			return s.Begin(ctx, a)
		}}
	}
}

// unreserved lets the attempts that match go on beside any others.
func unreserved(s storage.Store, match func(b storage.Begun) bool) storage.Store {
	return &hooked{
		Store: s,
		begin: func(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
			b, err := s.Begin(ctx, a)
			if err == nil && match(b) {
				_ = s.Finish(ctx, storage.Settlement{Reservation: b.Reservation, Outcome: storage.Void})
				if b.Standing == storage.Busy {
					b.Standing = storage.Reserved
				}
				b.Reservation.Nonce[0] |= 1
			}
			return b, err
		},
		finish: func(ctx context.Context, st storage.Settlement) error {
			if match(storage.Begun{User: st.Reservation.User}) {
				b, err := s.Begin(ctx, attempt(st.Reservation))
				if err != nil {
					return err
				}
				st.Reservation.Nonce = b.Reservation.Nonce
			}
			return s.Finish(ctx, st)
		},
	}
}
