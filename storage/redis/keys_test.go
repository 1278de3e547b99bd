package redis_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// kindOf is the kind of a key: prefix:{tag}:kind:rest.
func kindOf(key string) string {
	_, rest, _ := strings.Cut(key, "}:")
	kind, _, _ := strings.Cut(rest, ":")
	return kind
}

func TestEveryKeyHasItsLife(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	s := open(t, server.Addr())
	ctx := t.Context()
	everything(t, s)
	addUser(t, s, "bob")
	ok(t, "create", s.CreateClient(ctx, newClient("c")))
	g := login(t, s, "bob")
	_, err := s.Refresh(ctx, refreshStep(g))
	ok(t, "refresh", err)
	ok(t, "log in", s.Finish(ctx, storage.Settlement{Reservation: reserveAt(t, s, "bob", 1), Outcome: storage.Success}))
	reserve(t, s, "bob")
	reserve(t, s, "nobody")
	ok(t, "end", s.EndClient(ctx, alpha, "c"))
	ok(t, "end", s.EndRealm(ctx, "/beta"))
	ok(t, "ready", s.Ready(ctx))
	most := map[string]time.Duration{ // 0: none
		"u": 0, "k": 0, "id": 0, "c": 0, "e": 0, "g": 25 * time.Hour, "i": 25 * time.Hour, "r": 26 * time.Hour, "y": 26 * time.Hour,
		"x": 2 * time.Hour, "n": 10 * time.Second, "p": time.Minute, "s": 24 * time.Hour,
		"l": 20 * time.Minute,
	}
	seen := map[string]bool{}
	keys, err := c.Keys(ctx, "*").Result()
	ok(t, "keys", err)
	for _, k := range keys {
		kind := kindOf(k)
		seen[kind] = true
		life, known := most[kind]
		ttl, err := c.PTTL(ctx, k).Result()
		ok(t, "pttl", err)
		switch {
		case !known:
			t.Errorf("%q: unknown kind", k)
		case life == 0 && ttl != -1:
			t.Errorf("%q: life %v, want none", k, ttl)
		case life > 0 && (ttl <= 0 || ttl > life):
			t.Errorf("%q: life %v, want at most %v", k, ttl, life)
		}
	}
	for kind := range most {
		if !seen[kind] {
			t.Errorf("no key of kind %s", kind)
		}
	}
}

func TestGrantThatNeverEndsHasNoLife(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	s := open(t, server.Addr())
	addUser(t, s, "bob")
	login(t, s, "bob")
	r := reserve(t, s, "bob")
	g := newGrant(r)
	g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.KeepUntil = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	ok(t, "finish", s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g}))
	index := func() time.Duration {
		keys, err := c.Keys(t.Context(), "*}:i:*").Result()
		ok(t, "keys", err)
		return c.PTTL(t.Context(), keys[0]).Val()
	}
	if index() != -1 {
		t.Errorf("the index ends in %v, before a grant", index())
	}
	login(t, s, "bob")
	if index() != -1 {
		t.Errorf("the index ends in %v, before a grant", index())
	}
}

