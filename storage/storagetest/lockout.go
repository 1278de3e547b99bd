package storagetest

import (
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

var lockoutCases = []Case{
	{"lockout/threshold", "At the threshold the owner is locked, for the policy's duration.", func(e *env) {
		u, p := e.user(), policy(3)
		for i := range 3 {
			e.fail(u.Username, p)
			e.equal("failures", e.read(u.Username).Login.Failures, i+1)
		}
		e.equal("standing", e.standing(u.Username, p), storage.Locked)
		got := e.read(u.Username).Login
		e.equal("lock", got.LockedUntil.Sub(got.LastFailure), long)
		e.equal("account", got, realm.Login{Failures: 3, Consecutive: 3, Locks: 1, LastFailure: got.LastFailure, LockedUntil: got.LockedUntil})
	}},
	{"lockout/ends", "A lock ends by itself, and leaves the whole threshold again.", func(e *env) {
		u, p := e.user(), policy(2)
		p.Duration = 50 * time.Millisecond
		e.fail(u.Username, p)
		e.fail(u.Username, p)
		e.ok("fail", e.settle(e.unlocked(u.Username, p), storage.Failure))
		e.equal("failures", e.read(u.Username).Login.Failures, 1)
		e.reserve(u.Username, p)
	}},
	{"lockout/doubling", "Each further lock is twice as long, up to the longest.", func(e *env) {
		u := e.user()
		p := realm.Lockout{Threshold: 1, Window: long, Duration: 20 * time.Millisecond, MaxDuration: 70 * time.Millisecond}
		for i, want := range []time.Duration{20, 40, 70, 70} {
			e.ok("fail", e.settle(e.unlocked(u.Username, p), storage.Failure))
			got := e.read(u.Username).Login
			e.equal("lock", got.LockedUntil.Sub(got.LastFailure), want*time.Millisecond)
			e.equal("locks in a row", got.Locks, i+1)
		}
	}},
	{"lockout/window", "Failures are forgotten after the window without one; the consecutive count is not.", func(e *env) {
		u, p := e.user(), policy(9)
		p.Window = 50 * time.Millisecond
		e.fail(u.Username, p)
		r := e.reserve(u.Username, p)
		e.ok("fail", e.settle(r, storage.Failure))
		e.past(r, e.read(u.Username).Login.LastFailure.Add(p.Window))
		e.fail(u.Username, p)
		got := e.read(u.Username).Login
		e.equal("failures, consecutive", []int{got.Failures, got.Consecutive}, []int{1, 3})
	}},
	{"lockout/stop_after", "At stop_after consecutive failures only an administrator unlocks.", func(e *env) {
		u := e.user()
		p := realm.Lockout{Threshold: 2, Window: time.Millisecond, Duration: time.Millisecond, MaxDuration: time.Millisecond, StopAfter: 4}
		for range 4 {
			e.ok("fail", e.settle(e.unlocked(u.Username, p), storage.Failure))
		}
		r := e.begin(u.Username, p).Reservation
		e.past(r, e.read(u.Username).Login.LockedUntil.Add(5*time.Millisecond))
		e.equal("standing", e.standing(u.Username, p), storage.Stopped)
		e.ok("unlock", e.UnlockUser(e.ctx, e.realm, u.Username))
		e.equal("standing once unlocked", e.standing(u.Username, p), storage.Reserved)
	}},
	{"lockout/stop_after nobody", "A name that belongs to nobody is not stopped: nobody could unlock it.", func(e *env) {
		p := realm.Lockout{StopAfter: 2}
		for range 3 {
			e.fail("nobody", p)
		}
		e.equal("standing", e.standing("nobody", p), storage.Reserved)
	}},
	{"lockout/stop_after in flight", "Attempts under way count towards stop_after too.", func(e *env) {
		u := e.user()
		p := realm.Lockout{Window: long, StopAfter: 2}
		e.fail(u.Username, p)
		e.reserve(u.Username, p)
		e.equal("standing", e.standing(u.Username, p), storage.Busy)
	}},
	{"lockout/unlock", "UnlockUser clears failures, the consecutive count and locks; it is not an administrative change.", func(e *env) {
		u, p := e.user(), policy(2)
		e.ok("log in", e.finish(e.reserve(u.Username, p), storage.Success, counting, code(7)))
		e.fail(u.Username, p)
		e.fail(u.Username, p)
		before := e.read(u.Username).Login
		e.ok("unlock", e.UnlockUser(e.ctx, e.realm, u.Username))
		got := e.read(u.Username)
		e.equal("failures, consecutive, locks", []int{got.Login.Failures, got.Login.Consecutive, got.Login.Locks}, []int{0, 0, 0})
		e.that("not locked", got.Login.LockedUntil.IsZero())
		e.equal("last login", got.Login.LastLogin, before.LastLogin)
		e.equal("logins", got.Login.Logins, 1)
		e.equal("code step", got.Login.CodeStep, uint64(7))
		e.equal("version", got.Version, u.Version)
		e.reserve(u.Username, p)
		e.reserve(u.Username, p)
		e.is("a code that was used before", e.finish(e.reserve(u.Username, realm.Lockout{}), storage.Success, code(7)), storage.ErrCodeUsed)
		e.is("unlock nobody", e.UnlockUser(e.ctx, e.realm, "nobody"), storage.ErrNotFound)
	}},
	{"lockout/off", "Threshold 0 never locks and never makes anyone wait.", func(e *env) {
		u, p := e.user(), realm.Lockout{Window: long, Duration: long, MaxDuration: long}
		for range 20 {
			e.fail(u.Username, p)
		}
		for range 50 {
			e.reserve(u.Username, p)
		}
	}},
	{"lockout/nobody", "Names that belong to nobody are counted in the same way.", func(e *env) {
		u := e.user()
		known, unknown := e.script(u.Username), e.script("nobody")
		e.equal("standings of nobody against those of an owner", unknown, known)
		_, err := e.UserByName(e.ctx, e.realm, "nobody")
		e.is("nobody is still nobody", err, storage.ErrNotFound)
	}},
	{"lockout/login leaves grants", "A lockout ends no grants.", func(e *env) {
		g := e.newLogin()
		e.fail(g.Username, policy(1))
		e.equal("standing", e.standing(g.Username, policy(1)), storage.Locked)
		e.lives("a lockout", g)
		e.renew(step(g))
	}},
}

// unlocked waits for a reservation while the owner is locked.
func (e *env) unlocked(name string, p realm.Lockout) (r storage.Reservation) {
	e.until("a lock ends", 10*time.Second, func() bool {
		b := e.begin(name, p)
		r = b.Reservation
		return b.Standing == storage.Reserved
	})
	return r
}

// script is a fixed series of attempts; what comes out must not depend on whether there is an owner.
func (e *env) script(name string, with ...func(*storage.Settlement)) (out []storage.Standing) {
	p := policy(3)
	begin := func() storage.Reservation {
		b := e.begin(name, p)
		out = append(out, b.Standing)
		return b.Reservation
	}
	settle := func(r storage.Reservation, o storage.Outcome) { e.ok("settle", e.finish(r, o, with...)) }
	a, b, c := begin(), begin(), begin()
	begin() // busy
	settle(a, storage.Void)
	settle(b, storage.Failure)
	settle(c, storage.Failure)
	d := begin()
	begin() // busy
	settle(d, storage.Void)
	settle(begin(), storage.Failure)
	begin() // locked
	settle(begin(), storage.Success)
	begin() // still locked
	return out
}
