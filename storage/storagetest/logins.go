package storagetest

import (
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

var loginCases = []Case{
	{"logins/begin reads the owner", "Begin reads the owner and reserves one attempt, in one step.", func(e *env) {
		u := e.user()
		before := time.Now()
		b := e.begin(u.Username, policy(3))
		e.equal("standing", b.Standing, storage.Reserved)
		e.equal("owner", b.User, u)
		e.equal("owner in the reservation", b.Reservation.User, u)
		e.equal("realm", b.Reservation.Realm, e.realm)
		e.equal("user name", b.Reservation.Username, u.Username)
		e.equal("policy", b.Reservation.Policy, policy(3))
		e.that("a reservation has a nonce", b.Reservation.Nonce != [16]byte{})
		off := b.Reservation.Now.Sub(before).Abs()
		e.that("the store's clock is told, within a minute of ours", off < time.Minute)
	}},
	{"logins/begin for nobody", "A name that belongs to nobody gets a reservation and no owner.", func(e *env) {
		b := e.begin("nobody", policy(3))
		e.equal("standing", b.Standing, storage.Reserved)
		e.that("no owner", b.User == nil && b.Reservation.User == nil)
	}},
	{"logins/refused has no nonce", "What is refused reserves nothing, but tells the owner and the clock.", func(e *env) {
		u := e.user()
		e.fail(u.Username, policy(1))
		b := e.begin(u.Username, policy(1))
		e.equal("standing", b.Standing, storage.Locked)
		e.equal("nonce", b.Reservation.Nonce, [16]byte{})
		e.that("the owner is told", b.User != nil && b.User.ID == u.ID)
		e.that("the clock is told", !b.Reservation.Now.IsZero())
		e.equal("user name", b.Reservation.Username, u.Username)
	}},
	{"logins/busy", "failures + in flight >= threshold: Busy; nothing is reserved, nothing is charged.", func(e *env) {
		u, p := e.user(), policy(3)
		a, _ := e.reserve(u.Username, p), e.reserve(u.Username, p)
		c := e.reserve(u.Username, p)
		for range 3 {
			b := e.begin(u.Username, p)
			e.equal("a fourth of three", b.Standing, storage.Busy)
			e.equal("nonce", b.Reservation.Nonce, [16]byte{})
		}
		e.ok("give one back", e.settle(a, storage.Void))
		d := e.reserve(u.Username, p)
		e.ok("fail", e.settle(c, storage.Failure))
		e.ok("give another back", e.settle(d, storage.Void))
		e.reserve(u.Username, p)
		e.equal("one failed, two under way", e.standing(u.Username, p), storage.Busy)
		e.equal("owner's failures", e.read(u.Username).Login.Failures, 1)
	}},
	{"logins/void", "Void: the account of attempts is as if Begin had not been called.", func(e *env) {
		u, p := e.user(), policy(2)
		e.fail(u.Username, p)
		before := e.read(u.Username)
		for range 5 {
			e.ok("void", e.settle(e.reserve(u.Username, p), storage.Void))
		}
		e.equal("owner", e.read(u.Username), before)
	}},
	{"logins/success clears", "Success: failures, locks and the consecutive count are cleared.", func(e *env) {
		u, p := e.user(), policy(3)
		e.fail(u.Username, p)
		e.fail(u.Username, p)
		r := e.reserve(u.Username, p)
		e.ok("succeed", e.settle(r, storage.Success))
		got := e.read(u.Username).Login
		e.that("the last login is told", !got.LastLogin.IsZero() && !got.LastLogin.Before(r.Now))
		e.equal("account of attempts", got, realm.Login{LastLogin: got.LastLogin})
		e.reserve(u.Username, p)
		e.reserve(u.Username, p)
		e.reserve(u.Username, p)
	}},
	{"logins/unsettled", "A reservation that is never settled counts as a failure once its hold is over.", func(e *env) {
		u := e.user()
		for _, name := range []string{u.Username, "nobody"} {
			late := e.abandoned(name, policy(1))
			e.ok("settle it late", e.settle(late, storage.Failure))
			g := e.grant(late)
			err := e.Finish(e.ctx, storage.Settlement{Reservation: late, Outcome: storage.Success, Grant: g})
			e.is("succeed after the failure was counted", err, storage.ErrConflict)
			e.dead("succeeding too late", g)
			e.equal("standing", e.standing(name, policy(1)), storage.Locked)
		}
		got := e.read(u.Username).Login
		e.equal("failures", []int{got.Failures, got.Consecutive, got.Locks}, []int{1, 1, 1})
	}},
	{"logins/settle twice", "Finish settles a reservation once: settling again changes nothing.", func(e *env) {
		p := policy(9)
		outcomes := []storage.Outcome{storage.Void, storage.Failure, storage.Success}
		for _, first := range outcomes {
			for _, again := range outcomes {
				u := e.user()
				e.fail(u.Username, p)
				r := e.reserve(u.Username, p)
				e.ok("settle", e.settle(r, first))
				want := e.read(u.Username)
				e.ok("settle again", e.settle(r, again))
				e.equal("owner after settling again", e.read(u.Username), want)
			}
		}
	}},
	{"logins/settle what was refused", "Settling what was refused changes nothing.", func(e *env) {
		u := e.user()
		e.fail(u.Username, policy(1))
		want := e.read(u.Username)
		for _, o := range []storage.Outcome{storage.Void, storage.Failure, storage.Success} {
			b := e.begin(u.Username, policy(1))
			e.equal("standing", b.Standing, storage.Locked)
			e.ok("settle what was refused", e.settle(b.Reservation, o))
			e.equal("owner", e.read(u.Username), want)
		}
		b := e.begin(u.Username, policy(1))
		g := e.grant(b.Reservation)
		err := e.finish(b.Reservation, storage.Success, hash("x"), with(g), ending, counting, code(7))
		e.is("a grant for what was refused", err, storage.ErrConflict)
		e.ok("a failure of what was refused", e.finish(b.Reservation, storage.Failure, hash("x"), ending, code(7)))
		e.dead("a login that was refused", g)
		e.equal("owner", e.read(u.Username), want)
	}},
}

// abandoned reserves an attempt, never settles it, and waits until it has counted.
func (e *env) abandoned(name string, p realm.Lockout) storage.Reservation {
	b, err := e.Begin(e.ctx, storage.Attempt{Realm: e.realm, Username: name, Policy: p, Hold: 30 * time.Millisecond})
	e.ok("begin", err)
	e.equal("standing", b.Standing, storage.Reserved)
	e.until("an unsettled attempt counts", 10*time.Second, func() bool {
		s := e.standing(name, p)
		e.that("until then others wait", s == storage.Busy || s == storage.Locked)
		return s == storage.Locked
	})
	return b.Reservation
}
