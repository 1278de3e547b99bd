package storagetest

import (
	"sync/atomic"
	"testing"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// secondCase proves that two processes on the same data act as one.
type secondCase struct {
	name, rule string
	check      func(e, other *env)
}

var secondCases = []secondCase{
	{"reservations", "A reservation of one process counts in every other.", func(e, other *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(1))
		e.equal("standing", other.standing(u.Username, policy(1)), storage.Busy)
		e.ok("settle elsewhere", other.settle(r, storage.Failure))
		e.equal("standing", e.standing(u.Username, policy(1)), storage.Locked)
	}},
	{"guesses", ruleGuesses, func(e, other *env) {
		for _, name := range []string{e.user().Username, "nobody"} {
			var reserved atomic.Int32
			e.parallel(40, func(i int) {
				at := []*env{e, other}[i%2]
				for reserved.Load() <= 5 {
					b := at.begin(name, policy(5))
					switch b.Standing {
					case storage.Reserved:
						reserved.Add(1)
						at.ok("settle", at.settle(b.Reservation, storage.Failure))
					case storage.Locked:
						return
					}
				}
			})
			e.equal("wrong passwords evaluated", reserved.Load(), int32(5))
		}
	}},
	{"sources", ruleSource, func(e, other *env) {
		name, home, away := e.homeAndAway()
		p := policy(2)
		other.failAt(name, away, p, 2)
		e.equal("away", e.standingAt(name, away, p), storage.Locked)
		r := other.reserveAt(name, home, p)
		e.failAt(name, home, p, 1)
		e.equal("home", e.standingAt(name, home, p), storage.Busy)
		e.ok("settle elsewhere", e.settle(r, storage.Failure))
		e.equal("home, in the other process", other.standingAt(name, home, p), storage.Locked)
		e.ok("change the owner", e.UpdateUser(e.ctx, e.read(name), true))
		e.ok("unlock", e.UnlockUser(e.ctx, e.realm, name))
		e.fail(name, policy(1))
		e.equal("home is not known", other.standingAt(name, home, policy(1)), storage.Locked)
	}},
	{"codes", "A one-time code is used once in all processes.", func(e, other *env) {
		u := e.user()
		var done atomic.Int32
		e.parallel(20, func(i int) {
			at := []*env{e, other}[i%2]
			r := at.reserve(u.Username, realm.Lockout{})
			if err := at.finish(r, storage.Success, code(7), counting, with(at.grant(r))); err != nil {
				at.is("the same code", err, storage.ErrCodeUsed)
				return
			}
			done.Add(1)
		})
		e.equal("successes with one code", done.Load(), int32(1))
		e.equal("logins", other.read(u.Username).Login.Logins, 1)
	}},
	{"settlements", "An owner that a settlement changes is changed in every process at once.", func(e, other *env) {
		g := e.newLogin()
		r, before := e.reserve(g.Username, policy(9)), other.reserve(g.Username, policy(9))
		off := owner(func(u *realm.User) { u.Enabled = false })
		e.ok("disable", e.finish(r, storage.Failure, off, ending))
		e.that("disabled", !other.read(g.Username).Enabled)
		other.gone(g)
		err := other.finish(before, storage.Success, with(other.grant(before)))
		e.is("a login that began before", err, storage.ErrConflict)
	}},
	{"grants", "A grant made, rotated or ended in one process is so in every other at once.", func(e, other *env) {
		g, h := e.newLogin(), e.newLogin()
		e.equal("grant", other.inspect(g), g)
		now := other.renew(step(g))
		e.equal("grant", e.inspect(g), now)
		e.equal("outcome of reuse", e.refresh(step(g)).Outcome, storage.RefreshReused)
		other.gone(g)
		u := other.read(h.Username)
		u.Enabled = false
		e.ok("disable", e.UpdateUser(e.ctx, u, true))
		other.gone(h)
	}},
	{"epochs", "Ending the grants of a client or a realm is seen in every process within one second; a login after it works at once.", func(e, other *env) {
		u := e.user()
		for _, end := range []func() error{
			func() error { return e.EndClient(e.ctx, e.realm, clientID) },
			func() error { return e.EndRealm(e.ctx, e.realm) },
		} {
			g := e.login(u.Username)
			other.lives("nothing", g) // and the epochs may be cached now
			e.ok("end", end())
			again := e.login(u.Username)
			other.lives("the end before the login", again)
			other.until("the grant is dead", soon, func() bool { return !other.alive(g) })
			there := other.login(u.Username)
			e.lives("the end before the login", there, again)
			other.lives("the end before the login", there, again)
		}
	}},
	{"limits", "A place that is taken in one process is taken in every other.", func(e, other *env) {
		e.equal("places", e.atOnce(e, other), int32(7))
	}},
	{"grant limits", ruleGrantLimit, func(e, other *env) {
		e.atLimit(e, other)
		u := e.user()
		g := e.login(u.Username)
		_, evicted := other.evicting(u.Username, 1)
		e.equal("evicted", evicted, []storage.GrantID{g.ID})
		e.gone(g)
	}},
	{"clients", "A change of a client is seen in every process within one second.", func(e, other *env) {
		c := e.client("c")
		e.until("the client is found", soon, func() bool { return other.findClient("c") == nil })
		c.Enabled = false
		e.ok("disable", e.UpdateClient(e.ctx, c))
		e.until("the change is seen", soon, func() bool {
			got, err := other.Client(other.ctx, other.realm, "c")
			return err == nil && !got.Enabled
		})
	}},
}

func runSecond(t *testing.T, s, second storage.Store) {
	for _, c := range secondCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, cancel := newEnv(s)
			defer cancel()
			other := *e
			other.Store = second
			report(t, c.rule, e.run(func(e *env) { c.check(e, &other) }))
		})
	}
}
