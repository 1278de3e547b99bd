package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// buffer is a bytes.Buffer for many at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// store is a real one, of which a test may replace single methods.
type store struct {
	storage.Store
	client       func(context.Context, string, string) (*realm.Client, error)
	createClient func(context.Context, *realm.Client) error
	updateClient func(context.Context, *realm.Client) error
	endClient    func(context.Context, string, string) error
	userByName   func(context.Context, string, string) (*realm.User, error)
	createUser   func(context.Context, *realm.User) error
	updateUser   func(context.Context, *realm.User, bool) error
	users        func(context.Context, string) iter.Seq2[*realm.User, error]
}

func or[F any](f F, set bool, own F) F {
	if set {
		return f
	}
	return own
}

func (s *store) Client(ctx context.Context, r, id string) (*realm.Client, error) {
	return or(s.client, s.client != nil, s.Store.Client)(ctx, r, id)
}

func (s *store) CreateClient(ctx context.Context, c *realm.Client) error {
	return or(s.createClient, s.createClient != nil, s.Store.CreateClient)(ctx, c)
}

func (s *store) UpdateClient(ctx context.Context, c *realm.Client) error {
	return or(s.updateClient, s.updateClient != nil, s.Store.UpdateClient)(ctx, c)
}

func (s *store) EndClient(ctx context.Context, r, id string) error {
	return or(s.endClient, s.endClient != nil, s.Store.EndClient)(ctx, r, id)
}

func (s *store) UserByName(ctx context.Context, r, name string) (*realm.User, error) {
	return or(s.userByName, s.userByName != nil, s.Store.UserByName)(ctx, r, name)
}

func (s *store) CreateUser(ctx context.Context, u *realm.User) error {
	return or(s.createUser, s.createUser != nil, s.Store.CreateUser)(ctx, u)
}

func (s *store) UpdateUser(ctx context.Context, u *realm.User, end bool) error {
	return or(s.updateUser, s.updateUser != nil, s.Store.UpdateUser)(ctx, u, end)
}

func (s *store) Users(ctx context.Context, r string) iter.Seq2[*realm.User, error] {
	return or(s.users, s.users != nil, s.Store.Users)(ctx, r)
}

// server is an admin API on a socket, with a real store behind it. Its realms are alpha, with the static client
// "batch", and bare, which has no provider.
type server struct {
	t        *testing.T
	store    *store
	provider *provider.Provider
	socket   string
	api      *admin.API
	audit    *buffer
	log      *buffer
	answers  *buffer // every byte that the API answered
}

