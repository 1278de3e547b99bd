package redis_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
)

const (
	alpha    = "/alpha"
	clientID = "0b8f4f6e-6a8e-4a36-9f3e-6d1c2f7a9b01"
)

var lockout = realm.Lockout{
	Threshold: 5, Window: time.Hour, Duration: time.Minute, MaxDuration: time.Hour, StopAfter: 100,
}

func owner(name string) *realm.User {
	return &realm.User{Realm: alpha, ID: "id of " + name, Username: name, PasswordHash: "$hash", Enabled: true, Created: storage.Trim(time.Now())}
}

func ok(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func addUser(t testing.TB, s *redis.Store, name string) {
	t.Helper()
	ok(t, "create an owner", s.CreateUser(t.Context(), owner(name)))
}

func attempt(name string) storage.Attempt {
	return storage.Attempt{Realm: alpha, Username: name, Policy: lockout, Hold: time.Minute}
}

func reserve(t testing.TB, s *redis.Store, name string) storage.Reservation {
	t.Helper()
	b, err := s.Begin(t.Context(), attempt(name))
	ok(t, "begin", err)
	if b.Standing != storage.Reserved {
		t.Fatalf("standing %d", b.Standing)
	}
	return b.Reservation
}

// reserveAt is reserve at the n-th place.
func reserveAt(t testing.TB, s *redis.Store, name string, n byte) storage.Reservation {
	t.Helper()
	a := attempt(name)
	a.Source = storage.Source{n}
	b, err := s.Begin(t.Context(), a)
	ok(t, "begin", err)
	if b.Standing != storage.Reserved {
		t.Fatalf("standing %d", b.Standing)
	}
	return b.Reservation
}

func newGrant(r storage.Reservation) *storage.Grant {
	id := storage.NewGrantID(r.Realm, r.Username)
	now := storage.Trim(r.Clock())
	return &storage.Grant{
		ID: id, Realm: r.Realm, Username: r.Username, Subject: "3f1c2f7a-9b01-4a36-9f3e-0b8f4f6e6a8e", ClientID: clientID,
		Scopes: []string{"openid", "profile", "mail"}, GrantType: "password", Journey: "PasswordGrant", Rule: "realm", AuthTime: now,
		Address: "192.0.2.7", Seq: 1, HasRefresh: true, AccessExpires: now.Add(time.Hour), RefreshExpires: now.Add(24 * time.Hour),
		MaxExpires: now.Add(240 * time.Hour), KeepUntil: now.Add(24 * time.Hour),
		RefreshDigest: storage.DigestOf(id[:]), AccessDigest: storage.DigestOf(id[2:]),
	}
}

func login(t testing.TB, s *redis.Store, name string) *storage.Grant {
	t.Helper()
	r := reserve(t, s, name)
	g := newGrant(r)
	ok(t, "finish", s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g}))
	return g
}

// effects settles with all that a settlement can ask for.
func effects(r storage.Reservation, o storage.Outcome, step uint64) storage.Settlement {
	next := r.User.Clone()
	next.PasswordHash += "+"
	return storage.Settlement{
		Reservation: r, Outcome: o, Owner: next, EndGrants: true, CountLogin: true, CodeStep: step, Grant: newGrant(r),
	}
}

func refreshStep(g *storage.Grant) storage.RefreshStep {
	r := storage.RefreshStep{
		ID: g.ID, Generation: g.Generation, Digest: g.RefreshDigest, Realm: g.Realm, ClientID: g.ClientID, Rotate: true,
		AccessLifetime: time.Hour, RefreshLifetime: 24 * time.Hour, ClientScopes: g.Scopes,
	}
	_, _ = rand.Read(r.Nonce[:])
	return r
}

func revocation(g *storage.Grant, access bool) storage.Revocation {
	r := storage.Revocation{ID: g.ID, Digest: g.RefreshDigest, Realm: g.Realm, ClientID: g.ClientID}
	if access {
		r.Digest, r.Access, r.Seq = g.AccessDigest, true, g.Seq
	}
	return r
}

func newClient(id string) *realm.Client {
	return &realm.Client{Realm: alpha, ID: id, Enabled: true, Scopes: []string{"mail"}, Created: storage.Trim(time.Now())}
}

func lockoutOf(threshold int) realm.Lockout {
	p := lockout
	p.Threshold = threshold
	return p
}

// limits are those of a client and a user through it, with two and nine places, and of an address with two.
func limits() (client, user, address storage.Charge) {
	two := realm.Limit{Requests: 2, Per: 10 * time.Minute}
	client = storage.Charge{Layer: storage.LayerClient, Realm: alpha, Party: clientID, Limit: two}
	user = storage.Charge{
		Layer: storage.LayerUserClient, Realm: alpha, Party: clientID, Username: "alice",
		Limit: realm.Limit{Requests: 9, Per: 10 * time.Minute},
	}
	return client, user, storage.Charge{Layer: storage.LayerAddress, Realm: alpha, Party: "192.0.2.7", Limit: two}
}
