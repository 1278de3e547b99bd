package storagetest

import (
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const (
	ruleOwner = "Owner replaces the administrative part of the owner's record, with any outcome but Void, if the record is " +
		"still exactly what Begin read; otherwise it is left as it is."
	ruleEnding = "EndGrants makes Owner an administrative change: if it is written, Version is counted up and the owner's " +
		"grants are ended in the same step, before the new one is created."
)

// ownerCases are about what a settlement does to the owner's record beside the account of attempts.
var ownerCases = []Case{
	{"owners/success", ruleOwner, func(e *env) {
		u := e.user()
		e.fail(u.Username, policy(9))
		old := e.login(u.Username)
		e.fail(u.Username, policy(9))
		r := e.reserve(u.Username, policy(9))
		g := e.grant(r)
		e.fail(u.Username, policy(9)) // others may go on meanwhile
		e.ok("log in", e.finish(r, storage.Success, replacement, with(g)))
		got := e.read(u.Username)
		e.equal("owner", got, replaced(r.User, got.Login))
		e.equal("account of attempts", got.Login, realm.Login{LastLogin: got.Login.LastLogin})
		e.lives("a settlement without EndGrants", g, old)
		_, err := e.UserByID(e.ctx, e.realm, "id-new")
		e.is("the id never changes", err, storage.ErrNotFound)
		e.equal("owner, with the grant", e.ownerOf(g), got)
	}},
	{"owners/failure", ruleOwner, func(e *env) {
		u := e.user()
		e.fail(u.Username, policy(9))
		g := e.login(u.Username)
		r := e.reserve(u.Username, policy(9))
		e.ok("fail", e.finish(r, storage.Failure, replacement))
		got := e.read(u.Username)
		e.equal("owner", got, replaced(r.User, got.Login))
		e.equal("failures", got.Login.Failures, 1)
		e.lives("a settlement without EndGrants", g)
	}},
	{"owners/void", ruleOwner, func(e *env) {
		u := e.user()
		g := e.login(u.Username)
		want := e.read(u.Username)
		e.ok("void", e.finish(e.reserve(u.Username, policy(9)), storage.Void, replacement, ending, counting, code(7)))
		e.equal("owner", e.read(u.Username), want)
		e.lives("a void", g)
	}},
	{"owners/changed meanwhile", ruleOwner, func(e *env) {
		u := e.user()
		g := e.login(u.Username)
		a, b := e.reserve(u.Username, policy(9)), e.reserve(u.Username, policy(9))
		u = e.read(u.Username)
		u.PasswordHash = "$chosen"
		e.ok("set a password", e.UpdateUser(e.ctx, u, false))
		e.ok("fail", e.finish(a, storage.Failure, replacement, ending))
		got := e.read(u.Username)
		e.equal("failures", got.Login.Failures, 1)
		u.Login = got.Login
		e.equal("owner", got, u)
		e.is("log in", e.finish(b, storage.Success, replacement, ending, with(e.grant(b))), storage.ErrConflict)
		e.equal("owner", e.read(u.Username), u)
		e.lives("what was not written", g)
	}},
	{"owners/changed by another login", ruleOwner, func(e *env) {
		u := e.user()
		a, b := e.reserve(u.Username, policy(9)), e.reserve(u.Username, policy(9))
		g, h := e.grant(a), e.grant(b)
		e.ok("log in", e.finish(a, storage.Success, hash("$first"), with(g)))
		e.ok("log in too", e.finish(b, storage.Success, hash("$second"), ending, with(h), counting))
		got := e.read(u.Username)
		e.equal("password", got.PasswordHash, "$first")
		e.equal("version", got.Version, u.Version)
		e.equal("logins", got.Login.Logins, 1)
		e.lives("what was not written", g, h)
	}},
	{"owners/ending grants", ruleEnding, func(e *env) {
		for _, o := range []storage.Outcome{storage.Success, storage.Failure} {
			u := e.user()
			other := e.newLogin()
			g, h := e.login(u.Username), e.login(u.Username)
			before := e.reserve(u.Username, policy(9))
			r := e.reserve(u.Username, policy(9))
			mine := e.grant(r)
			e.ok("settle", e.finish(r, o, hash("$new"), ending, with(mine)))
			got := e.read(u.Username)
			e.equal("password", got.PasswordHash, "$new")
			e.that("the version is counted up", got.Version > u.Version)
			e.dead("EndGrants", g, h)
			e.equal("the new grant is alive", e.alive(mine), o == storage.Success)
			e.lives("another owner's change", other)
			e.is("update what was changed", e.UpdateUser(e.ctx, u, false), storage.ErrConflict)
			e.is("a login that began before", e.finish(before, storage.Success, with(e.grant(before))), storage.ErrConflict)
			e.login(u.Username)
		}
	}},
	{"owners/ending nothing", "EndGrants without an Owner has no effect.", func(e *env) {
		u := e.user()
		g := e.login(u.Username)
		e.ok("log in", e.finish(e.reserve(u.Username, policy(9)), storage.Success, ending))
		e.equal("version", e.read(u.Username).Version, u.Version)
		e.lives("nothing", g)
	}},
	{"owners/earlier end", "No grant outlives an earlier Expires of its owner, also when a settlement sets it.", func(e *env) {
		u := e.user()
		never := func(g *storage.Grant) {
			g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.KeepUntil = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		}
		old, eternal := e.login(u.Username), e.login(u.Username, never)
		before, r := e.reserve(u.Username, policy(9)), e.reserve(u.Username, policy(9))
		mine, late := e.grant(r), e.grant(before)
		end := storage.Trim(time.Now().Add(30 * time.Minute))
		e.ok("log in", e.finish(r, storage.Success, owner(func(u *realm.User) { u.Expires = end }), with(mine)))
		e.ok("log in, begun before", e.finish(before, storage.Success, with(late)))
		for _, g := range []*storage.Grant{old, eternal, mine, late} {
			e.equal("end of the grant", e.inspect(g).MaxExpires, end)
		}
	}},
	{"owners/repeated", "The same settlement again has the same answer, and changes nothing.", func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(9))
		s := storage.Settlement{Reservation: r, Outcome: storage.Success, EndGrants: true, CountLogin: true, CodeStep: 7, Grant: e.grant(r)}
		hash("$new")(&s)
		e.ok("log in", e.Finish(e.ctx, s))
		want := e.read(u.Username)
		e.ok("log in again with the same settlement", e.Finish(e.ctx, s))
		e.equal("owner", e.read(u.Username), want)
		e.lives("the same settlement", s.Grant)
		e.equal("grants", len(e.grantsOf(u.Username)), 1)
	}},
	{"owners/too large", "A settlement that no record can hold is an error, and nothing has happened.", func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(1))
		for what, change := range map[string]func(*storage.Settlement){
			"a seed":      owner(func(u *realm.User) { u.Seed = make([]byte, realm.MaxSeed+1) }),
			"a hash":      owner(func(u *realm.User) { u.PasswordHash = string(make([]byte, 1<<16)) }),
			"a code step": code(storage.MaxCodeStep + 1),
		} {
			e.that(what+" that is too large", e.finish(r, storage.Success, change) != nil)
			e.that(what+" that is too large, on failure", e.finish(r, storage.Failure, change) != nil)
		}
		e.equal("owner", e.read(u.Username), u)
		e.ok("log in", e.finish(r, storage.Success, code(storage.MaxCodeStep),
			owner(func(u *realm.User) { u.Seed = make([]byte, realm.MaxSeed) })))
		got := e.read(u.Username)
		e.equal("seed", len(got.Seed), realm.MaxSeed)
		e.equal("code step", got.Login.CodeStep, uint64(storage.MaxCodeStep))
	}},
	{"owners/nobody", "On names that belong to nobody all but the outcome is without effect.", func(e *env) {
		u := e.user()
		all := func(s *storage.Settlement) {
			s.Owner, s.EndGrants, s.CountLogin, s.CodeStep = u.Clone(), true, true, 7
		}
		e.equal("standings of nobody", e.script("nobody", all), e.script("nobody else"))
		for range 2 {
			e.ok("succeed", e.finish(e.reserve("another", policy(1)), storage.Success, all))
		}
		e.fail("another", policy(1))
		e.equal("standing", e.standing("another", policy(1)), storage.Locked)
		_, err := e.UserByName(e.ctx, e.realm, "another")
		e.is("nobody is still nobody", err, storage.ErrNotFound)
		e.equal("owner", e.read(u.Username), u)
	}},
}

// replacement changes all that a settlement may change, and all that it may not.
func replacement(s *storage.Settlement) {
	owner(func(u *realm.User) {
		*u = *replaced(u, realm.Login{Failures: 1000, Logins: 1000, CodeStep: 1000})
		u.Realm, u.Username, u.ID, u.Created, u.Version = "/other", "other", "id-new", time.UnixMilli(1), 1000
	})(s)
}

// replaced is the owner as replacement leaves it.
func replaced(u *realm.User, l realm.Login) *realm.User {
	n := *u
	n.Source, n.PasswordHash, n.PasswordSet, n.Seed = "directory", "$hash$2", storage.Trim(u.Created.Add(time.Hour)), []byte("sealed")
	n.Enabled, n.Expires, n.Attributes = false, storage.Trim(u.Created.Add(2000*time.Hour)), map[string]string{"x": "y"}
	n.Login = l
	return &n
}

// ownerOf is the owner of a grant.
func (e *env) ownerOf(g *storage.Grant) *realm.User {
	v, err := e.InspectOwner(e.ctx, g.ID)
	e.ok("inspect with owner", err)
	return v.User
}
