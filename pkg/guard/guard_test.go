package guard_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/storage"
)

// logins is a store of attempts whose answers are given.
type logins struct {
	mu       sync.Mutex
	begin    func(n int) (storage.Begun, error) // the n-th Begin, from 1
	finish   func(ctx context.Context, s storage.Settlement) error
	attempts []storage.Attempt
	settled  []storage.Settlement
}

func (l *logins) Begin(_ context.Context, a storage.Attempt) (storage.Begun, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts = append(l.attempts, a)
	if l.begin == nil {
		return storage.Begun{}, nil
	}
	return l.begin(len(l.attempts))
}

func (l *logins) Finish(ctx context.Context, s storage.Settlement) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settled = append(l.settled, s)
	if l.finish == nil {
		return nil
	}
	return l.finish(ctx, s)
}

func (l *logins) outcomes() (list []storage.Outcome) {
	for _, s := range l.settled {
		list = append(list, s.Outcome)
	}
	return list
}

// busy answers Busy n times, then Reserved.
func busy(n int) func(int) (storage.Begun, error) {
	return func(i int) (storage.Begun, error) {
		if i <= n {
			return storage.Begun{Standing: storage.Busy}, nil
		}
		return storage.Begun{Reservation: storage.Reservation{Nonce: [16]byte{1}}}, nil
	}
}

func newGuard(t *testing.T, l *logins) *guard.Guard {
	pool := password.NewPool(password.PoolOptions{Workers: 1, MaxTickets: 1})
	t.Cleanup(pool.Close)
	return &guard.Guard{Logins: l, Pool: pool}
}

func held(g *guard.Guard) int {
	_, running, waiting := g.Pool.Stats()
	return running + waiting
}

var entry = guard.Entry{Client: "c", Realm: "/alpha", Username: "demo", Policy: policy, Source: storage.Source{1}}

func TestEnterReservesWhatItWasAskedFor(t *testing.T) {
	for _, hold := range []time.Duration{0, time.Minute} {
		l := &logins{}
		g := newGuard(t, l)
		g.Hold = hold
		turn, err := g.Enter(t.Context(), entry)
		if err != nil {
			t.Fatal(err)
		}
		want := storage.Attempt{Realm: "/alpha", Username: "demo", Policy: policy, Source: entry.Source, Hold: max(hold, guard.DefaultHold)}
		if diff := cmp.Diff([]storage.Attempt{want}, l.attempts); diff != "" {
			t.Error(diff)
		}
		if err := turn.Void(t.Context()); err != nil || held(g) != 0 {
			t.Errorf("void: %v, %d places held", err, held(g))
		}
	}
}

func TestEnterGivesThePlaceToOthersWhileItWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logins{begin: busy(20)}
		g := newGuard(t, l)
		entered := make(chan *guard.Turn)
		go func() {
			turn, err := g.Enter(t.Context(), entry)
			if err != nil {
				t.Error(err)
			}
			entered <- turn
		}()
		synctest.Wait()
		if held(g) != 0 {
			t.Error("who waits for a turn holds a place")
		}
		turn := <-entered
		if len(l.attempts) != 21 || held(g) != 1 {
			t.Errorf("%d attempts, %d places", len(l.attempts), held(g))
		}
		if err := turn.Fail(t.Context(), guard.Effects{}); err != nil || held(g) != 0 {
			t.Errorf("fail: %v, %d places", err, held(g))
		}
	})
}

func TestEnterIsBusyAtTheDeadlineAndChargesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logins{begin: busy(1 << 30)}
		g := newGuard(t, l)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		turn, err := g.Enter(ctx, entry)
		if turn != nil || !errors.Is(err, guard.ErrBusy) {
			t.Fatalf("turn %v, error %v", turn, err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
		if len(l.settled) != 0 || held(g) != 0 {
			t.Errorf("settled %v, %d places", l.settled, held(g))
		}
		if n := len(l.attempts); n < 50 || n > 400 {
			t.Errorf("%d attempts in two seconds", n)
		}
	})
}

func TestEnterRefusesOnArrivalWhenThePoolIsFull(t *testing.T) {
	l := &logins{}
	g := newGuard(t, l)
	if _, err := g.Pool.Admit("other"); err != nil {
		t.Fatal(err)
	}
	_, err := g.Enter(t.Context(), entry)
	if !errors.Is(err, guard.ErrBusy) || !errors.Is(err, password.ErrBusy) || len(l.attempts) != 0 {
		t.Errorf("error %v after %d attempts", err, len(l.attempts))
	}
	g.Pool.Close()
	if _, err := g.Enter(t.Context(), entry); !errors.Is(err, password.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// Who was admitted once and waits for a turn is not sent away because somebody else has taken the place meanwhile.
func TestEnterWaitsOnWhenThePoolFillsUpMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &logins{begin: busy(1)}
		g := newGuard(t, l)
		done := make(chan error)
		go func() {
			_, err := g.Enter(t.Context(), entry)
			done <- err
		}()
		synctest.Wait()
		other, err := g.Pool.Admit("other")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, other.Release)
		if err := <-done; err != nil || len(l.attempts) != 2 {
			t.Errorf("error %v after %d attempts", err, len(l.attempts))
		}
	})
}

func TestEnterPassesAStoreFaultOnAndGivesThePlaceBack(t *testing.T) {
	l := &logins{begin: func(int) (storage.Begun, error) { return storage.Begun{}, storage.ErrUnavailable }}
	g := newGuard(t, l)
	if _, err := g.Enter(t.Context(), entry); !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, guard.ErrBusy) {
		t.Errorf("error %v", err)
	}
	if held(g) != 0 || len(l.settled) != 0 {
		t.Errorf("%d places, settled %v", held(g), l.settled)
	}
}

func TestEnterLetsRefusedOnesIn(t *testing.T) {
	for _, standing := range []storage.Standing{storage.Locked, storage.Stopped} {
		g := newGuard(t, &logins{begin: func(int) (storage.Begun, error) { return storage.Begun{Standing: standing}, nil }})
		turn, err := g.Enter(t.Context(), entry)
		if err != nil || turn.Standing != standing {
			t.Fatalf("turn %v, error %v", turn, err)
		}
	}
}
