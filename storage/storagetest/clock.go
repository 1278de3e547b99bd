package storagetest

import (
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
)

const ruleSetBack = "A clock that is set back makes no lock shorter, forgets no failure, ends no grant, frees no spent token, " +
	"makes no revoked one good and no grace longer; and it lets nobody wait for the limit of a request much longer than the limit itself."

// setBack is by how much the cases set the clock back: more than anything that they wait for.
const setBack = 30 * 24 * long

// clockCases prove what they say across a clock that back sets back, by up to setBack in all.
var clockCases = []struct {
	name  string
	check func(e *env, back func(by time.Duration))
}{
	{"lock", func(e *env, back func(time.Duration)) {
		names := []string{e.user().Username, "nobody"}
		for _, name := range names {
			e.fail(name, policy(1))
		}
		back(setBack)
		for _, name := range names {
			e.equal("standing", e.standing(name, policy(1)), storage.Locked)
		}
	}},
	{"failures", func(e *env, back func(time.Duration)) {
		u := e.user()
		e.fail(u.Username, policy(2))
		back(setBack) // longer than the window in which failures are remembered
		e.equal("failures", e.read(u.Username).Login.Failures, 1)
		e.fail(u.Username, policy(2))
		e.equal("standing", e.standing(u.Username, policy(2)), storage.Locked)
		locked := e.read(u.Username).Login.LockedUntil
		b := e.begin(u.Username, policy(2))
		e.that("the lock counts from the clock of now", !locked.After(b.Reservation.Clock().Add(long)))
	}},
	{"grant", func(e *env, back func(time.Duration)) {
		g := e.newLogin()
		back(setBack)
		e.lives("a clock that is set back", g)
		out := e.refresh(step(g))
		e.equal("outcome", out.Outcome, storage.RefreshDone)
		e.that("lifetimes count from the clock of now", out.Grant.AccessExpires.Equal(out.Now.Add(long)) &&
			out.Grant.RefreshExpires.Equal(out.Now.Add(24*long)) && out.Grant.MaxExpires.Equal(g.MaxExpires))
		e.equal("the spent token", e.refresh(step(g)).Outcome, storage.RefreshReused)
		e.dead("reuse", g)
	}},
	{"revoked token", func(e *env, back func(time.Duration)) {
		g := e.newLogin()
		e.ok("revoke", e.Revoke(e.ctx, revocation(g, 1)))
		back(setBack)
		e.that("revoked", e.inspect(g).IsRevoked(1))
		e.that("revoked after a refresh", e.renew(step(g)).IsRevoked(1))
	}},
	{"revoked token that seemed expired", func(e *env, back func(time.Duration)) {
		back(setBack)
		g := e.renewed(9)
		e.ok("revoke", e.Revoke(e.ctx, revocation(g, 3)))
		back(-2 * long) // the clock goes wrong: all access tokens seem expired
		e.that("revoked", e.inspect(g).IsRevoked(3))
		e.ok("revoke one that seems expired", e.Revoke(e.ctx, revocation(g, 5)))
		g = e.renew(step(g))
		e.renew(step(g, keep))
		back(2 * long)
		got := e.inspect(g)
		e.equal("revoked 3, 4, 5, 6", []bool{got.IsRevoked(3), got.IsRevoked(4), got.IsRevoked(5), got.IsRevoked(6)},
			[]bool{true, false, true, false})
	}},
	{"grace", func(e *env, back func(time.Duration)) {
		spent := e.newLogin()
		within := step(spent, grace(long))
		now := e.renew(within)
		back(storage.ClockLeeway)
		e.equal("within the leeway", e.renew(step(spent, grace(long))), now)
		e.equal("repeated", e.renew(within), now)
		back(setBack / 2)
		e.equal("repeated after the step", e.renew(within), now)
		e.equal("spent", e.refresh(step(spent, grace(long))).Outcome, storage.RefreshReused)
		e.dead("reuse", spent)
	}},
	{"no grace", func(e *env, back func(time.Duration)) {
		spent := e.newLogin()
		e.renew(step(spent))
		back(storage.ClockLeeway)
		e.equal("spent", e.refresh(step(spent)).Outcome, storage.RefreshReused)
	}},
	{"one-time code", func(e *env, back func(time.Duration)) {
		u := e.user()
		e.ok("use a code", e.finish(e.reserve(u.Username, policy(3)), storage.Success, code(7)))
		back(setBack)
		e.is("use it again", e.finish(e.reserve(u.Username, policy(3)), storage.Success, code(7)), storage.ErrCodeUsed)
	}},
	{"limit", func(e *env, back func(time.Duration)) {
		const per = 10 * time.Minute
		near, far := e.charge(storage.LayerClient, "near", 2, per), e.charge(storage.LayerClient, "far", 2, per)
		for _, c := range []storage.Charge{near, far} {
			for range 2 {
				e.that("allowed", !e.decide(c).Refused())
			}
		}
		back(per)
		v := e.decide(near)
		e.that("a place is free after the step and the limit's time", v.Refused() && v.Retry <= 2*per)
		back(setBack - per)
		e.places(2, far)
	}},
}

// runClock runs the cases, each on a store of its own.
func runClock(t *testing.T, open func(t *testing.T) (storage.Store, func(ahead time.Duration))) {
	for _, c := range clockCases {
		t.Run(c.name, func(t *testing.T) {
			s, set := open(t)
			ahead := setBack
			set(ahead)
			e, cancel := newEnv(s)
			defer cancel()
			report(t, ruleSetBack, e.run(func(e *env) {
				c.check(e, func(by time.Duration) { ahead -= by; set(ahead) })
			}))
		})
	}
}
