package storagetest

import (
	"testing"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// restartCase proves that something outlives a restart: check does it, and gives what must hold afterwards.
type restartCase struct {
	name, rule string
	check      func(e *env) (after func(e *env))
}

const ruleRestart = "What was acknowledged is there after a restart."

var restartCases = []restartCase{
	{"owners", ruleRestart, func(e *env) func(*env) {
		u, gone := e.user(), e.user()
		e.ok("delete", e.DeleteUser(e.ctx, e.realm, gone.Username))
		u.PasswordHash = "$2"
		e.ok("update", e.UpdateUser(e.ctx, u, false))
		want := e.read(u.Username)
		return func(e *env) {
			e.equal("owner", e.read(u.Username), want)
			_, err := e.UserByName(e.ctx, e.realm, gone.Username)
			e.is("a deleted one", err, storage.ErrNotFound)
		}
	}},
	{"clients", ruleRestart, func(e *env) func(*env) {
		want := e.client("c")
		return func(e *env) {
			got, err := e.Client(e.ctx, e.realm, "c")
			e.ok("find", err)
			e.equal("client", got, want)
		}
	}},
	{"lockout", "Failures and locks outlive a restart.", func(e *env) func(*env) {
		locked, failed := e.user(), e.user()
		stop := realm.Lockout{StopAfter: 1}
		stopped := e.user()
		e.fail(locked.Username, policy(1))
		e.fail(failed.Username, policy(2))
		e.fail(stopped.Username, stop)
		return func(e *env) {
			e.equal("locked", e.standing(locked.Username, policy(1)), storage.Locked)
			e.equal("stopped", e.standing(stopped.Username, stop), storage.Stopped)
			e.fail(failed.Username, policy(2))
			e.equal("one more failure", e.standing(failed.Username, policy(2)), storage.Locked)
		}
	}},
	{"sources", "Known sources, and their failures and locks, outlive a restart.", func(e *env) func(*env) {
		name, home, away := e.homeAndAway()
		second, p := e.at(name, 3), policy(2)
		e.loginAt(name, second)
		e.failAt(name, away, p, 2)
		e.failAt(name, home, p, 1)
		e.failAt(name, second, p, 2)
		return func(e *env) {
			e.equal("away", e.standingAt(name, away, p), storage.Locked)
			e.equal("the second", e.standingAt(name, second, p), storage.Locked)
			e.failAt(name, home, p, 1)
			e.equal("home", e.standingAt(name, home, p), storage.Locked)
		}
	}},
	{"settlements", ruleRestart, func(e *env) func(*env) {
		u := e.user()
		e.ok("log in", e.finish(e.reserve(u.Username, policy(9)), storage.Success, code(7), counting, replacement, ending))
		want := e.read(u.Username)
		return func(e *env) {
			e.equal("owner", e.read(u.Username), want)
			e.equal("logins", want.Login.Logins, 1)
			e.is("the same code", e.finish(e.reserve(u.Username, policy(9)), storage.Success, code(7)), storage.ErrCodeUsed)
		}
	}},
	{"rotation", "A spent refresh token is spent after a restart, and a replay gets the same answer.", func(e *env) func(*env) {
		g := e.newLogin()
		r := step(g)
		now := e.renew(r)
		return func(e *env) {
			e.equal("grant", e.inspect(g), now)
			e.equal("same request", e.renew(r), now)
			e.equal("within the grace", e.renew(step(g, grace(long))), now)
			e.equal("outcome of reuse", e.refresh(step(g)).Outcome, storage.RefreshReused)
			e.dead("reuse", g)
		}
	}},
	{"ends", "What was ended stays ended after a restart.", func(e *env) func(*env) {
		revoked, ended, user := e.newLogin(), e.newLogin(), e.newLogin()
		client := e.newLogin(func(g *storage.Grant) { g.ClientID = "other" })
		access := e.newLogin()
		e.ok("revoke", e.Revoke(e.ctx, refreshRevocation(revoked)))
		e.ok("end", e.EndGrant(e.ctx, e.realm, ended.ID))
		e.ok("end", e.EndUser(e.ctx, e.realm, user.Username))
		e.ok("end", e.EndClient(e.ctx, e.realm, "other"))
		e.ok("revoke", e.Revoke(e.ctx, revocation(access, 1)))
		sub := e.in(e.realm + "/sub")
		of := sub.newLogin()
		e.ok("end", e.EndRealm(e.ctx, sub.realm))
		return func(e *env) {
			e.until("they are dead", soon, func() bool { return !e.alive(client) && !e.alive(of) })
			e.dead("its end", revoked, ended, user)
			e.that("the access token is revoked", e.inspect(access).IsRevoked(1))
		}
	}},
}

func runReopen(t *testing.T, s storage.Store, reopen func(t *testing.T, s storage.Store) storage.Store) {
	afters := make([]func(*env), len(restartCases))
	realms := make([]string, len(restartCases))
	for i, c := range restartCases {
		e, cancel := newEnv(s)
		defer cancel()
		realms[i] = e.realm
		if err := e.run(func(e *env) { afters[i] = c.check(e) }); err != nil {
			t.Fatalf("%s, before the restart: %v\nrule: %s", c.name, err, c.rule)
		}
	}
	s = reopen(t, s)
	for i, c := range restartCases {
		t.Run(c.name, func(t *testing.T) {
			e, cancel := newEnv(s)
			defer cancel()
			report(t, c.rule, e.in(realms[i]).run(afters[i]))
		})
	}
}
