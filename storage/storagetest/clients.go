package storagetest

import (
	"fmt"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

var clientCases = []Case{
	{"clients/create and find", "CreateClient adds a client as it is; its Version is ignored, Static is never stored.", func(e *env) {
		yes, no := true, false
		want := &realm.Client{
			Realm: e.realm, ID: "full", SecretHash: "$s", PreviousSecretHash: "$p",
			PreviousSecretUntil: storage.Trim(time.Now().Add(time.Hour)), Enabled: true, Public: true, AllowPublicPasswordGrant: true,
			GrantTypes: []string{"password"}, Scopes: []string{"a", "b"}, DefaultScopes: []string{"a"},
			TokenEndpointAuthMethod: realm.AuthPost, AllowedJourneys: []string{"login"}, TrustEndUserIP: "X-End-User",
			Created: storage.Trim(time.Now()),
			Overrides: realm.Overrides{
				AccessTokenLifetime: time.Minute, RefreshTokenLifetime: realm.Never, IssueRefreshToken: &yes, IssueRefreshTokenOnRefresh: &no,
			},
			Static: true, Version: 9,
		}
		e.ok("create", e.CreateClient(e.ctx, want))
		got, err := e.Client(e.ctx, e.realm, "full")
		e.ok("find", err)
		expect := *want
		expect.Static, expect.Version = false, got.Version
		e.equal("client", got, &expect)
		e.is("create again", e.CreateClient(e.ctx, &realm.Client{Realm: e.realm, ID: "full"}), storage.ErrExists)
		again, err := e.Client(e.ctx, e.realm, "full")
		e.ok("find", err)
		e.equal("client", again, got)
	}},
	{"clients/not found", "Client, UpdateClient and DeleteClient answer ErrNotFound for what is not there.", func(e *env) {
		_, err := e.Client(e.ctx, e.realm, "none")
		e.is("find", err, storage.ErrNotFound)
		e.is("update", e.UpdateClient(e.ctx, &realm.Client{Realm: e.realm, ID: "none"}), storage.ErrNotFound)
		e.is("delete", e.DeleteClient(e.ctx, e.realm, "none"), storage.ErrNotFound)
	}},
	{"clients/version", "UpdateClient needs the stored Version (ErrConflict otherwise), and counts it up, also in c.", func(e *env) {
		c := e.client("c")
		stale := *c
		c.Scopes = []string{"new"}
		e.ok("update", e.UpdateClient(e.ctx, c))
		e.that("the version is counted up", c.Version > stale.Version)
		got, err := e.Client(e.ctx, e.realm, "c")
		e.ok("find", err)
		e.equal("client", got, c)
		e.is("update what was changed", e.UpdateClient(e.ctx, &stale), storage.ErrConflict)
		got, err = e.Client(e.ctx, e.realm, "c")
		e.ok("find", err)
		e.equal("client", got, c)
	}},
	{"clients/grants stay", "Changing or deleting a client ends no grants.", func(e *env) {
		c := e.client(clientID)
		g := e.newLogin()
		e.ok("update", e.UpdateClient(e.ctx, c))
		e.ok("delete", e.DeleteClient(e.ctx, e.realm, clientID))
		e.lives("a change of its client", g)
		e.is("find", e.findClient(clientID), storage.ErrNotFound)
		e.client(clientID)
		e.lives("a new client of that id", g)
	}},
	{"clients/list", "Clients lists the clients of a realm, each once.", func(e *env) {
		want := map[string]bool{}
		for i := range 100 {
			id := fmt.Sprintf("client-%03d", i)
			e.ok("create", e.CreateClient(e.ctx, &realm.Client{Realm: e.realm, ID: id, Created: time.Now()}))
			want[id] = true
		}
		e.in(e.realm + "/sub").client("below")
		for c, err := range e.Clients(e.ctx, e.realm) {
			e.ok("list", err)
			e.that("a client of the realm, once: "+c.ID, want[c.ID] && c.Realm == e.realm)
			delete(want, c.ID)
		}
		e.equal("clients not listed", len(want), 0)
	}},
}

func (e *env) client(id string) *realm.Client {
	c := &realm.Client{Realm: e.realm, ID: id, Enabled: true, Scopes: []string{"read"}, Created: storage.Trim(time.Now())}
	e.ok("create a client", e.CreateClient(e.ctx, c))
	got, err := e.Client(e.ctx, e.realm, id)
	e.ok("find a client", err)
	return got
}

func (e *env) findClient(id string) error {
	_, err := e.Client(e.ctx, e.realm, id)
	return err
}
