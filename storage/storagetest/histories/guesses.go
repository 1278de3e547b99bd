package histories

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// brief locks end while a history goes on, and are all of one length.
var brief = realm.Lockout{
	Threshold: threshold, Window: 24 * long, Duration: 40 * time.Millisecond, MaxDuration: 40 * time.Millisecond,
}

// briefLocks is how many locks a history of guesses is to see.
const briefLocks = 8

// guesses is a history of an owner whom everybody guesses at, with locks that end, and the check of it: no more than the
// threshold of wrong passwords were evaluated between two locks, and the account has counted each of them once.
func guesses(ctx context.Context, views []storage.Store, o Options) ([]*call, error) {
	s := newScene(ctx, views, o)
	if err := s.addUser(ownerName); err != nil {
		return nil, err
	}
	enough := time.Duration(briefLocks) * brief.Duration
	s.together(o.Clients, o.Seed, guessing, func(a *actor) {
		for time.Since(s.start) < enough && !a.over() {
			if !a.guess() {
				time.Sleep(time.Millisecond) // locked or busy
			}
		}
	})
	calls, err := s.played()
	if err != nil {
		return calls, err
	}
	u, err := views[0].UserByName(ctx, s.realm, ownerName)
	if err != nil {
		return calls, fmt.Errorf("read an owner: %w", err)
	}
	return calls, counted(calls, u.Login.Consecutive)
}

// guessing and endings are the numbers of the histories that are not an owner's.
const (
	guessing = 1<<40 + iota
	endings
)

// guess evaluates a wrong password if it may, and insists on an answer to its settlement. It gives up an attempt now and
// then.
func (a *actor) guess() (evaluated bool) {
	c := &call{}
	b := a.begin(c, ownerName, brief, func(*call) {})
	if c.answer.unknown || b.Standing != storage.Reserved {
		return false
	}
	outcome := storage.Failure
	if a.once(8) {
		outcome = storage.Void
	}
	c.outcome = outcome // so that the check knows which attempts were evaluated
	a.finish(call{}, storage.Settlement{Reservation: b.Reservation, Outcome: outcome}, 100)
	return true
}

// counted checks the evaluations of a history of guesses. An attempt that nobody heard of may be counted: it was lost.
func counted(calls []*call, consecutive int) error {
	var evaluated []*call
	lost := 0
	for _, c := range calls {
		switch {
		case c.kind != begin:
		case c.answer.unknown:
			lost++
		case c.answer.standing == storage.Reserved && c.outcome == storage.Failure:
			evaluated = append(evaluated, c)
		}
	}
	slices.SortStableFunc(evaluated, func(a, b *call) int { return a.answer.now.Compare(b.answer.now) })
	for i := threshold; i < len(evaluated); i++ {
		some := evaluated[i-threshold : i+1]
		if !locked(some) {
			return fmt.Errorf("%d wrong passwords were evaluated without a lock of %v between two of them:\n%s",
				len(some), brief.Duration, lines(some))
		}
	}
	if n := len(evaluated); consecutive < n || consecutive > n+lost {
		return fmt.Errorf("%d wrong passwords were evaluated, %d are counted", n, consecutive)
	}
	return nil
}

// locked reports whether a lock fits between two of these attempts, by the store's clock.
func locked(attempts []*call) bool {
	for i := range attempts[1:] {
		if attempts[i+1].answer.now.Sub(attempts[i].answer.now) >= brief.Duration {
			return true
		}
	}
	return false
}
