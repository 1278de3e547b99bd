package storagetest

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const (
	ruleSource   = "A known source is judged by an account of its own, and the general one does not matter to it."
	ruleNowhere  = "Attempts whose source is zero, or not known, are judged by the general account."
	ruleGuessing = "Of a source that is known, and of all that are not, no more than the threshold of wrong passwords are " +
		"evaluated per lock: at most nine thresholds an owner."
	ruleCleared   = "A success clears the account that judged it, and no other."
	ruleForgotten = "Sources are forgotten when a change ends the owner's grants, or removes the owner."
)

// at is the n-th source of a name.
func (e *env) at(name string, n byte) storage.Source {
	return storage.SourceOf(e.realm, name, clientID, netip.AddrFrom4([4]byte{192, 0, 2, n}))
}

func (e *env) beginAt(name string, from storage.Source, p realm.Lockout) storage.Begun {
	b, err := e.Begin(e.ctx, storage.Attempt{Realm: e.realm, Username: name, Policy: p, Hold: long, Source: from})
	e.ok("begin", err)
	e.equal("source of the reservation", b.Reservation.Source, from)
	return b
}

func (e *env) reserveAt(name string, from storage.Source, p realm.Lockout) storage.Reservation {
	b := e.beginAt(name, from, p)
	e.equal("standing at a source", b.Standing, storage.Reserved)
	return b.Reservation
}

func (e *env) standingAt(name string, from storage.Source, p realm.Lockout) storage.Standing {
	b := e.beginAt(name, from, p)
	e.ok("give an attempt back", e.settle(b.Reservation, storage.Void))
	return b.Standing
}

// failAt types wrong passwords at a source.
func (e *env) failAt(name string, from storage.Source, p realm.Lockout, n int) {
	for range n {
		e.ok("settle a failure", e.settle(e.reserveAt(name, from, p), storage.Failure))
	}
}

// loginAt logs in at sources, in this order.
func (e *env) loginAt(name string, from ...storage.Source) {
	for _, s := range from {
		r := e.reserveAt(name, s, realm.Lockout{})
		e.ok("log in", e.finish(r, storage.Success, with(e.grant(r))))
		e.past(r, e.read(name).Login.LastLogin)
	}
}

// homeAndAway is a new owner with one known source, and one that is not known.
func (e *env) homeAndAway() (name string, home, away storage.Source) {
	name = e.user().Username
	home, away = e.at(name, 1), e.at(name, 2)
	e.loginAt(name, home)
	return name, home, away
}