func journeys(t *testing.T) *journey.Set {
	t.Helper()
	set, problems := journey.Build(map[string]journey.Definition{"PasswordGrant": {
		Enabled: true, Entry: "collect",
		Nodes: map[string]journey.NodeDefinition{
			"collect": {Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": "check", "no_credentials": "failure"}},
			"check":   {Type: "DataStoreDecision", Outcomes: map[string]string{"true": "success", "false": "failure"}},
		},
	}}, nodes.Table(), journey.Env{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return set
}

func realms(t *testing.T, set *journey.Set) *provider.Realms {
	t.Helper()
	secrets, err := token.NewSecrets(bytes.Repeat([]byte("system-secret-canary"), 2))
	if err != nil {
		t.Fatal(err)
	}
	out, err := provider.NewRealms(secrets, []provider.Source{
		{Journeys: set, Realm: &realm.Realm{
			Path: "/alpha", Active: true, Issuer: "https://example.org/oauth2/realms/root/realms/alpha",
			Authentication: realm.Authentication{
				OrganizationAuthenticationConfiguration: "PasswordGrant",
				Lockout:                                 realm.Lockout{Threshold: 5, Window: time.Hour, Duration: time.Hour, MaxDuration: time.Hour, StopAfter: 100},
			},
			Provider: &realm.Provider{
				GrantTypes: []string{"password", "refresh_token"}, PasswordGrantAuthenticationService: "[Empty]",
				AccessTokenLifetime: time.Hour, RefreshTokenLifetime: 7 * 24 * time.Hour, RefreshTokenMaxLifetime: realm.Never,
				IssueRefreshToken: true, IssueRefreshTokenOnRefresh: true, TokenInfo: true,
			},
			Clients: []*realm.Client{{
				Realm: "/alpha", ID: "batch", SecretHash: "static-hash-canary", Enabled: true, Static: true,
				GrantTypes: []string{"password"}, Scopes: []string{"write"}, TokenEndpointAuthMethod: realm.AuthAny,
			}},
		}},
		{Realm: &realm.Realm{Path: "/bare", Active: true, Issuer: "https://example.org/oauth2/realms/root/realms/bare"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// newServer serves an admin API until the test ends; change may alter its options.
func newServer(t *testing.T, change ...func(*admin.Options)) *server {
	t.Helper()
	passwords, err := password.NewSet(password.Argon2id{Memory: 1024, Iterations: 1, Parallelism: 1}, password.Bcrypt{})
	if err != nil {
		t.Fatal(err)
	}
	pool := password.NewPool(password.PoolOptions{Workers: 2, Cost: time.Millisecond})
	t.Cleanup(pool.Close)
	db, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"), bolt.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := &server{t: t, store: &store{Store: db}, audit: &buffer{}, log: &buffer{}, answers: &buffer{}, socket: socketPath(t)}
	s.provider = provider.New(provider.Options{Store: s.store, Passwords: passwords, Pool: pool, Realms: realms(t, journeys(t))})
	o := admin.Options{
		Store: s.store, Provider: s.provider, Passwords: passwords, Pool: pool, Version: "v0",
		Audit: audit.New(s.audit, false), Logger: slog.New(slog.NewJSONHandler(s.log, nil)), Seeds: sealer(t, "system-secret-canary"),
	}
	for _, f := range change {
		f(&o)
	}
	s.serve(admin.New(o))
	s.api = admin.Dial(s.socket)
	return s
}

// keyIDs are the ids of system secrets.
func keyIDs(t *testing.T, systemSecrets ...string) (ids []string) {
	t.Helper()
	for _, text := range systemSecrets {
		secrets, err := token.NewSecrets(bytes.Repeat([]byte(text), 2))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, fmt.Sprintf("%x", secrets.IDs()[0]))
	}
	return ids
}

// sealer seals under the first of some system secrets, and opens what was sealed under any of them.
func sealer(t *testing.T, systemSecrets ...string) *token.Sealer {
	t.Helper()
	var list [][]byte
	for _, text := range systemSecrets {
		list = append(list, bytes.Repeat([]byte(text), 2))
	}
	secrets, err := token.NewSecrets(list...)
	if err != nil {
		t.Fatal(err)
	}
	seeds, err := secrets.Sealer("one-time codes")
	if err != nil {
		t.Fatal(err)
	}
	return seeds
}

func (s *server) serve(h http.Handler) {
	s.t.Helper()
	l, err := admin.Listen(s.socket)
	if err != nil {
		s.t.Fatal(err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(tee{w, s.answers}, r)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = web.Serve(l) }()
	s.t.Cleanup(func() { _ = web.Close(); <-done })
}

// tee keeps what is answered.
type tee struct {
	http.ResponseWriter
	copy *buffer
}

func (w tee) Write(p []byte) (int, error) {
	_, _ = w.copy.Write(p)
	return w.ResponseWriter.Write(p)
}

// socketPath is short: a test's own folder may be too long for a socket.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "adm") //nolint:usetesting // t.TempDir is named after the test, which may be too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "run", "admin.sock")
}

// do asks for a verb that has to be done.
func do[Out any](s *server, verb string, in any) Out {
	s.t.Helper()
	out, err := admin.Do[Out](s.t.Context(), s.api, verb, in)
	if err != nil {
		s.t.Fatalf("%s: %v", verb, err)
	}
	return out
}

// all is a list that has to be whole.
func all[Item any](s *server, verb string, in any) (out []Item) {
	s.t.Helper()
	for item, err := range admin.List[Item](s.t.Context(), s.api, verb, in) {
		if err != nil {
			s.t.Fatalf("%s: %v", verb, err)
		}
		out = append(out, item)
	}
	return out
}

// refused asks for a verb that has to be refused with a code, and gives the description.
func (s *server) refused(code, verb string, in any) string {
	s.t.Helper()
	_, err := admin.Do[json.RawMessage](s.t.Context(), s.api, verb, in)
	var e *admin.Error
	if !errors.As(err, &e) || e.Code != code {
		s.t.Fatalf("%s: %v, want %s", verb, err, code)
	}
	return e.Description
}

// events are the audit log's.
func (s *server) events() (out []audit.Event) {
	s.t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(s.audit.String()), "\n") {
		if line == "" {
			continue
		}
		var e audit.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

var alpha = admin.InRealm{Realm: "alpha"}

func clientRef(id string) admin.ClientRef { return admin.ClientRef{InRealm: alpha, ID: id} }

func userRef(name string) admin.UserRef { return admin.UserRef{InRealm: alpha, Username: name} }

// newClient is a client that gets a generated secret.
func newClient(id string) admin.NewClient {
	return admin.NewClient{ClientRef: clientRef(id), ClientSettings: admin.ClientSettings{
		GrantTypes: []string{"password", "refresh_token"}, Scopes: []string{"read", "write"},
	}}
}

const userPassword = "user-password-canary"

// user makes a user with a password.
func (s *server) user(name string) admin.User {
	s.t.Helper()
	return do[admin.UserAnswer](s, "user/create", admin.NewUser{InRealm: alpha, Username: name, Password: userPassword}).User
}

// login makes a grant as the token endpoint does, and gives its id and tokens.
func (s *server) login(name, clientID string) (id storage.GrantID, access, refresh string) {
	s.t.Helper()
	begun := s.begin(name)
	now, secret := storage.Trim(begun.Reservation.Clock()), token.NewSecret()
	g := &storage.Grant{
		ID: storage.NewGrantID("/alpha", name), Realm: "/alpha", Username: name, Subject: begun.User.ID, ClientID: clientID,
		Scopes: []string{"write"}, GrantType: "password", Journey: "PasswordGrant", Rule: "realm", AuthTime: now,
		Address: "192.0.2.7", Seq: 1, HasRefresh: true, AccessExpires: now.Add(time.Hour), RefreshExpires: now.Add(24 * time.Hour),
		KeepUntil: now.Add(24 * time.Hour), RefreshDigest: secret.Digest(), AccessDigest: secret.Access().Digest(),
	}
	err := s.store.Finish(s.t.Context(), storage.Settlement{Reservation: begun.Reservation, Outcome: storage.Success, Grant: g})
	if err != nil {
		s.t.Fatal(err)
	}
	r, _ := s.provider.Current().Realm("/alpha")
	access = r.Keys.Write(token.Token{Kind: token.Access, Grant: g.ID, Number: 1, Secret: secret.Access(), Expires: g.AccessExpires, Scopes: 1})
	return g.ID, access, r.Keys.Write(token.Token{Kind: token.Refresh, Grant: g.ID, Secret: secret})
}

func (s *server) begin(name string) storage.Begun {
	s.t.Helper()
	r, _ := s.provider.Current().Realm("/alpha")
	begun, err := s.store.Begin(s.t.Context(), storage.Attempt{Realm: "/alpha", Username: name, Policy: r.Lockout, Hold: time.Minute})
	if err != nil {
		s.t.Fatal(err)
	}
	return begun
}

// fail types a wrong password.
func (s *server) fail(name string) {
	s.t.Helper()
	if err := s.store.Finish(s.t.Context(), storage.Settlement{Reservation: s.begin(name).Reservation, Outcome: storage.Failure}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) alive(id storage.GrantID) bool {
	s.t.Helper()
	_, err := s.store.Inspect(s.t.Context(), id)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		s.t.Fatal(err)
	}
	return err == nil
}
