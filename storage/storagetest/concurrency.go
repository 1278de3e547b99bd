package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const ruleGuesses = "However many ask at once, no more than the threshold of wrong passwords are evaluated per lock."

var concurrencyCases = []Case{
	{"concurrency/guesses", ruleGuesses, func(e *env) {
		for _, name := range []string{e.user().Username, "nobody"} {
			const threshold = 5
			var reserved atomic.Int32
			e.parallel(40, func(int) {
				for reserved.Load() <= threshold {
					b := e.begin(name, policy(threshold))
					switch b.Standing {
					case storage.Reserved:
						reserved.Add(1)
						e.ok("settle", e.settle(b.Reservation, storage.Failure))
					case storage.Locked:
						return
					}
				}
			})
			e.equal("wrong passwords evaluated", reserved.Load(), int32(threshold))
		}
	}},
	{"concurrency/reservations", ruleGuesses, func(e *env) {
		for _, name := range []string{e.user().Username, "nobody"} {
			var reserved atomic.Int32
			e.parallel(40, func(int) {
				if e.begin(name, policy(7)).Standing == storage.Reserved {
					reserved.Add(1)
				}
			})
			e.equal("reservations handed out", reserved.Load(), int32(7))
		}
	}},
	{"concurrency/right logins", "Many right logins at once all succeed.", func(e *env) {
		u := e.user()
		e.parallel(30, func(int) {
			for {
				b := e.begin(u.Username, policy(3))
				e.that("nobody is locked out", b.Standing == storage.Reserved || b.Standing == storage.Busy)
				if b.Standing == storage.Reserved {
					s := storage.Settlement{Reservation: b.Reservation, Outcome: storage.Success, Grant: e.grant(b.Reservation)}
					e.ok("log in", e.Finish(e.ctx, s))
					return
				}
			}
		})
		e.equal("grants", len(e.grantsOf(u.Username)), 30)
		e.equal("failures", e.read(u.Username).Login.Failures, 0)
	}},
	{"concurrency/same settlement", "A reservation is settled once, however many settle it at once.", func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(9))
		e.parallel(20, func(int) { e.ok("settle", e.settle(r, storage.Failure)) })
		e.equal("failures", e.read(u.Username).Login.Failures, 1)
		r = e.reserve(u.Username, policy(9))
		s := storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: e.grant(r)}
		e.parallel(20, func(int) {
			own := s
			g := *s.Grant
			own.Grant = &g
			e.ok("settle", e.Finish(e.ctx, own))
		})
		e.equal("grants", len(e.grantsOf(u.Username)), 1)
	}},
	{"concurrency/rotation", "Of any number of parallel uses of a token without grace exactly one is RefreshDone.", func(e *env) {
		g := e.newLogin()
		n := e.rotations(g)
		e.equal("done, reused", []int{n[storage.RefreshDone], n[storage.RefreshReused]}, []int{1, 1})
		e.equal("refused", n[storage.RefreshRefused], 98)
		e.dead("reuse", g)
	}},
	{"concurrency/rotation with grace", "Within the grace all parallel uses of a token get the same successor.", func(e *env) {
		g := e.newLogin()
		n := e.rotations(g, grace(long))
		e.equal("done", n[storage.RefreshDone], 100)
		now := e.inspect(g)
		e.equal("generation, seq", []uint32{now.Generation, now.Seq}, []uint32{1, 2})
	}},
	{"concurrency/numbers", "Parallel refreshes without rotation get a number each.", func(e *env) {
		g := e.newLogin()
		var seen sync.Map
		e.parallel(50, func(int) {
			_, twice := seen.LoadOrStore(e.renew(step(g, keep)).Seq, true)
			e.that("a number is given once", !twice)
		})
		e.equal("last number", e.inspect(g).Seq, uint32(51))
	}},
	{"concurrency/refresh against the end", "A grant that was ended is not brought back by a refresh under way.", func(e *env) {
		for i := range 4 {
			g := e.newLogin()
			e.parallel(12, func(n int) {
				if n != 6 {
					_ = e.refresh(step(g, keep))
					return
				}
				switch i {
				case 0:
					e.ok("revoke", e.Revoke(e.ctx, refreshRevocation(g)))
				case 1:
					e.ok("end", e.EndGrant(e.ctx, e.realm, g.ID))
				case 2:
					e.ok("end", e.EndUser(e.ctx, e.realm, g.Username))
				default:
					e.ok("delete", e.DeleteUser(e.ctx, e.realm, g.Username))
				}
			})
			e.gone(g)
		}
	}},
	{"concurrency/revocations", "Parallel revocations of access tokens are all kept.", func(e *env) {
		g := e.renewed(59)
		e.parallel(50, func(i int) { e.ok("revoke", e.Revoke(e.ctx, revocation(g, uint32(i+1)))) })
		got := e.inspect(g)
		for seq := uint32(1); seq <= 60; seq++ {
			e.equal("revoked", got.IsRevoked(seq), seq <= 50)
		}
	}},
	{"concurrency/login against disabling", "Once disabling has returned, no grant of the old version exists or appears.", func(e *env) {
		u := e.user()
		e.parallel(12, func(n int) {
			if n == 6 {
				off := *u
				off.Enabled = false
				e.ok("disable", e.UpdateUser(e.ctx, &off, true))
				return
			}
			b := e.begin(u.Username, realm.Lockout{})
			if b.User.Enabled {
				s := storage.Settlement{Reservation: b.Reservation, Outcome: storage.Success, Grant: e.grant(b.Reservation)}
				if err := e.Finish(e.ctx, s); err != nil {
					e.is("log in", err, storage.ErrConflict)
				}
			}
		})
		e.equal("grants", len(e.grantsOf(u.Username)), 0)
		e.that("disabled", !e.read(u.Username).Enabled)
	}},
	{"concurrency/administrators", "Of parallel changes to one version, or parallel creations of one name or id, one succeeds.", func(e *env) {
		u := e.user()
		c := e.client("c")
		e.one("update an owner", storage.ErrConflict, func(int) error { n := *u; return e.UpdateUser(e.ctx, &n, false) })
		e.one("update a client", storage.ErrConflict, func(int) error { n := *c; return e.UpdateClient(e.ctx, &n) })
		e.one("create a name", storage.ErrExists, func(i int) error {
			return e.CreateUser(e.ctx, &realm.User{Realm: e.realm, Username: "same", ID: fmt.Sprint(i)})
		})
		e.one("create an id", storage.ErrExists, func(i int) error {
			return e.CreateUser(e.ctx, &realm.User{Realm: e.realm, Username: fmt.Sprint(i), ID: "same"})
		})
		e.one("create a client", storage.ErrExists, func(int) error {
			return e.CreateClient(e.ctx, &realm.Client{Realm: e.realm, ID: "same"})
		})
	}},
}

// rotations uses the same refresh token a hundred times at once, and counts outcomes.
func (e *env) rotations(g *storage.Grant, change ...func(*storage.RefreshStep)) map[storage.RefreshOutcome]int {
	var mu sync.Mutex
	n := map[storage.RefreshOutcome]int{}
	successors := map[string]bool{}
	e.parallel(100, func(int) {
		out := e.refresh(step(g, change...))
		mu.Lock()
		defer mu.Unlock()
		n[out.Outcome]++
		if out.Outcome == storage.RefreshDone {
			successors[fmt.Sprint(out.Grant.Generation, out.Grant.Seq, storage.Millis(out.Grant.AccessExpires))] = true
		}
	})
	e.equal("successors", len(successors), 1)
	return n
}

// one expects one of many parallel calls to succeed, and all others to answer the same error.
func (e *env) one(what string, other error, f func(i int) error) {
	var done atomic.Int32
	e.parallel(12, func(i int) {
		switch err := f(i); {
		case err == nil:
			done.Add(1)
		case !errors.Is(err, other):
			e.fatalf("%s: %v", what, err)
		}
	})
	e.equal(what, done.Load(), int32(1))
}
