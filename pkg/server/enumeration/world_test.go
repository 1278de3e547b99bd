package enumeration_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/server"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

const (
	neverLocks             = "/open"
	locksAtOnce            = "/shut" // and for a day
	clientID, clientSecret = "app", "the-secret-of-the-application"
	// delayHeader says how much later the answer is to come. Every request has it.
	delayHeader = "X-Delay"
)

// patience is for everything that must not end because the machine is busy.
const patience = time.Minute

// world is one server on a port of its own.
type world struct {
	addr      string
	store     storage.Store
	passwords *password.Set
	audit     *lastLine
}

// newWorld serves from a store, with the preferred hasher first.
func newWorld(t testing.TB, store storage.Store, hashers []password.Hasher) *world {
	t.Helper()
	w := &world{store: store, passwords: value(password.NewSet(hashers[0], hashers[1:]...))(t), audit: &lastLine{}}
	pool := password.NewPool(password.PoolOptions{Cost: time.Millisecond})
	t.Cleanup(pool.Close)
	p := provider.New(provider.Options{
		Store: store, Passwords: w.passwords, Pool: pool,
		Realms: value(provider.NewRealms(secrets(t), sources(t)))(t),
	})
	w.serve(t, server.New(server.Options{
		Provider: p, Store: store, Audit: audit.New(w.audit, false), Logger: slog.New(slog.DiscardHandler),
		BaseURL: "https://as.example", RequestTimeout: patience,
	}))
	return w
}

func (w *world) serve(t testing.TB, h http.Handler) {
	t.Helper()
	l := value(net.Listen("tcp", "127.0.0.1:0"))(t)
	w.addr = l.Addr().String()
	s := &http.Server{Handler: late(h), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: patience}
	var done sync.WaitGroup
	done.Go(func() { _ = s.Serve(l) }) // ends with Close
	t.Cleanup(func() {
		_ = s.Close()
		done.Wait()
	})
}

// late answers as much later as the request says. It works instead of waiting: a timer may come a millisecond late.
func late(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		delay, _ := time.ParseDuration(r.Header.Get(delayHeader)) // 0s without one
		for time.Since(start) < delay {
		}
		h.ServeHTTP(w, r)
	})
}

// lockout is the policy of a realm.
func lockout(key string) realm.Lockout {
	p := realm.Lockout{Window: 48 * time.Hour, Duration: 24 * time.Hour, MaxDuration: 24 * time.Hour}
	if key == locksAtOnce {
		p.Threshold = 1
	}
	return p
}

func sources(t testing.TB) (list []provider.Source) {
	t.Helper()
	set, problems := journey.Build(map[string]journey.Definition{
		"PasswordGrant": {Enabled: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{
			"collect": {Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": "check", "no_credentials": "failure"}},
			"check":   {Type: "DataStoreDecision", Outcomes: map[string]string{"true": "success", "false": "failure"}},
		}},
	}, nodes.Table(), journey.Env{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, key := range []string{neverLocks, locksAtOnce} {
		list = append(list, provider.Source{Journeys: set, Realm: &realm.Realm{
			Path: realm.Path(key), Active: true, Issuer: "https://as.example" + key,
			Authentication: realm.Authentication{OrganizationAuthenticationConfiguration: "PasswordGrant", Lockout: lockout(key)},
			Provider: &realm.Provider{
				GrantTypes: []string{realm.GrantPassword}, AccessTokenLifetime: time.Hour, RefreshTokenLifetime: time.Hour,
				RefreshTokenMaxLifetime: realm.Never,
			},
			Clients: []*realm.Client{{
				Realm: key, ID: clientID, SecretHash: password.HashSecret(key, clientID, clientSecret), Enabled: true, Static: true,
				GrantTypes: []string{realm.GrantPassword}, Scopes: []string{"write"}, DefaultScopes: []string{"write"},
				TokenEndpointAuthMethod: realm.AuthAny,
			}},
		}})
	}
	return list
}

func secrets(t testing.TB) *token.Secrets {
	t.Helper()
	return value(token.NewSecrets([]byte(strings.Repeat("k", token.MinSecret))))(t)
}

// lock spends the one wrong password that a name has in locksAtOnce.
func (w *world) lock(ctx context.Context, name string) error {
	begun, err := w.store.Begin(ctx, storage.Attempt{Realm: locksAtOnce, Username: name, Policy: lockout(locksAtOnce), Hold: patience})
	if err != nil {
		return err
	}
	return w.store.Finish(ctx, storage.Settlement{Reservation: begun.Reservation, Outcome: storage.Failure})
}

// lastLine keeps what was written last.
type lastLine struct {
	mu   sync.Mutex
	line []byte
}

func (l *lastLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = append(l.line[:0], p...)
	return len(p), nil
}

func (l *lastLine) hasReason(reason string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.line, []byte(`"reason":"`+reason+`"`))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// value is what a constructor made, for tests that can't go on without it.
func value[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return v
	}
}
