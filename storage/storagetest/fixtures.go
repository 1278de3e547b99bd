package storagetest

import (
	"crypto/rand"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// long is for what must not come to an end while a case runs.
const long = time.Hour

// clientID is the client of grants that a case makes no point of.
const clientID = "client"

// policy locks for an hour after n wrong passwords.
func policy(n int) realm.Lockout {
	return realm.Lockout{Threshold: n, Window: 24 * long, Duration: long, MaxDuration: 4 * long}
}

// user adds an owner with a name of its own, and gives it as the store does.
func (e *env) user(change ...func(*realm.User)) *realm.User {
	u := &realm.User{
		Realm: e.realm, ID: "id-" + unique(), Username: "user-" + unique(), PasswordHash: "$hash$1", Enabled: true,
		Attributes: map[string]string{"mail": "a@example.org"}, Created: storage.Trim(time.Now()),
	}
	for _, f := range change {
		f(u)
	}
	e.ok("create an owner", e.CreateUser(e.ctx, u))
	return e.read(u.Username)
}

func named(name string) func(*realm.User) { return func(u *realm.User) { u.Username = name } }

func (e *env) read(name string) *realm.User {
	u, err := e.UserByName(e.ctx, e.realm, name)
	e.ok("read an owner", err)
	return u
}

func (e *env) begin(name string, p realm.Lockout) storage.Begun {
	b, err := e.Begin(e.ctx, storage.Attempt{Realm: e.realm, Username: name, Policy: p, Hold: long})
	e.ok("begin", err)
	return b
}

// standing begins an attempt only to see how it stands.
func (e *env) standing(name string, p realm.Lockout) storage.Standing {
	b := e.begin(name, p)
	e.ok("give an attempt back", e.settle(b.Reservation, storage.Void))
	return b.Standing
}

func (e *env) reserve(name string, p realm.Lockout) storage.Reservation {
	b := e.begin(name, p)
	e.equal("standing", b.Standing, storage.Reserved)
	return b.Reservation
}

func (e *env) settle(r storage.Reservation, o storage.Outcome) error {
	return e.Finish(e.ctx, storage.Settlement{Reservation: r, Outcome: o})
}

// finish settles with more than an outcome.
func (e *env) finish(r storage.Reservation, o storage.Outcome, with ...func(*storage.Settlement)) error {
	s := storage.Settlement{Reservation: r, Outcome: o}
	for _, f := range with {
		f(&s)
	}
	return e.Finish(e.ctx, s)
}

// owner replaces the owner, if there is one, by a copy with changes.
func owner(change func(u *realm.User)) func(*storage.Settlement) {
	return func(s *storage.Settlement) {
		if s.Reservation.User != nil {
			s.Owner = s.Reservation.User.Clone()
			change(s.Owner)
		}
	}
}

func hash(h string) func(*storage.Settlement) {
	return owner(func(u *realm.User) { u.PasswordHash = h })
}

func with(g *storage.Grant) func(*storage.Settlement) {
	return func(s *storage.Settlement) { s.Grant = g }
}

func code(step uint64) func(*storage.Settlement) {
	return func(s *storage.Settlement) { s.CodeStep = step }
}

func ending(s *storage.Settlement)   { s.EndGrants = true }
func counting(s *storage.Settlement) { s.CountLogin = true }

// fail types a wrong password.
func (e *env) fail(name string, p realm.Lockout) {
	e.ok("settle a failure", e.settle(e.reserve(name, p), storage.Failure))
}

// grant makes a grant that fits a reservation, with no effect on the store.
func (e *env) grant(r storage.Reservation, change ...func(*storage.Grant)) *storage.Grant {
	now := storage.Trim(r.Clock())
	id := storage.NewGrantID(r.Realm, r.Username)
	g := &storage.Grant{
		ID: id, Realm: r.Realm, Username: r.Username, ClientID: clientID, Scopes: []string{"read", "write", "mail"},
		GrantType: "password", Journey: "login", Rule: "auth_chain", AuthLevel: 3, AuthTime: now, Address: "192.0.2.7",
		Properties: map[string]string{"k": "v"}, Seq: 1, HasRefresh: true,
		AccessExpires: now.Add(long), RefreshExpires: now.Add(24 * long), MaxExpires: now.Add(720 * long), KeepUntil: now.Add(24 * long),
		RefreshDigest: storage.DigestOf(append(id[:], 'r')), AccessDigest: storage.DigestOf(append(id[:], 'a')),
	}
	if r.User != nil {
		g.Subject = r.User.ID
	}
	for _, f := range change {
		f(g)
	}
	return g
}

// login logs an owner in and gives the grant.
func (e *env) login(name string, change ...func(*storage.Grant)) *storage.Grant {
	r := e.reserve(name, realm.Lockout{})
	g := e.grant(r, change...)
	e.ok("log in", e.Finish(e.ctx, storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g}))
	return g
}

