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

// world is one server with everything below it, on a port of its own; on Redis it is two of them, as of two processes,
// which requests find in turn.
type world struct {
	t         testing.TB
	addrs     []string
	dialed    atomic.Uint64
	file      string // of the store, if it is one
	clock     *clock
	hashes    *hashes
	store     storage.Store
	pool      *password.Pool
	providers []*provider.Provider
	server    *server.Server
	log       *buffer
	audit     *buffer
}

func newWorld(t testing.TB, o setup) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{t: t}, hashes: &hashes{}, log: &buffer{}, audit: &buffer{}}
	if o.forget {
		o.audit = io.Discard
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
	realms := value(provider.NewRealms(secrets(t), sources(t)))(t)
	log := audit.New(o.audit, o.strict)
	for _, s := range w.stores() {
		if o.wrap != nil {
			s = o.wrap(s)
		}
		w.serve(s, realms, log, o)
	}
	w.hashes.count.Store(0)
	return w
}

// stores are one on a file, or two on Redis; all have the same in them.
func (w *world) stores() []storage.Store {
	w.t.Helper()
	if *onStore != "bolt" {
		return redisStores(w.t)
	}
	w.file = filepath.Join(w.t.TempDir(), "ropcd.db")
	must(w.t, os.WriteFile(w.file, seed(w.t), 0o600))
	return []storage.Store{value(bolt.Open(w.file, bolt.Options{Now: w.clock.now, Logger: slog.New(slog.DiscardHandler)}))(w.t)}
}

// serve makes a process of a store and listens with the limits of pkg/ropcd/serve_listen.go. The world's own store, provider
// and server are those of the first one.
func (w *world) serve(store storage.Store, realms *provider.Realms, trail *audit.Log, o setup) {
	w.t.Helper()
	var logged io.Writer = w.log
	if o.forget {
		logged = io.Discard
	}
	p := provider.New(provider.Options{Store: store, Passwords: value(password.NewSet(w.hashes))(w.t), Pool: w.pool, Realms: realms})
	h := server.New(server.Options{
		Provider: p, Store: store, Audit: trail, BaseURL: o.baseURL, Proxies: o.proxies, RequestTimeout: o.timeout,
		Logger: slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if w.store == nil {
		w.store, w.server = store, h
	}
	w.providers = append(w.providers, p)
	l := value(net.Listen("tcp", "127.0.0.1:0"))(w.t)
	w.addrs = append(w.addrs, l.Addr().String())
	s := &http.Server{
		Handler: h, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
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
		_ = store.Close()
	})
}

// swap gives all processes other realms.
func (w *world) swap(list []provider.Source) {
	w.t.Helper()
	for _, p := range w.providers {
		p.Swap(value(provider.NewRealms(secrets(w.t), list))(w.t))
	}
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
type clock struct {
	t     testing.TB
	moved atomic.Int64
}

// epoch is the time that the files of testdata tell.
var epoch = time.Date(2026, 1, 2, 12, 0, 0, 1e6, time.UTC)

// start is when all tests begin.
var start = epoch

func (c *clock) now() time.Time { return start.Add(time.Duration(c.moved.Load())) }

// move lets time pass. Redis has the only clock there is: a test on it ends here, and what it has seen so far holds.
func (c *clock) move(d time.Duration) {
	c.t.Helper()
	if *onStore != "bolt" {
		c.t.SkipNow()
	}
	c.moved.Add(int64(d))
}

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