// hostile are names that would meet if keys were made carelessly.
var hostile = []string{
	"a", "a:b", ":", "{", "}", "{}", "{a}", "}:u:6:/alphaa", "a}", "*", "?", "[a]", `\`, "a b", "a\x00", "\x00", "6:/alphaa",
	"\r\n", "é", "a\n*1", "1:a", "a{000}", strings.Repeat("n", 256), "%00", "x:6:/alpha0",
}

func TestHostileNamesMeetNobody(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr(), prefix("p[*]?:\\"))
	realms := []string{"/", "/a", "/a:", "/a:b", "/{a}", alpha, "/*"}
	ctx := t.Context()
	for _, key := range realms {
		for _, name := range hostile {
			ok(t, "create", s.CreateUser(ctx, &realm.User{Realm: key, Username: name, ID: name, PasswordHash: key + "|" + name}))
			c := newClient(name)
			c.Realm, c.SecretHash = key, key+"|"+name
			ok(t, "create", s.CreateClient(ctx, c))
		}
	}
	for _, key := range realms {
		for _, name := range hostile {
			u, err := s.UserByID(ctx, key, name)
			ok(t, "by id", err)
			c, err := s.Client(ctx, key, name)
			ok(t, "client", err)
			if u.PasswordHash != key+"|"+name || c.SecretHash != key+"|"+name {
				t.Errorf("%q in %q is %q and %q", name, key, u.PasswordHash, c.SecretHash)
			}
			if _, err := s.UserByName(ctx, key+"x", name); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%q is in another realm: %v", name, err)
			}
		}
		var names, clients []string
		for u, err := range s.Users(ctx, key) {
			ok(t, "list", err)
			names = append(names, u.Username)
		}
		for c, err := range s.Clients(ctx, key) {
			ok(t, "list", err)
			clients = append(clients, c.ID)
		}
		want := slices.Sorted(slices.Values(hostile))
		slices.Sort(names)
		slices.Sort(clients)
		if !slices.Equal(names, want) || !slices.Equal(clients, want) {
			t.Errorf("realm %q has owners %q and clients %q", key, names, clients)
		}
	}
}

func TestHostileClientsHaveEpochsOfTheirOwn(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr())
	addUser(t, s, "alice")
	hostile := append([]string{""}, hostile...) // the realm itself, if keys were made carelessly
	for _, ended := range hostile {
		var gs []*storage.Grant
		for _, client := range hostile {
			r := reserve(t, s, "alice")
			g := newGrant(r)
			g.ClientID = client
			ok(t, "finish", s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g}))
			gs = append(gs, g)
		}
		ok(t, "end", s.EndClient(t.Context(), alpha, ended))
		for i, g := range gs {
			_, err := s.Inspect(t.Context(), g.ID)
			if errors.Is(err, storage.ErrNotFound) != (hostile[i] == ended) {
				t.Errorf("ended %q, and a grant of %q: %v", ended, hostile[i], err)
			}
		}
		ok(t, "end", s.EndUser(t.Context(), alpha, "alice"))
	}
}

// Names that belong to nobody are counted in a bounded number of accounts, which have a life.
func TestStrangersShareABoundedNumberOfAccounts(t *testing.T) {
	accounts := map[string]bool{}
	for i := range 60000 {
		accounts[redis.StrangerNumber([]byte("secret"), alpha, strconv.Itoa(i))] = true
	}
	if len(accounts) != 4096 {
		t.Errorf("60000 names share %d accounts of a bucket, want 4096", len(accounts))
	}
	server := redistest.Start(t)
	c, s := raw(t, server.Addr()), open(t, server.Addr())
	r, err := s.Begin(t.Context(), storage.Attempt{Realm: alpha, Username: "nobody", Hold: time.Minute})
	ok(t, "begin", err)
	ok(t, "fail", s.Finish(t.Context(), storage.Settlement{Reservation: r.Reservation, Outcome: storage.Failure}))
	keys, err := c.Keys(t.Context(), "*").Result()
	ok(t, "keys", err)
	for _, k := range keys {
		if life, err := c.PTTL(t.Context(), k).Result(); kindOf(k) != "x" || err != nil || life <= 0 {
			t.Errorf("%q is left, with a life of %v", k, life)
		}
	}
}

// Two names that share an account tell, by waiting for each other, that they belong to nobody. Without the secret nobody
// can work out which names do.
func TestStrangersThatShareAnAccountCantBeWorkedOut(t *testing.T) {
	first := redis.StrangerNumber([]byte("one secret"), alpha, "victim")
	var meet []string
	for i := 0; len(meet) < 20; i++ {
		if name := strconv.Itoa(i); redis.StrangerNumber([]byte("one secret"), alpha, name) == first {
			meet = append(meet, name)
		}
	}
	other := redis.StrangerNumber([]byte("another secret"), alpha, "victim")
	still := 0
	for _, name := range meet {
		if redis.StrangerNumber([]byte("another secret"), alpha, name) == other {
			still++
		}
	}
	if still > 2 {
		t.Errorf("%d of %d names share an account under another secret too", still, len(meet))
	}
}

func TestImpossibleOptionsAreRefused(t *testing.T) {
	one := []string{"127.0.0.1:1"}
	for what, o := range map[string]redis.Options{
		"no address":            {},
		"two single servers":    {Addrs: []string{"a:1", "b:1"}},
		"unknown mode":          {Mode: "ring", Addrs: one},
		"sentinel without name": {Mode: redis.ModeSentinel, Addrs: one},
		"name without sentinel": {Addrs: one, Sentinel: redis.Sentinel{MasterName: "m"}},
		"database in a cluster": {Mode: redis.ModeCluster, Addrs: one, DB: 1},
		"negative database":     {Addrs: one, DB: -1},
		"braces":                {Addrs: one, KeyPrefix: "a{b}"},
		"long prefix":           {Addrs: one, KeyPrefix: strings.Repeat("p", 65)},
		"negative timeout":      {Addrs: one, Timeout: -1},
		"negative replicas":     {Addrs: one, WaitReplicas: -1},
	} {
		if s, err := redis.Open(o); err == nil {
			_ = s.Close()
			t.Errorf("%s: opened", what)
		}
	}
}