var sourceCases = []Case{
	{"sources/listed", "Sources lists what is known of an owner, with the account of each, and nothing for anybody else.", func(e *env) {
		name, home, away := e.homeAndAway()
		e.failAt(name, home, policy(5), 2)
		e.failAt(name, away, policy(5), 1)
		list, err := e.Sources(e.ctx, e.realm, name)
		e.ok("list", err)
		e.equal("number of sources", len(list), 1)
		e.equal("the source", list[0].Source, home)
		e.equal("its failures", list[0].Login.Consecutive, 2)
		e.equal("never logged in", list[0].Login.LastLogin.IsZero(), false)
		for _, other := range []string{e.user().Username, "nobody"} {
			list, err = e.Sources(e.ctx, e.realm, other)
			e.ok("list", err)
			e.equal("sources of somebody else", len(list), 0)
		}
	}},
	{"sources/introduced by a code", "Where the owner has one-time codes, only a success with one makes its source known.", func(e *env) {
		name := e.user(func(u *realm.User) { u.Seed = []byte("sealed") }).Username
		home, away, p := e.at(name, 1), e.at(name, 2), policy(3)
		e.loginAt(name, home)
		e.failAt(name, away, p, 3)
		e.equal("at a source without a code", e.standingAt(name, home, p), storage.Locked)
		e.ok("unlock", e.UnlockUser(e.ctx, e.realm, name))

		e.ok("log in with a code", e.finish(e.reserveAt(name, home, p), storage.Success, code(7)))
		e.failAt(name, away, p, 3)
		e.equal("at a source with a code", e.standingAt(name, home, p), storage.Reserved)
		wrong := func(s *storage.Settlement) { s.WrongCode = true }
		for range 3 {
			e.ok("wrong code", e.finish(e.reserveAt(name, home, p), storage.Failure, wrong))
			r := e.beginAt(name, home, p)
			if r.Standing == storage.Reserved {
				e.ok("log in without one", e.finish(r.Reservation, storage.Success))
			}
		}
		e.equal("after wrong codes", e.standingAt(name, home, p), storage.Locked)
	}},
	{"sources/not locked from elsewhere", ruleSource, func(e *env) {
		name, home, away := e.homeAndAway()
		p := policy(3)
		e.failAt(name, away, p, 3)
		e.equal("away", e.standingAt(name, away, p), storage.Locked)
		e.equal("nowhere", e.standing(name, p), storage.Locked)
		e.equal("a new place", e.standingAt(name, e.at(name, 3), p), storage.Locked)
		r := e.reserveAt(name, home, p)
		g := e.grant(r)
		e.ok("log in at home", e.finish(r, storage.Success, with(g)))
		e.lives("an attacker elsewhere", g)
		e.equal("away, after a login at home", e.standingAt(name, away, p), storage.Locked)
	}},
	{"sources/not stopped from elsewhere", ruleSource, func(e *env) {
		name, home, away := e.homeAndAway()
		p := realm.Lockout{Window: long, StopAfter: 4}
		e.failAt(name, away, p, 4)
		e.equal("away", e.standingAt(name, away, p), storage.Stopped)
		e.reserveAt(name, home, p)
	}},
	{"sources/not busy from elsewhere", ruleSource, func(e *env) {
		name, home, away := e.homeAndAway()
		p := policy(2)
		for range 2 {
			e.reserveAt(name, away, p)
		}
		e.equal("away", e.standingAt(name, away, p), storage.Busy)
		for range 2 {
			e.reserveAt(name, home, p)
		}
		e.equal("home", e.standingAt(name, home, p), storage.Busy)
	}},
	{"sources/locks itself only", ruleSource, func(e *env) {
		name, home, away := e.homeAndAway()
		second := e.at(name, 4)
		e.loginAt(name, second)
		p := policy(3)
		e.failAt(name, home, p, 3)
		e.equal("home", e.standingAt(name, home, p), storage.Locked)
		e.equal("general account", e.read(name).Login, realm.Login{LastLogin: e.read(name).Login.LastLogin})
		e.reserve(name, p)
		e.reserveAt(name, away, p)
		e.reserveAt(name, second, p)
		e.ok("settle what was refused", e.settle(e.beginAt(name, home, p).Reservation, storage.Success))
		e.equal("home, after settling what was refused", e.standingAt(name, home, p), storage.Locked)
	}},
	{"sources/stops itself only", ruleSource, func(e *env) {
		name, home, away := e.homeAndAway()
		p := realm.Lockout{Threshold: 1, StopAfter: 2, Window: time.Millisecond, Duration: time.Millisecond, MaxDuration: time.Millisecond}
		for range 2 {
			e.until("a lock ends", 10*time.Second, func() bool {
				b := e.beginAt(name, home, p)
				e.ok("fail", e.settle(b.Reservation, storage.Failure))
				return b.Standing == storage.Reserved
			})
		}
		e.equal("home", e.standingAt(name, home, p), storage.Stopped)
		e.reserveAt(name, away, p)
	}},
	{"sources/success at home", ruleCleared, func(e *env) {
		name, home, away := e.homeAndAway()
		p := policy(3)
		e.failAt(name, away, p, 2)
		e.failAt(name, home, p, 2)
		before := e.read(name).Login
		r := e.reserveAt(name, home, p)
		e.ok("log in at home", e.finish(r, storage.Success, counting, code(7)))
		got := e.read(name).Login
		e.equal("failures of the general account", []int{got.Failures, got.Consecutive}, []int{2, 2})
		e.equal("logins, code step", []uint64{uint64(got.Logins), got.CodeStep}, []uint64{1, 7})
		e.that("the last login is told", got.LastLogin.After(before.LastLogin))
		e.failAt(name, home, p, 2)
		e.failAt(name, away, p, 1)
		e.equal("away", e.standingAt(name, away, p), storage.Locked)
		e.reserveAt(name, home, p)
	}},
	{"sources/success elsewhere", ruleCleared, func(e *env) {
		name, home, away := e.homeAndAway()
		p := policy(3)
		e.failAt(name, home, p, 2)
		e.failAt(name, away, p, 2)
		e.loginAt(name, away)
		e.equal("failures of the general account", e.read(name).Login.Failures, 0)
		e.failAt(name, home, p, 1)
		e.equal("home", e.standingAt(name, home, p), storage.Locked)
		e.failAt(name, away, p, 3)
		e.equal("away, known now", e.standingAt(name, away, p), storage.Locked)
		e.reserve(name, p)
	}},
	{"sources/code used at home", "A code that was used is a failure of the account that judged the attempt.", func(e *env) {
		name, home, _ := e.homeAndAway()
		e.ok("log in", e.finish(e.reserveAt(name, home, policy(1)), storage.Success, code(7)))
		e.is("the same code", e.finish(e.reserveAt(name, home, policy(1)), storage.Success, code(7)), storage.ErrCodeUsed)
		e.equal("home", e.standingAt(name, home, policy(1)), storage.Locked)
		e.reserve(name, policy(1))
	}},
	{"sources/unsettled at home", "A reservation that is never settled counts as a failure of the account that judged it.", func(e *env) {
		name, home, _ := e.homeAndAway()
		p := policy(1)
		b, err := e.Begin(e.ctx, storage.Attempt{Realm: e.realm, Username: name, Policy: p, Hold: 30 * time.Millisecond, Source: home})
		e.ok("begin", err)
		e.until("an unsettled attempt counts", 10*time.Second, func() bool { return e.standingAt(name, home, p) == storage.Locked })
		e.ok("settle it late", e.settle(b.Reservation, storage.Failure))
		e.equal("failures of the general account", e.read(name).Login.Failures, 0)
		e.reserve(name, p)
	}},
	{"sources/only success is known", ruleNowhere, func(e *env) {
		name := e.user().Username
		home, p := e.at(name, 1), policy(2)
		e.ok("void", e.settle(e.reserveAt(name, home, p), storage.Void))
		e.failAt(name, home, p, 1)
		e.failAt(name, e.at(name, 2), p, 1)
		e.equal("home", e.standingAt(name, home, p), storage.Locked)
		e.equal("failures of the general account", e.read(name).Login.Failures, 2)
	}},
	{"sources/nowhere", ruleNowhere, func(e *env) {
		name, home, _ := e.homeAndAway()
		p := policy(2)
		e.login(name)
		e.fail(name, p)
		e.fail(name, p)
		e.equal("nowhere", e.standing(name, p), storage.Locked)
		e.reserveAt(name, home, p)
	}},
	{"sources/of another owner", ruleNowhere, func(e *env) {
		name, home, _ := e.homeAndAway()
		other := e.user().Username
		sub := e.in(e.realm + "/sub")
		e.ok("create an owner", e.CreateUser(e.ctx, &realm.User{Realm: sub.realm, Username: name, ID: "id"}))
		sub.fail(name, policy(1))
		e.fail(other, policy(1))
		e.equal("another owner", e.standingAt(other, home, policy(1)), storage.Locked)
		e.equal("the name in another realm", sub.standingAt(name, home, policy(1)), storage.Locked)
	}},
	{"sources/nobody", "A name that belongs to nobody has no known sources.", func(e *env) {
		name := "nobody"
		home := e.at(name, 1)
		e.ok("succeed", e.finish(e.reserveAt(name, home, policy(1)), storage.Success))
		e.fail(name, policy(1))
		e.equal("standing", e.standingAt(name, home, policy(1)), storage.Locked)
		e.ok("settle what was refused", e.settle(e.beginAt(name, home, policy(1)).Reservation, storage.Failure))
		e.ok("create the owner", e.CreateUser(e.ctx, &realm.User{Realm: e.realm, Username: name, ID: "id"}))
		e.fail(name, policy(1))
		e.equal("standing of the new owner", e.standingAt(name, home, policy(1)), storage.Locked)
	}},
	{"sources/eight", "An owner has at most eight known sources; the one whose last success is the oldest leaves.", func(e *env) {
		name := e.user().Username
		var all []storage.Source
		for n := range byte(9) {
			all = append(all, e.at(name, n))
		}
		e.loginAt(name, all[:8]...)
		e.loginAt(name, all[0]) // so that the second is the oldest
		e.fail(name, policy(1))
		for i, s := range all[:8] {
			e.equal(fmt.Sprint("known source ", i), e.standingAt(name, s, policy(1)), storage.Reserved)
		}
		e.equal("the ninth", e.standingAt(name, all[8], policy(1)), storage.Locked)
		e.ok("unlock", e.UnlockUser(e.ctx, e.realm, name))
		e.loginAt(name, all[8])
		e.fail(name, policy(1))
		for i, s := range all {
			want := storage.Reserved
			if i == 1 {
				want = storage.Locked
			}
			e.equal(fmt.Sprint("source ", i), e.standingAt(name, s, policy(1)), want)
		}
	}},
	{"sources/known meanwhile", "What was judged by the general account is charged to it, also when the source is known by then.", func(e *env) {
		name := e.user().Username
		home, p := e.at(name, 1), policy(3)
		right, wrong := e.reserveAt(name, home, p), e.reserveAt(name, home, p)
		e.ok("log in", e.finish(right, storage.Success))
		e.ok("fail", e.settle(wrong, storage.Failure))
		e.equal("failures of the general account", e.read(name).Login.Failures, 1)
		e.equal("home", e.standingAt(name, home, policy(1)), storage.Reserved)
		e.failAt(name, home, p, 2)
		e.reserveAt(name, home, p)
	}},
	{"sources/guesses", ruleGuessing, func(e *env) {
		const threshold = 3
		name := e.user().Username
		var known []storage.Source
		for n := range byte(storage.MaxSources) {
			known = append(known, e.at(name, n))
		}
		e.loginAt(name, known...)
		var evaluated [storage.MaxSources + 1]atomic.Int32
		e.parallel(6*len(evaluated), func(i int) {
			lane, from := i%len(evaluated), e.at(name, byte(100+i))
			if lane < len(known) {
				from = known[lane]
			}
			for evaluated[lane].Load() <= threshold {
				b := e.beginAt(name, from, policy(threshold))
				switch b.Standing {
				case storage.Reserved:
					evaluated[lane].Add(1)
					e.ok("settle", e.settle(b.Reservation, storage.Failure))
				case storage.Locked:
					return
				}
			}
		})
		for lane := range evaluated {
			e.equal(fmt.Sprint("wrong passwords evaluated, account ", lane), evaluated[lane].Load(), int32(threshold))
		}
	}},
}