// newLogin logs a new owner in.
func (e *env) newLogin(change ...func(*storage.Grant)) *storage.Grant {
	return e.login(e.user().Username, change...)
}

func (e *env) inspect(g *storage.Grant) *storage.Grant {
	v, err := e.Inspect(e.ctx, g.ID)
	e.ok("inspect", err)
	return v.Grant
}

func (e *env) alive(g *storage.Grant) bool {
	_, err := e.Inspect(e.ctx, g.ID)
	if err != nil {
		e.is("inspect", err, storage.ErrNotFound)
	}
	return err == nil
}

func (e *env) dead(what string, gs ...*storage.Grant) {
	for _, g := range gs {
		e.that(what+" ends the grant", !e.alive(g))
	}
}

func (e *env) lives(what string, gs ...*storage.Grant) {
	for _, g := range gs {
		e.that(what+" leaves the grant alone", e.alive(g))
	}
}

func (e *env) grantsOf(name string) []*storage.Grant {
	gs, err := e.GrantsOf(e.ctx, e.realm, name)
	e.ok("list an owner's grants", err)
	return gs
}

// step asks for the tokens that follow the current refresh token of a grant.
func step(g *storage.Grant, change ...func(*storage.RefreshStep)) storage.RefreshStep {
	r := storage.RefreshStep{
		ID: g.ID, Generation: g.Generation, Digest: g.RefreshDigest, Realm: g.Realm, ClientID: g.ClientID, Nonce: nonce(),
		Rotate: true, AccessLifetime: long, RefreshLifetime: 24 * long, ClientScopes: g.Scopes,
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func grace(d time.Duration) func(*storage.RefreshStep) {
	return func(r *storage.RefreshStep) { r.Grace = d }
}

func keep(r *storage.RefreshStep) { r.Rotate = false }

func nonce() (n [8]byte) {
	_, _ = rand.Read(n[:])
	return n
}

func (e *env) refresh(r storage.RefreshStep) storage.Refreshed {
	out, err := e.Refresh(e.ctx, r)
	e.ok("refresh", err)
	return out
}

// renew refreshes and gives the grant as it then is.
func (e *env) renew(r storage.RefreshStep) *storage.Grant {
	out := e.refresh(r)
	e.equal("outcome of a refresh", out.Outcome, storage.RefreshDone)
	return out.Grant
}

// revocation names an access token of a grant.
func revocation(g *storage.Grant, seq uint32) storage.Revocation {
	return storage.Revocation{
		ID: g.ID, Digest: g.AccessDigest, Access: true, Seq: seq, Realm: g.Realm, ClientID: g.ClientID,
	}
}

// refreshRevocation names a refresh token of a grant.
func refreshRevocation(g *storage.Grant) storage.Revocation {
	return storage.Revocation{ID: g.ID, Digest: g.RefreshDigest, Realm: g.Realm, ClientID: g.ClientID}
}
