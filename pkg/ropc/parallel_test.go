package ropc_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/ropc"
)

// parallel calls f n times at once.
func parallel(n int, f func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// 200 guesses at once, the right one among them: no more wrong passwords are compared than the threshold allows per lock.
// If the right one comes through it clears the failures before it, fewer than the threshold.
func TestParallelGuessesNeverPassTheThreshold(t *testing.T) {
	s := newSite(t)
	for round := range 3 {
		name := fmt.Sprintf("victim%d", round)
		s.owner(t, name)
		before, _ := s.hashes.count()
		var through atomic.Int64
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		parallel(200, func(i int) {
			guess := "wrong"
			if i == 100 {
				guess = "right"
			}
			_, err := s.askWithin(t, ctx, passwordForm("username", name, "password", guess))
			switch {
			case err == nil && guess == "right":
				through.Add(1)
			case !errors.Is(err, ropc.ErrInvalidGrant) && !errors.Is(err, ropc.ErrTemporarilyUnavailable):
				t.Errorf("%s: %v", guess, err)
			}
		})
		cancel()
		guesses, _ := s.hashes.count()
		most := lockout.Threshold
		if through.Load() > 0 {
			most = 2 * lockout.Threshold // the right one, and one less than the threshold before it
		}
		if n := guesses - before; n > most || n < lockout.Threshold {
			t.Errorf("%d guesses were compared, %d came through", n, through.Load())
		}
		if got := s.user(t, name).Login; got.LockedUntil.IsZero() || got.Failures > lockout.Threshold {
			t.Errorf("account %+v", got)
		}
	}
}

// Failures that might be are waited for, so right passwords do not keep each other out.
func TestParallelRightLoginsAllSucceed(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var grants sync.Map
	parallel(50, func(int) {
		got, err := s.askWithin(t, ctx, passwordForm("username", "demo", "password", "right"))
		if err != nil {
			t.Error(err)
			return
		}
		if _, twice := grants.LoadOrStore(got.trace.GrantID, true); twice {
			t.Error("two logins have one grant")
		}
	})
	list, err := s.GrantsOf(t.Context(), "/alpha", "demo")
	if err != nil || len(list) != 50 {
		t.Errorf("%d grants, %v", len(list), err)
	}
	if got := s.user(t, "demo").Login; got.Failures != 0 || s.unsettled(t, "demo") {
		t.Errorf("account %+v", got)
	}
}

// One client's flood of one name leaves other names alone.
func TestParallelGuessesLeaveOthersAlone(t *testing.T) {
	s := newSite(t)
	s.owner(t, "other")
	parallel(60, func(i int) {
		if i%2 == 0 {
			if _, err := s.as(t, "demo", "wrong"); !errors.Is(err, ropc.ErrInvalidGrant) {
				t.Error(err)
			}
		} else if _, err := s.as(t, "other", "right"); err != nil {
			t.Error(err)
		}
	})
}
