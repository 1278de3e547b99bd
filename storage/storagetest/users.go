package storagetest

import (
	"fmt"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

var userCases = []Case{
	{"users/create and find", "CreateUser adds an owner, found by name and by id; its Version and Login are ignored.", func(e *env) {
		want := &realm.User{
			Realm: e.realm, ID: "id-1", Username: "amélie", PasswordHash: "$h", Enabled: true, Expires: storage.Trim(time.Now().Add(long)),
			Source: "directory", PasswordSet: storage.Trim(time.Now()), Seed: []byte{0, 0xff, '$'},
			Attributes: map[string]string{"mail": "a@example.org", "": "x", "note": ""}, Created: storage.Trim(time.Now()),
			Version: 77, Login: realm.Login{Failures: 5, Consecutive: 99, LockedUntil: time.Now().Add(long), Logins: 3, CodeStep: 7},
		}
		e.ok("create", e.CreateUser(e.ctx, want))
		got := e.read("amélie")
		byID, err := e.UserByID(e.ctx, e.realm, "id-1")
		e.ok("find by id", err)
		e.equal("owner by id", byID, got)
		expect := *want
		expect.Version, expect.Login = got.Version, realm.Login{}
		e.equal("owner", got, &expect)
		off := e.user(func(u *realm.User) { u.Enabled, u.PasswordHash, u.Attributes = false, "", nil })
		e.that("a disabled one stays disabled", !off.Enabled && off.PasswordHash == "" && off.Expires.IsZero())
	}},
	{"users/not found", "UserByName, UserByID, UpdateUser and DeleteUser answer ErrNotFound for nobody.", func(e *env) {
		u := e.user()
		_, err := e.UserByName(e.ctx, e.realm, u.ID)
		e.is("an id is no name", err, storage.ErrNotFound)
		_, err = e.UserByID(e.ctx, e.realm, u.Username)
		e.is("a name is no id", err, storage.ErrNotFound)
		e.is("update nobody", e.UpdateUser(e.ctx, &realm.User{Realm: e.realm, Username: "nobody"}, false), storage.ErrNotFound)
		e.is("delete nobody", e.DeleteUser(e.ctx, e.realm, "nobody"), storage.ErrNotFound)
	}},
	{"users/unique", "ErrExists when the name or the id is taken in the realm; nothing is changed then.", func(e *env) {
		u := e.user()
		twin := *u
		twin.ID, twin.PasswordHash = "another", "$other"
		e.is("the same name", e.CreateUser(e.ctx, &twin), storage.ErrExists)
		_, err := e.UserByID(e.ctx, e.realm, "another")
		e.is("its id is not taken by that", err, storage.ErrNotFound)
		twin = *u
		twin.Username = "another"
		e.is("the same id", e.CreateUser(e.ctx, &twin), storage.ErrExists)
		_, err = e.UserByName(e.ctx, e.realm, "another")
		e.is("its name is not taken by that", err, storage.ErrNotFound)
		byID, err := e.UserByID(e.ctx, e.realm, u.ID)
		e.ok("find by id", err)
		e.equal("owner", byID, u)
		e.user(func(n *realm.User) { n.Username, n.ID = "another", "another" })
	}},
	{"users/update", "UpdateUser replaces everything but Realm, Username, ID, Created and Login.", func(e *env) {
		u := e.user()
		e.ok("log in", e.finish(e.reserve(u.Username, policy(9)), storage.Success, counting, code(7)))
		e.fail(u.Username, policy(9))
		login := e.read(u.Username).Login
		n := *u
		n.ID, n.Created = "id-new", time.UnixMilli(1)
		n.Login = realm.Login{Failures: 1000, Consecutive: 1000, Logins: 1000, CodeStep: 1000}
		n.PasswordHash, n.Enabled, n.Attributes = "$hash$2", false, map[string]string{"x": "y"}
		n.Expires, n.Source = storage.Trim(time.Now().Add(long)), "directory"
		n.PasswordSet, n.Seed = storage.Trim(time.Now()), []byte("sealed")
		e.ok("update", e.UpdateUser(e.ctx, &n, false))
		want := *u
		want.Login, want.Version = login, n.Version
		want.PasswordHash, want.Enabled, want.Attributes, want.Expires = "$hash$2", false, n.Attributes, n.Expires
		want.Source, want.PasswordSet, want.Seed = "directory", n.PasswordSet, []byte("sealed")
		e.equal("owner", e.read(u.Username), &want)
		_, err := e.UserByID(e.ctx, e.realm, "id-new")
		e.is("the id never changes", err, storage.ErrNotFound)
	}},
	{"users/version", "UpdateUser needs the stored Version (ErrConflict otherwise), and counts it up, also in u.", func(e *env) {
		stale, u := e.user(), &realm.User{}
		*u = *stale
		for range 3 {
			was := u.Version
			e.ok("update", e.UpdateUser(e.ctx, u, false))
			e.that("the version is counted up", u.Version > was)
			e.equal("version", e.read(u.Username).Version, u.Version)
		}
		want := e.read(u.Username)
		stale.PasswordHash, stale.Expires = "$stale", storage.Trim(time.Now())
		g := e.login(u.Username)
		e.is("update what was changed", e.UpdateUser(e.ctx, stale, true), storage.ErrConflict)
		want.Login = e.read(u.Username).Login
		e.equal("owner", e.read(u.Username), want)
		e.lives("a refused change", g)
	}},
	{"users/delete", "DeleteUser frees the name and the id, and ends the owner's grants.", func(e *env) {
		u := e.user()
		other := e.newLogin()
		g := e.login(u.Username)
		e.ok("delete", e.DeleteUser(e.ctx, e.realm, u.Username))
		e.dead("deleting the owner", g)
		e.equal("grants", len(e.grantsOf(u.Username)), 0)
		_, err := e.UserByName(e.ctx, e.realm, u.Username)
		e.is("find by name", err, storage.ErrNotFound)
		_, err = e.UserByID(e.ctx, e.realm, u.ID)
		e.is("find by id", err, storage.ErrNotFound)
		e.is("delete again", e.DeleteUser(e.ctx, e.realm, u.Username), storage.ErrNotFound)
		again := e.user(func(n *realm.User) { n.Username, n.ID = u.Username, u.ID })
		e.equal("account of attempts", again.Login, realm.Login{})
		e.dead("a new owner of that name", g)
		e.lives("deleting another owner", other)
	}},
	{"users/ending grants", "The owner's grants are ended in the same step when endGrants is set, and only then.", func(e *env) {
		u := e.user()
		g, h := e.login(u.Username), e.login(u.Username)
		other := e.newLogin()
		u = e.read(u.Username)
		e.ok("update", e.UpdateUser(e.ctx, u, false))
		e.lives("a change without endGrants", g, h)
		u.Enabled = false
		e.ok("disable", e.UpdateUser(e.ctx, u, true))
		e.dead("endGrants", g, h)
		e.equal("outcome of a refresh", e.refresh(step(g)).Outcome, storage.RefreshRefused)
		e.equal("grants", len(e.grantsOf(u.Username)), 0)
		e.lives("another owner's change", other)
	}},
	{"users/earlier end", "No grant outlives an earlier Expires of its owner, whatever the refreshes after it.", func(e *env) {
		u := e.user()
		never := func(g *storage.Grant) {
			g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.KeepUntil = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		}
		soon := func(g *storage.Grant) {
			g.MaxExpires = g.AuthTime.Add(time.Minute)
			g.AccessExpires, g.RefreshExpires, g.KeepUntil = g.MaxExpires, g.MaxExpires, g.MaxExpires
		}
		grants := []*storage.Grant{e.login(u.Username), e.login(u.Username, never)}
		short := e.login(u.Username, soon)
		u = e.read(u.Username)
		u.Expires = storage.Trim(time.Now().Add(30 * time.Minute))
		e.ok("let the account end", e.UpdateUser(e.ctx, u, false))
		e.equal("an end that is earlier still stays", e.inspect(short).MaxExpires, short.MaxExpires)
		for _, g := range grants {
			e.equal("end of the grant", e.inspect(g).MaxExpires, u.Expires)
			got := e.renew(step(g, func(r *storage.RefreshStep) { r.AccessLifetime, r.RefreshLifetime = realm.Never, 24*long }))
			e.equal("ends after a refresh", []time.Time{got.AccessExpires, got.RefreshExpires, got.MaxExpires}, []time.Time{u.Expires, u.Expires, u.Expires})
		}
		v, err := e.Inspect(e.ctx, short.ID)
		e.ok("inspect", err)
		u.Expires = storage.Trim(v.Now.Add(50 * time.Millisecond))
		e.ok("let the account end soon", e.UpdateUser(e.ctx, u, false))
		for _, g := range append(grants, short) {
			e.until("the grant ends with the account", 10*time.Second, func() bool { return !e.alive(g) })
		}
		e.equal("grants", len(e.grantsOf(u.Username)), 0)
	}},
	{"users/list", "Users lists the owners of a realm, each once; stopping early is no fault.", func(e *env) {
		want := map[string]bool{}
		for i := range 300 {
			name := fmt.Sprintf("user-%03d", i)
			e.ok("create", e.CreateUser(e.ctx, &realm.User{Realm: e.realm, Username: name, ID: name, Created: time.Now()}))
			want[name] = true
		}
		e.in(e.realm + "/sub").user()
		for u, err := range e.Users(e.ctx, e.realm) {
			e.ok("list", err)
			e.that("an owner of the realm, once: "+u.Username, want[u.Username] && u.Realm == e.realm)
			delete(want, u.Username)
			// What the list holds open must not stop a write.
			e.ok("unlock while listing", e.UnlockUser(e.ctx, e.realm, u.Username))
		}
		e.equal("owners not listed", len(want), 0)
		for range e.Users(e.ctx, e.realm) {
			break
		}
	}},
	{"users/copies", "A record that was read is the reader's own.", func(e *env) {
		u := e.user(func(u *realm.User) { u.Seed = []byte("sealed") })
		for range 2 {
			got := e.read(u.Username)
			e.equal("mail", got.Attributes["mail"], "a@example.org")
			e.equal("seed", string(got.Seed), "sealed")
			got.Attributes["mail"], got.Seed[0] = "changed", 'x'
			b := e.begin(u.Username, policy(9))
			e.equal("mail, as Begin read it", b.User.Attributes["mail"], "a@example.org")
			b.User.Attributes["mail"] = "changed"
		}
	}},
}
