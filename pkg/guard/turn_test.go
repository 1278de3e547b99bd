package guard_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

func enter(t *testing.T, l *logins) (*guard.Turn, *guard.Guard) {
	t.Helper()
	if l.begin == nil {
		l.begin = busy(0)
	}
	g := newGuard(t, l)
	turn, err := g.Enter(t.Context(), entry)
	if err != nil {
		t.Fatal(err)
	}
	return turn, g
}

func TestTurnIsSettledOnce(t *testing.T) {
	settle := map[storage.Outcome]func(ctx context.Context, turn *guard.Turn) error{
		storage.Success: func(ctx context.Context, turn *guard.Turn) error { return turn.Succeed(ctx, guard.Effects{}, nil) },
		storage.Failure: func(ctx context.Context, turn *guard.Turn) error { return turn.Fail(ctx, guard.Effects{}) },
		storage.Void:    func(ctx context.Context, turn *guard.Turn) error { return turn.Void(ctx) },
	}
	for first, f := range settle {
		l := &logins{}
		turn, g := enter(t, l)
		if err := f(t.Context(), turn); err != nil {
			t.Fatal(err)
		}
		for _, again := range settle {
			if err := again(t.Context(), turn); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff([]storage.Outcome{first}, l.outcomes()); diff != "" || held(g) != 0 {
			t.Errorf("%d places held; outcomes:\n%s", held(g), diff)
		}
		if l.settled[0].Reservation.Nonce != [16]byte{1} {
			t.Error("another reservation was settled")
		}
	}
}

func TestEffectsAndGrantAreHandedOn(t *testing.T) {
	grant, next := &storage.Grant{Subject: "id-1"}, &realm.User{ID: "id-1"}
	e := guard.Effects{Owner: next, EndGrants: true, CountLogin: true, CodeStep: 7}
	for _, want := range []storage.Settlement{
		{Outcome: storage.Success, Owner: next, EndGrants: true, CountLogin: true, CodeStep: 7, Grant: grant},
		{Outcome: storage.Failure, Owner: next, EndGrants: true, CountLogin: true, CodeStep: 7},
	} {
		l := &logins{}
		turn, _ := enter(t, l)
		settle := turn.Fail
		if want.Outcome == storage.Success {
			settle = func(ctx context.Context, e guard.Effects) error { return turn.Succeed(ctx, e, grant) }
		}
		if err := settle(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		want.Reservation = turn.Reservation
		if diff := cmp.Diff([]storage.Settlement{want}, l.settled); diff != "" {
			t.Error(diff)
		}
	}
}

func TestFailAndVoidAreSettledAfterTheCallerHasGone(t *testing.T) {
	for want, settle := range map[storage.Outcome]func(*guard.Turn, context.Context) error{
		storage.Failure: func(turn *guard.Turn, ctx context.Context) error { return turn.Fail(ctx, guard.Effects{}) },
		storage.Void:    (*guard.Turn).Void,
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &logins{finish: func(ctx context.Context, _ storage.Settlement) error {
				if d, ok := ctx.Deadline(); !ok || time.Until(d) > 2*time.Second {
					t.Error("settling may take for ever")
				}
				return ctx.Err()
			}}
			turn, g := enter(t, l)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := settle(turn, ctx); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff([]storage.Outcome{want}, l.outcomes()); diff != "" || held(g) != 0 {
				t.Errorf("%d places; %s", held(g), diff)
			}
			g.Pool.Close()
		})
	}
}

// A right password charges nobody: when its success can't be kept, the attempt is given back at once instead of counting
// as a failure when its hold is over.
func TestSucceedGivesBackWhatCouldNotBeKept(t *testing.T) {
	fault := errors.New("encode: too long")
	for _, tc := range []struct {
		name   string
		finish error
		want   []storage.Outcome
	}{
		{"store down", storage.ErrUnavailable, []storage.Outcome{storage.Success, storage.Void}},
		{"fault", fault, []storage.Outcome{storage.Success, storage.Void}},
		{"conflict gives it back itself", storage.ErrConflict, []storage.Outcome{storage.Success}},
		{"a code that was used has been charged", storage.ErrCodeUsed, []storage.Outcome{storage.Success}},
		{"one grant too many has been settled", storage.ErrTooManyGrants, []storage.Outcome{storage.Success}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := &logins{finish: func(ctx context.Context, s storage.Settlement) error {
				if s.Outcome == storage.Void && ctx.Err() != nil {
					t.Error("given back in the time of a caller who has gone")
				}
				return tc.finish
			}}
			turn, g := enter(t, l)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := turn.Succeed(ctx, guard.Effects{CodeStep: 7}, nil); !errors.Is(err, tc.finish) {
				t.Errorf("error %v", err)
			}
			_ = turn.Succeed(ctx, guard.Effects{CodeStep: 7}, nil)
			if diff := cmp.Diff(tc.want, l.outcomes()); diff != "" || held(g) != 0 {
				t.Errorf("%d places held; %s", held(g), diff)
			}
		})
	}
}

func TestHashRunsNothingForACallerWhoHasGone(t *testing.T) {
	turn, g := enter(t, &logins{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := turn.Hash(ctx, func() { t.Error("hashed") })
	if !errors.Is(err, context.Canceled) || held(g) != 0 {
		t.Errorf("error %v, %d places held", err, held(g))
	}
	if err := turn.Void(ctx); err != nil {
		t.Error(err)
	}
}

func TestHashRunsInThePool(t *testing.T) {
	turn, g := enter(t, &logins{})
	ran := false
	err := turn.Hash(t.Context(), func() {
		_, running, _ := g.Pool.Stats()
		ran = running == 1
	})
	if err != nil || !ran {
		t.Errorf("ran in the pool: %v, error %v", ran, err)
	}
}
