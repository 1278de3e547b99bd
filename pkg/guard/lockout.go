package guard

import (
	"math"
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

// FailCode is [Fail] for a wrong one-time code.
func FailCode(l *realm.Login, p realm.Lockout, now time.Time) {
	Fail(l, p, now)
	l.CodeFailures++
}

// Succeed clears the account of attempts. What attempts have used up and counted stays. So do wrong one-time codes, with the
// lock that came of them, unless a right one was given: who knows the password must not guess codes without end by logging
// in, between the guesses, where none is asked for.
func Succeed(l *realm.Login, code bool, now time.Time) {
	next := realm.Login{LastLogin: now, Logins: l.Logins, CodeStep: l.CodeStep}
	if n := l.CodeFailures; n > 0 && !code {
		next.Failures, next.Consecutive, next.CodeFailures = min(l.Failures, n), n, n
		next.LastFailure, next.LockedUntil, next.Locks = l.LastFailure, l.LockedUntil, l.Locks
	}
	*l = next
}

// Unlock clears failures of both kinds, the consecutive count and locks, as an administrator does.
func Unlock(l *realm.Login) {
	*l = realm.Login{LastFailure: l.LastFailure, LastLogin: l.LastLogin, Logins: l.Logins, CodeStep: l.CodeStep}
}

// CountLogin counts one login.
func CountLogin(l *realm.Login) { l.Logins = min(l.Logins+1, math.MaxInt32) }

// CodeUsed reports whether no one-time code of a time step is good any more; 0 is no code.
func CodeUsed(l *realm.Login, step uint64) bool { return step != 0 && step <= l.CodeStep }

// UseCode remembers that a one-time code of a time step was used.
func UseCode(l *realm.Login, step uint64) { l.CodeStep = max(l.CodeStep, step) }
