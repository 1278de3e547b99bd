package server_test

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/server"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// setup is what a test wants otherwise. The zero value is usable.
type setup struct {
	baseURL string // "": baseURL
	proxies guard.Proxies
	wrap    func(storage.Store) storage.Store
	audit   io.Writer // nil: world.audit
	strict  bool
	pool    password.PoolOptions
	forget  bool          // what is logged and audited
	timeout time.Duration // 0: long, since the race detector is slow
}

// world is one server with everything below it, on a port of its own.
type world struct {
	t        testing.TB
	addr     string
	file     string // of the store
	clock    *clock
	hashes   *hashes
	store    storage.Store
	pool     *password.Pool
	provider *provider.Provider
	server   *server.Server
	log      *buffer
	audit    *buffer
}

func newWorld(t testing.TB, o setup) *world {
	t.Helper()
	w := &world{t: t, file: filepath.Join(t.TempDir(), "ropcd.db"), clock: &clock{}, hashes: &hashes{}, log: &buffer{}, audit: &buffer{}}
	must(t, os.WriteFile(w.file, seed(t), 0o600))
	w.store = value(bolt.Open(w.file, bolt.Options{Now: w.clock.now, Logger: slog.New(slog.DiscardHandler)}))(t)
	if o.wrap != nil {
		w.store = o.wrap(w.store)
	}
	var logged io.Writer = w.log
	if o.forget {
		logged, o.audit = io.Discard, io.Discard
	}
	if o.audit == nil {
		o.audit = w.audit
	}
	if o.baseURL == "" {
		o.baseURL = baseURL
	}
	if o.pool == (password.PoolOptions{}) {
		o.pool = password.PoolOptions{Cost: time.Millisecond}
	}
	if o.timeout == 0 {
		o.timeout = 10 * time.Second
	}
	w.pool = password.NewPool(o.pool)
	w.provider = provider.New(provider.Options{
		Store: w.store, Passwords: value(password.NewSet(w.hashes))(t), Pool: w.pool, Realms: value(provider.NewRealms(secrets(t), sources(t)))(t),
	})
	w.hashes.count.Store(0)
	logger := slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.server = server.New(server.Options{
		Provider: w.provider, Store: w.store, Audit: audit.New(o.audit, o.strict), Logger: logger, BaseURL: o.baseURL, Proxies: o.proxies,
		RequestTimeout: o.timeout,
	})
	w.serve()
	return w
}

// serve listens with the limits of pkg/ropcd/serve_listen.go.
func (w *world) serve() {
	w.t.Helper()
	l := value(net.Listen("tcp", "127.0.0.1:0"))(w.t)
	w.addr = l.Addr().String()
	s := &http.Server{
		Handler: w.server, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // ends with Close
	}()
	w.t.Cleanup(func() {
		_ = s.Close()
		<-done
		w.pool.Close()
		_ = w.store.Close()
	})
}

// secrets are the system secrets of every world.
func secrets(t testing.TB) *token.Secrets {
	t.Helper()
	return value(token.NewSecrets([]byte(strings.Repeat("k", token.MinSecret))))(t)
}

// hashes is the cheapest Argon2id there is, and counts.
type hashes struct {
	password.Argon2id
	count atomic.Int64
}

var cheap = password.Argon2id{Memory: 8, Iterations: 1, Parallelism: 1}

func (h *hashes) Verify(p []byte, encoded string) (bool, error) {
	h.count.Add(1)
	return cheap.Verify(p, encoded)
}

func (h *hashes) Hash(p []byte) (string, error) { h.count.Add(1); return cheap.Hash(p) }
func (h *hashes) Current(encoded string) bool   { return cheap.Current(encoded) }

// clock stands still unless it is moved.
type clock struct{ moved atomic.Int64 }

var start = time.Date(2026, 1, 2, 12, 0, 0, 1e6, time.UTC)

func (c *clock) now() time.Time       { return start.Add(time.Duration(c.moved.Load())) }
func (c *clock) move(d time.Duration) { c.moved.Add(int64(d)) }

// buffer is a bytes.Buffer for many writers.
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
