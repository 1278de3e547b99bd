package storagetest

import (
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// sourceChangeCases are about how sources become known, and are forgotten.
var sourceChangeCases = []Case{
	{"sources/forgotten meanwhile", "What was judged by a source that has been forgotten is charged to the general account, and clears none.", func(e *env) {
		name, home, away := e.homeAndAway()
		p := policy(3)
		failing, late, right := e.reserveAt(name, home, p), e.reserveAt(name, home, p), e.reserveAt(name, home, p)
		e.ok("change the owner", e.UpdateUser(e.ctx, e.read(name), true))
		e.equal("they are under way in the general account", e.standingAt(name, away, p), storage.Busy)
		e.ok("fail", e.settle(failing, storage.Failure))
		e.is("log in", e.finish(right, storage.Success, with(e.grant(right))), storage.ErrConflict)
		e.equal("failures of the general account", e.read(name).Login.Failures, 1)
		e.ok("fail", e.settle(late, storage.Failure))
		e.failAt(name, home, p, 1)
		e.equal("home is not known", e.standingAt(name, home, p), storage.Locked)
	}},
	{"sources/forgotten by a change", ruleForgotten, func(e *env) {
		for _, end := range []bool{false, true} {
			name, home, away := e.homeAndAway()
			u := e.read(name)
			u.PasswordHash = "$new"
			e.ok("change the owner", e.UpdateUser(e.ctx, u, end))
			e.failAt(name, away, policy(1), 1)
			e.equal("home is not known", e.standingAt(name, home, policy(1)) == storage.Locked, end)
		}
	}},
	{"sources/forgotten by enrolment", "Sources that were known before the owner had one-time codes are forgotten.", func(e *env) {
		name, home, away := e.homeAndAway()
		for _, seed := range []string{"sealed", "sealed anew"} {
			u := e.read(name)
			u.Seed = []byte(seed)
			e.ok("change the owner", e.UpdateUser(e.ctx, u, false))
			e.failAt(name, away, policy(1), 1)
			e.equal("home is not known", e.standingAt(name, home, policy(1)) == storage.Locked, seed == "sealed")
			e.ok("unlock", e.UnlockUser(e.ctx, e.realm, name))
			e.ok("log in with a code", e.finish(e.reserveAt(name, home, policy(1)), storage.Success, code(e.read(name).Login.CodeStep+1)))
		}
	}},
	{"sources/unverified", "An unverified Success clears no account, and makes no source known.", func(e *env) {
		name, home, away := e.homeAndAway()
		unverified := func(s *storage.Settlement) { s.Unverified = true }
		for _, from := range []storage.Source{home, away, {}} {
			e.failAt(name, from, policy(9), 2)
			r := e.reserveAt(name, from, policy(9))
			g := e.grant(r)
			e.ok("log in", e.finish(r, storage.Success, unverified, with(g)))
			e.lives("an unverified success", g)
		}
		e.equal("failures of the general account", e.read(name).Login.Failures, 4)
		e.failAt(name, home, policy(3), 1)
		e.equal("home", e.standingAt(name, home, policy(3)), storage.Locked)
		e.equal("away", e.standingAt(name, away, policy(3)), e.standing(name, policy(3)))
	}},
	{"sources/forgotten by a settlement", ruleForgotten, func(e *env) {
		for _, end := range []bool{false, true} {
			name, home, away := e.homeAndAway()
			effects := []func(*storage.Settlement){hash("$new")}
			if end {
				effects = append(effects, ending)
			}
			r := e.reserveAt(name, away, policy(9))
			e.ok("log in", e.finish(r, storage.Success, append(effects, with(e.grant(r)))...))
			e.fail(name, policy(1))
			e.equal("home is not known", e.standingAt(name, home, policy(1)) == storage.Locked, end)
			e.equal("the source of the settlement itself", e.standingAt(name, away, policy(1)), storage.Reserved)
			e.ok("disable", e.finish(e.reserveAt(name, away, policy(1)), storage.Failure, hash("$off"), ending))
			e.equal("away is not known", e.standingAt(name, away, policy(1)), storage.Locked)
		}
	}},
	{"sources/begun before a change", "A success makes its source known only if the owner's record is the version that Begin read.", func(e *env) {
		name := e.user().Username
		home := e.at(name, 1)
		bare, granted := e.reserveAt(name, home, policy(9)), e.reserveAt(name, home, policy(9))
		e.ok("change the owner", e.UpdateUser(e.ctx, e.read(name), true))
		_ = e.finish(bare, storage.Success) // may be a conflict
		e.is("log in", e.finish(granted, storage.Success, with(e.grant(granted))), storage.ErrConflict)
		e.fail(name, policy(1))
		e.equal("home is not known", e.standingAt(name, home, policy(1)), storage.Locked)
	}},
	{"sources/settled twice", "Settling again makes no source known, and clears none.", func(e *env) {
		name, home, away := e.homeAndAway()
		p := policy(2)
		r, lost := e.reserveAt(name, home, p), e.reserveAt(name, away, p)
		e.ok("log in", e.finish(r, storage.Success))
		e.ok("fail", e.settle(lost, storage.Failure))
		e.failAt(name, home, p, 2)
		e.ok("log in again", e.finish(r, storage.Success))
		e.ok("succeed with what has failed", e.finish(lost, storage.Success))
		e.equal("home", e.standingAt(name, home, p), storage.Locked)
		e.failAt(name, away, p, 1)
		e.equal("away", e.standingAt(name, away, p), storage.Locked)
	}},
	{"sources/deleted", ruleForgotten, func(e *env) {
		name, home, _ := e.homeAndAway()
		e.ok("delete", e.DeleteUser(e.ctx, e.realm, name))
		e.ok("create the name anew", e.CreateUser(e.ctx, &realm.User{Realm: e.realm, Username: name, ID: "id-" + unique()}))
		e.fail(name, policy(1))
		e.equal("home is not known", e.standingAt(name, home, policy(1)), storage.Locked)
	}},
	{"sources/unlock", "UnlockUser clears the accounts of all sources, and forgets none.", func(e *env) {
		name, home, away := e.homeAndAway()
		p := policy(2)
		p.StopAfter = 2
		e.failAt(name, home, p, 2)
		e.failAt(name, away, p, 2)
		e.equal("home", e.standingAt(name, home, p), storage.Stopped)
		e.ok("unlock", e.UnlockUser(e.ctx, e.realm, name))
		e.reserveAt(name, away, p)
		e.failAt(name, home, p, 1)
		e.reserveAt(name, home, p)
		e.equal("home", e.standingAt(name, home, p), storage.Busy)
	}},
}
