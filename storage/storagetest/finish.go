package storagetest

import (
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const ruleVersion = "The grant is created only if the owner's record is still the version that Begin read (ErrConflict " +
	"otherwise, with the reservation given back and nothing created)."

var finishCases = []Case{
	{"finish/creates", "With Success the grant is created in the same step, and Finish fills in its epochs.", func(e *env) {
		e.ok("end the realm's grants once", e.EndRealm(e.ctx, e.realm))
		e.ok("end the client's grants once", e.EndClient(e.ctx, e.realm, clientID))
		u := e.user()
		g := e.login(u.Username)
		e.that("epochs are filled in", g.RealmEpoch > 0 && g.ClientEpoch > 0)
		e.equal("grant", e.inspect(g), g)
		v, err := e.InspectOwner(e.ctx, g.ID)
		e.ok("inspect with owner", err)
		e.equal("grant, beside its owner", v.Grant, g)
		e.equal("owner", v.User, e.read(u.Username))
		e.that("the last login is told", !v.User.Login.LastLogin.IsZero())
		e.that("the clock is told", !v.Now.Before(g.AuthTime))
	}},
	{"finish/no grant on failure", "A grant is created on success only.", func(e *env) {
		for _, o := range []storage.Outcome{storage.Failure, storage.Void} {
			r := e.reserve(e.user().Username, policy(3))
			g := e.grant(r)
			e.ok("finish", e.finish(r, o, with(g)))
			e.dead("no success", g)
		}
	}},
	{"finish/changed owner", ruleVersion, func(e *env) {
		u := e.user()
		e.fail(u.Username, policy(2))
		r := e.reserve(u.Username, policy(2))
		u.Attributes = map[string]string{"changed": "1"}
		e.ok("change the owner", e.UpdateUser(e.ctx, u, false))
		e.conflict(r)
		e.equal("failures", e.read(u.Username).Login.Failures, 1)
		e.reserve(u.Username, policy(2)) // the place is free again
	}},
	{"finish/deleted owner", ruleVersion, func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(3))
		e.ok("delete the owner", e.DeleteUser(e.ctx, e.realm, u.Username))
		e.conflict(r)
	}},
	{"finish/replaced owner", ruleVersion, func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(3))
		e.ok("delete the owner", e.DeleteUser(e.ctx, e.realm, u.Username))
		e.user(named(u.Username))
		e.conflict(r)
	}},
	{"finish/owner deleted and restored", ruleVersion, func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(3))
		e.ok("delete the owner", e.DeleteUser(e.ctx, e.realm, u.Username))
		e.user(func(n *realm.User) { *n = *u; n.PasswordHash = "$hash$2" })
		e.conflict(r)
		e.equal("password", e.read(u.Username).PasswordHash, "$hash$2")
	}},
	{"finish/owner appears", ruleVersion, func(e *env) {
		r := e.reserve("newcomer", policy(3))
		e.user(named("newcomer"))
		e.conflict(r)
	}},
	{"finish/rehash", "Owner without EndGrants is not an administrative change: Version stays.", func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(3))
		g := e.grant(r)
		e.ok("log in", e.finish(r, storage.Success, hash("$new"), with(g)))
		got := e.read(u.Username)
		e.equal("password", got.PasswordHash, "$new")
		e.equal("version", got.Version, u.Version)
		e.lives("a rehash", g)
		e.ok("change what was read before the rehash", e.UpdateUser(e.ctx, u, false))
	}},
	{"finish/rehash never undoes a new password", "A rehash of the old password never replaces a newer one.", func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(3))
		u.PasswordHash = "$chosen"
		e.ok("set a password", e.UpdateUser(e.ctx, u, true))
		if err := e.finish(r, storage.Success, hash("$rehash of the old")); err != nil {
			e.is("rehash too late", err, storage.ErrConflict)
		}
		e.equal("password", e.read(u.Username).PasswordHash, "$chosen")
	}},
	{"finish/repeated", "The same settlement again has the same answer, and the grant exists once.", func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(3))
		s := storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: e.grant(r)}
		e.ok("log in", e.Finish(e.ctx, s))
		want := e.read(u.Username)
		e.ok("log in again with the same settlement", e.Finish(e.ctx, s))
		e.equal("grants", len(e.grantsOf(u.Username)), 1)
		e.equal("owner", e.read(u.Username), want)
	}},
	{"finish/repeated after the end", "A settlement repeated after its grant was ended brings nothing back.", func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(3))
		s := storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: e.grant(r)}
		e.ok("log in", e.Finish(e.ctx, s))
		e.ok("end the grant", e.EndGrant(e.ctx, e.realm, s.Grant.ID))
		_ = e.Finish(e.ctx, s)
		e.dead("ending it", s.Grant)
		e.equal("grants", len(e.grantsOf(u.Username)), 0)
	}},
	{"finish/one grant a reservation", "One reservation makes one grant.", func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(3))
		first, second := e.grant(r), e.grant(r)
		e.ok("log in", e.Finish(e.ctx, storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: first}))
		err := e.Finish(e.ctx, storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: second})
		e.is("another grant", err, storage.ErrConflict)
		e.dead("a settled reservation", second)
		e.lives("a settled reservation", first)
	}},
}

// conflict finishes with a success that comes too late.
func (e *env) conflict(r storage.Reservation) {
	g := e.grant(r)
	e.is("finish", e.finish(r, storage.Success, hash("$late"), with(g), code(7), counting), storage.ErrConflict)
	e.dead("a changed owner", g)
	e.equal("grants", len(e.grantsOf(r.Username)), 0)
	if u, err := e.UserByName(e.ctx, e.realm, r.Username); err == nil {
		e.that("the password stays", u.PasswordHash != "$late")
		e.equal("logins", u.Login.Logins, 0)
		e.equal("code step", u.Login.CodeStep, uint64(0))
	}
}
