package storagetest

import (
	"strings"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const ruleIsolation = "Realms, owners and clients are named by their exact strings: what is done to one is not done to another."

// odd are names whose parts could be confused by careless keys.
var odd = []string{
	"a", "A", "a:b", "b", "{a}", "a}b{", "{", "a/b", "b/c", "/", ":", "::", "*", "?", "[a]", "\\", "%00", "%s", "1:a", "a b", " a", "a\tb", "ü", "u\u0308", "名前", "a,b",
	strings.Repeat("n", realm.MaxUsername), strings.Repeat("n", realm.MaxUsername-1) + ":",
}

// realms are keys below the case's own whose joins with a name could be confused.
func (e *env) realms() []string { return []string{e.realm, e.realm + "/a", e.realm + "/a/b"} }

var isolationCases = []Case{
	{"isolation/owners", ruleIsolation, func(e *env) {
		id := func(realmKey, name string) string { return realmKey + "|" + name }
		e.eachName(func(e *env, name string) {
			e.user(func(u *realm.User) {
				u.Username, u.ID, u.PasswordHash = name, name, id(e.realm, name)
			})
		})
		e.eachName(func(e *env, name string) {
			e.equal("owner by name", e.read(name).PasswordHash, id(e.realm, name))
			u, err := e.UserByID(e.ctx, e.realm, name)
			e.ok("find by id", err)
			e.equal("owner by id", u.PasswordHash, id(e.realm, name))
		})
		for _, key := range e.realms() {
			n := 0
			for u, err := range e.Users(e.ctx, key) {
				e.ok("list", err)
				e.equal("owner in the list", u.PasswordHash, id(key, u.Username))
				n++
			}
			e.equal("owners in the list", n, len(odd))
		}
		a := e.in(e.realm + "/a")
		e.ok("delete one", a.DeleteUser(e.ctx, a.realm, "b/c"))
		e.in(e.realm + "/a/b").read("b/c")
		e.in(e.realm + "/a/b").read("b")
		e.read("b/c")
	}},
	{"isolation/attempts", ruleIsolation, func(e *env) {
		for _, known := range []bool{true, false} {
			e.eachName(func(e *env, name string) {
				if name = "n" + name; known {
					name = "k" + name
					e.user(named(name))
				}
			})
			prefix := map[bool]string{true: "kn", false: "n"}[known]
			mid := e.in(e.realm + "/a")
			mid.fail(prefix+"b", policy(1))
			mid.reserve(prefix+"a:b", policy(1))
			e.eachName(func(e *env, name string) {
				want := storage.Reserved
				switch {
				case e.realm == mid.realm && name == "b":
					want = storage.Locked
				case e.realm == mid.realm && name == "a:b":
					want = storage.Busy
				}
				e.equal("standing of "+name, e.standing(prefix+name, policy(1)), want)
			})
		}
	}},
	{"isolation/grants", ruleIsolation, func(e *env) {
		grants := map[string]*storage.Grant{}
		e.eachName(func(e *env, name string) {
			e.user(func(u *realm.User) { u.Username, u.ID = name, name })
			grants[e.realm+"|"+name] = e.login(name, func(g *storage.Grant) { g.ClientID = name })
		})
		mid := e.in(e.realm + "/a")
		ended := map[string]bool{}
		end := func(name string, err error) {
			e.ok("end", err)
			ended[mid.realm+"|"+name] = true
		}
		end("b", e.EndUser(e.ctx, mid.realm, "b"))
		end("b/c", e.EndClient(e.ctx, mid.realm, "b/c"))
		end("a:b", e.EndClient(e.ctx, mid.realm, "a:b"))
		e.ok("end the grants of a client without a name", e.EndClient(e.ctx, mid.realm, ""))
		e.until("they are dead", soon, func() bool { return !e.alive(grants[mid.realm+"|b/c"]) && !e.alive(grants[mid.realm+"|a:b"]) })
		e.eachName(func(e *env, name string) {
			key := e.realm + "|" + name
			e.equal("alive: "+key, e.alive(grants[key]), !ended[key])
			if !ended[key] {
				e.equal("grants of "+key, e.grantsOf(name), []*storage.Grant{grants[key]})
			}
		})
		e.ok("end a realm's", e.EndRealm(e.ctx, mid.realm))
		e.until("they are dead", soon, func() bool { return !e.alive(grants[mid.realm+"|a"]) })
		e.eachName(func(e *env, name string) {
			e.equal("alive: "+e.realm+"|"+name, e.alive(grants[e.realm+"|"+name]), e.realm != mid.realm)
		})
	}},
	{"isolation/clients", ruleIsolation, func(e *env) {
		e.eachName(func(e *env, name string) {
			e.ok("create", e.CreateClient(e.ctx, &realm.Client{Realm: e.realm, ID: name, SecretHash: e.realm + "|" + name}))
		})
		mid := e.in(e.realm + "/a")
		e.ok("delete one", mid.DeleteClient(e.ctx, mid.realm, "b/c"))
		e.eachName(func(e *env, name string) {
			if e.realm == mid.realm && name == "b/c" {
				e.is("find", e.findClient(name), storage.ErrNotFound)
				return
			}
			c, err := e.Client(e.ctx, e.realm, name)
			e.ok("find", err)
			e.equal("client", c.SecretHash, e.realm+"|"+name)
		})
	}},
}

// eachName calls f for each odd name in each realm.
func (e *env) eachName(f func(e *env, name string)) {
	for _, key := range e.realms() {
		for _, name := range odd {
			f(e.in(key), name)
		}
	}
}
