package provider_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// store is a storage.Store of clients alone.
type store struct {
	storage.Store
	mu      sync.Mutex
	clients map[[2]string]*realm.Client
	fault   error
	reads   atomic.Int64
}

func (s *store) Client(_ context.Context, realmKey, id string) (*realm.Client, error) {
	s.reads.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		return nil, s.fault
	}
	c, ok := s.clients[[2]string{realmKey, id}]
	if !ok {
		return nil, storage.ErrNotFound
	}
	return c, nil
}

func (s *store) put(c realm.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients == nil {
		s.clients = map[[2]string]*realm.Client{}
	}
	s.clients[[2]string{c.Realm, c.ID}] = &c
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

// slow is a password hash that costs nothing but is counted.
type slow struct{ verified *atomic.Int64 }

const slowPrefix = "$slow$"

func (slow) Name() string                      { return "slow" }
func (slow) Matches(encoded string) bool       { return strings.HasPrefix(encoded, slowPrefix) }
func (slow) Hash(input []byte) (string, error) { return slowPrefix + string(input), nil }
func (slow) Current(string) bool               { return true }
func (h slow) Verify(p []byte, e string) (bool, error) {
	h.verified.Add(1)
	return e == slowPrefix+string(p), h.Check(e)
}

func (slow) Check(encoded string) error {
	if encoded == slowPrefix {
		return password.ErrHash
	}
	return nil
}

// site is a provider with the realms /alpha and /beta, on a store that is a fake.
type site struct {
	*provider.Provider
	store    *store
	verified *atomic.Int64 // slow hashes
	pool     *password.Pool
}

func newSite(t testing.TB, static ...*realm.Client) *site {
	t.Helper()
	s := &site{store: &store{}, verified: new(atomic.Int64), pool: password.NewPool(password.PoolOptions{})}
	t.Cleanup(s.pool.Close)
	set, err := password.NewSet(slow{s.verified})
	if err != nil {
		t.Fatal(err)
	}
	s.Provider = provider.New(provider.Options{Store: s.store, Passwords: set, Pool: s.pool, Realms: realms(t, static...)})
	return s
}

// realms are /alpha, with the static clients, and /beta.
func realms(t testing.TB, static ...*realm.Client) *provider.Realms {
	t.Helper()
	secrets, err := token.NewSecrets(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	var sources []provider.Source
	for _, path := range []realm.Path{"/alpha", "/beta"} {
		sources = append(sources, provider.Source{Realm: &realm.Realm{Path: path, Active: true, Provider: &realm.Provider{}}})
	}
	sources[0].Realm.Clients = static
	sources[0].Realm.Aliases = []string{"alpha.example", "[2001:db8::1]", "192.0.2.7"}
	r, err := provider.NewRealms(secrets, sources)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// authenticate asks in a realm with Authorization headers and a form, and gives the trace too.
func (s *site) authenticate(t testing.TB, realmKey string, headers []string, form url.Values) (ropc.Client, ropc.Trace, error) {
	t.Helper()
	r, ok := s.Current().Realm(realmKey)
	if !ok {
		t.Fatalf("no realm %s", realmKey)
	}
	var trace ropc.Trace
	ctx := ropc.NewContext(t.Context(), &ropc.Site{Realm: r, Trace: &trace})
	c, err := s.AuthenticateClient(ctx, &http.Request{Header: http.Header{"Authorization": headers}}, form)
	return c, trace, err
}

func basic(id, secret string) []string {
	return []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}
}

func encoded(id, secret string) []string { return basic(url.QueryEscape(id), url.QueryEscape(secret)) }

// post is a form with credentials in it.
func post(pairs ...string) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// confidential is an enabled client of /alpha with a generated secret.
func confidential(id, secret string) realm.Client {
	return realm.Client{Realm: "/alpha", ID: id, SecretHash: password.HashSecret("/alpha", id, secret), Enabled: true}
}

// chosen is one with a secret that somebody chose.
func chosen(id, secret string) realm.Client {
	return realm.Client{Realm: "/alpha", ID: id, SecretHash: slowPrefix + secret, Enabled: true}
}
