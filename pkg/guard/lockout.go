package guard

import (
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// Judge decides on one more attempt when inFlight ones are reserved and not settled. It first forgets, in l, what the
// policy forgets by now.
func Judge(l *realm.Login, p realm.Lockout, inFlight int, now time.Time) storage.Standing {
	forget(l, p, now)
	switch {
	case p.StopAfter > 0 && l.Consecutive >= p.StopAfter:
		return storage.Stopped
	case now.Before(l.LockedUntil):
		return storage.Locked
	case inFlight == 0: // also when the policy was made stricter under way
		return storage.Reserved
	case p.StopAfter > 0 && l.Consecutive+inFlight >= p.StopAfter,
		p.Threshold > 0 && l.Failures+inFlight >= p.Threshold:
		return storage.Busy
	}
	return storage.Reserved
}

// forget drops failures whose lock is over, and failures and locks after a quiet window.
func forget(l *realm.Login, p realm.Lockout, now time.Time) {
	if !l.LockedUntil.IsZero() && !now.Before(l.LockedUntil) && l.Failures >= p.Threshold {
		l.Failures = 0
	}
	last := l.LastFailure
	if l.LockedUntil.After(last) {
		last = l.LockedUntil
	}
	if now.Sub(last) > p.Window {
		l.Failures, l.Locks = 0, 0
	}
}

// Fail counts one wrong password in l, and locks when the threshold is reached.
func Fail(l *realm.Login, p realm.Lockout, now time.Time) {
	forget(l, p, now)
	l.Failures++
	l.Consecutive++
	l.LastFailure = now
	if p.Threshold > 0 && l.Failures >= p.Threshold {
		l.LockedUntil = now.Add(lock(p, l.Locks))
		l.Locks = min(l.Locks+1, 255)
	}
}

// lock is how long the n-th lock in a row lasts, from 0: the first one's duration, doubled n times, up to the longest.
func lock(p realm.Lockout, n int) time.Duration {
	d := p.Duration
	for ; n > 0 && d < p.MaxDuration; n-- {
		d *= 2
	}
	return min(d, max(p.MaxDuration, p.Duration))
}

// Succeed clears the account of attempts.
func Succeed(l *realm.Login, now time.Time) { *l = realm.Login{LastLogin: now} }
