package storagetest

import (
	"time"

	"github.com/ropcd/ropcd/storage"
)

// soon is within how long the end of a client's or a realm's grants must be seen, with room for a busy machine.
const soon = 1500 * time.Millisecond

var grantCases = []Case{
	{"grants/unknown", "What does not exist is ErrNotFound.", func(e *env) {
		id := storage.NewGrantID(e.realm, "nobody")
		_, err := e.Inspect(e.ctx, id)
		e.is("inspect", err, storage.ErrNotFound)
		_, err = e.InspectOwner(e.ctx, id)
		e.is("inspect with owner", err, storage.ErrNotFound)
		e.is("end", e.EndGrant(e.ctx, e.realm, id), storage.ErrNotFound)
		e.equal("grants of nobody", len(e.grantsOf("nobody")), 0)
		e.ok("end the grants of nobody", e.EndUser(e.ctx, e.realm, "nobody"))
	}},
	{"grants/list of an owner", "GrantsOf lists the live grants of an owner, oldest login first.", func(e *env) {
		u := e.user()
		at := func(d time.Duration) func(*storage.Grant) {
			return func(g *storage.Grant) { g.AuthTime = g.AuthTime.Add(-d) }
		}
		b, a := e.login(u.Username, at(time.Minute)), e.login(u.Username, at(time.Hour))
		d, c := e.login(u.Username), e.login(u.Username, at(time.Second))
		e.newLogin()
		e.equal("grants", e.grantsOf(u.Username), []*storage.Grant{a, b, c, d})
		e.ok("end one", e.EndGrant(e.ctx, e.realm, b.ID))
		e.equal("grants", e.grantsOf(u.Username), []*storage.Grant{a, c, d})
	}},
	{"grants/list of a realm", "Grants lists the live grants of a realm, each once.", func(e *env) {
		ended := e.newLogin()
		e.ok("end one", e.EndGrant(e.ctx, e.realm, ended.ID))
		want := map[storage.GrantID]*storage.Grant{}
		for range 20 {
			g := e.newLogin()
			want[g.ID] = g
		}
		e.in(e.realm + "/sub").newLogin()
		for g, err := range e.Grants(e.ctx, e.realm) {
			e.ok("list", err)
			e.equal("grant", g, want[g.ID])
			delete(want, g.ID)
		}
		e.equal("grants not listed", len(want), 0)
	}},
	{"grants/end one", "EndGrant ends one grant of its realm, or ErrNotFound.", func(e *env) {
		u := e.user()
		g, other := e.login(u.Username), e.login(u.Username)
		e.is("end it from another realm", e.EndGrant(e.ctx, e.realm+"/x", g.ID), storage.ErrNotFound)
		e.lives("another realm", g)
		e.ok("end", e.EndGrant(e.ctx, e.realm, g.ID))
		e.dead("EndGrant", g)
		e.is("end again", e.EndGrant(e.ctx, e.realm, g.ID), storage.ErrNotFound)
		e.lives("EndGrant of another", other)
	}},
	{"grants/end an owner's", "EndUser ends all grants of an owner at once, and those only; a login after it works.", func(e *env) {
		u := e.user()
		g, h, other := e.login(u.Username), e.login(u.Username), e.newLogin()
		e.ok("end", e.EndUser(e.ctx, e.realm, u.Username))
		e.dead("EndUser", g, h)
		e.equal("grants", len(e.grantsOf(u.Username)), 0)
		e.lives("EndUser of another", other, e.login(u.Username))
	}},
	{"grants/end a client's", "EndClient ends all grants of a client within one second, and those only; a login after it works.", func(e *env) {
		u := e.user()
		g, other := e.login(u.Username), e.login(u.Username, func(g *storage.Grant) { g.ClientID = "other" })
		e.equal("grants", len(e.grantsOf(u.Username)), 2)
		e.ok("end", e.EndClient(e.ctx, e.realm, clientID))
		again := e.login(u.Username)
		e.lives("EndClient before the login", again)
		e.until("the grant is dead", soon, func() bool { return !e.alive(g) })
		e.gone(g)
		e.lives("EndClient", other, again)
		e.equal("grants", len(e.grantsOf(u.Username)), 2)
		e.renew(step(again))
	}},
	{"grants/end a realm's", "EndRealm ends all grants of a realm within one second; a login after it works.", func(e *env) {
		u := e.user()
		g, h := e.login(u.Username), e.newLogin()
		below := e.in(e.realm + "/sub").newLogin()
		e.ok("end", e.EndRealm(e.ctx, e.realm))
		again := e.login(u.Username)
		e.lives("EndRealm before the login", again)
		e.until("the grants are dead", soon, func() bool { return !e.alive(g) && !e.alive(h) })
		e.gone(g)
		e.gone(h)
		e.lives("EndRealm", below, again)
		e.renew(step(again))
	}},
	{"grants/dead in every way", "A grant that was ended is dead for every method.", func(e *env) {
		g := e.newLogin()
		e.ok("end", e.EndGrant(e.ctx, e.realm, g.ID))
		e.gone(g)
	}},
}

// gone expects a grant to be dead for every method.
func (e *env) gone(g *storage.Grant) {
	e.dead("its end", g)
	_, err := e.InspectOwner(e.ctx, g.ID)
	e.is("inspect with owner", err, storage.ErrNotFound)
	e.equal("outcome of a refresh", e.refresh(step(g)).Outcome, storage.RefreshRefused)
	e.is("revoke an access token", e.Revoke(e.ctx, revocation(g, 1)), storage.ErrNotFound)
	e.is("end", e.EndGrant(e.ctx, g.Realm, g.ID), storage.ErrNotFound)
	for _, h := range e.grantsOf(g.Username) {
		e.that("it is not in the owner's list", h.ID != g.ID)
	}
	for h, err := range e.Grants(e.ctx, g.Realm) {
		e.ok("list", err)
		e.that("it is not in the realm's list", h.ID != g.ID)
	}
}
