package bolt_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
	"github.com/ropcd/ropcd/storage/storagetest"
)

var quiet = slog.New(slog.DiscardHandler)

// TestMain is also the other process of some tests: see child_test.go.
func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		child(path)
		return
	}
	os.Exit(m.Run())
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "data", "ropcd.db") }

// open opens a store that is closed with the test.
func open(t testing.TB, path string, change ...func(*bolt.Options)) *bolt.Store {
	t.Helper()
	o := bolt.Options{Logger: quiet}
	for _, f := range change {
		f(&o)
	}
	s, err := bolt.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestStoreKeepsTheContract(t *testing.T) {
	var path string // of the store opened last
	storagetest.Run(t, func(t *testing.T) storage.Store {
		path = file(t)
		return open(t, path)
	}, storagetest.Options{
		Reopen: func(t *testing.T, s storage.Store) storage.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, path)
		},
		Plant: func(t *testing.T, s storage.Store, id storage.GrantID, record []byte) {
			if err := s.(*bolt.Store).SetGrant(t.Context(), id, record); err != nil {
				t.Fatal(err)
			}
		},
		Clock: func(t *testing.T) (storage.Store, func(time.Duration)) {
			clock := &ahead{}
			return open(t, file(t), clocked(clock)), func(by time.Duration) { clock.by.Store(int64(by)) }
		},
	})
}

const alpha = "/alpha"

var policy = realm.Lockout{Threshold: 1, Window: time.Hour, Duration: time.Hour, MaxDuration: time.Hour}

func addUser(t testing.TB, s storage.Store, name string) {
	t.Helper()
	u := &realm.User{Realm: alpha, Username: name, ID: "id-" + name, PasswordHash: "$h", Enabled: true, Created: time.Now()}
	if err := s.CreateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

func begin(t testing.TB, s storage.Store, name string, p realm.Lockout) storage.Begun {
	t.Helper()
	b, err := s.Begin(t.Context(), storage.Attempt{Realm: alpha, Username: name, Policy: p, Hold: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newGrant(r storage.Reservation, life time.Duration) *storage.Grant {
	end := storage.Trim(r.Now.Add(life))
	id := storage.NewGrantID(r.Realm, r.Username)
	return &storage.Grant{
		ID: id, Realm: r.Realm, Username: r.Username, Subject: "id-" + r.Username, ClientID: "client", Scopes: []string{"read"},
		GrantType: "password", AuthTime: storage.Trim(r.Now), Seq: 1, HasRefresh: true,
		AccessExpires: end, RefreshExpires: end, MaxExpires: end, KeepUntil: end, RefreshDigest: storage.DigestOf(id[:]),
	}
}

func login(t testing.TB, s storage.Store, name string, life time.Duration) *storage.Grant {
	t.Helper()
	r := begin(t, s, name, realm.Lockout{}).Reservation
	g := newGrant(r, life)
	if err := s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g}); err != nil {
		t.Fatal(err)
	}
	return g
}

// BenchmarkLogin is a whole login: Begin reads, Finish is one commit. The parallel one shows what a commit that is
// shared is worth.
func BenchmarkLogin(b *testing.B) {
	for _, parallel := range []int{1, 64} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			s := open(b, file(b))
			addUser(b, s, "amelie")
			each(b, parallel, func() { login(b, s, "amelie", time.Hour) })
		})
	}
}

// BenchmarkRefresh is one rotation, or rather a refresh that keeps the token: one commit.
func BenchmarkRefresh(b *testing.B) {
	for _, parallel := range []int{1, 64} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			s := open(b, file(b))
			addUser(b, s, "amelie")
			g := login(b, s, "amelie", time.Hour)
			r := storage.RefreshStep{ID: g.ID, Digest: g.RefreshDigest, Realm: g.Realm, ClientID: g.ClientID, ClientScopes: g.Scopes}
			each(b, parallel, func() {
				if out, err := s.Refresh(b.Context(), r); err != nil || out.Outcome != storage.RefreshDone {
					b.Errorf("refresh: %v, %v", out.Outcome, err)
				}
			})
		})
	}
}

// BenchmarkInspect reads a grant.
func BenchmarkInspect(b *testing.B) {
	s := open(b, file(b))
	addUser(b, s, "amelie")
	g := login(b, s, "amelie", time.Hour)
	for b.Loop() {
		if _, err := s.Inspect(b.Context(), g.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func each(b *testing.B, parallel int, f func()) {
	defer func() { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s") }()
	if parallel == 1 {
		for b.Loop() {
			f()
		}
		return
	}
	work := make(chan struct{})
	done := make(chan struct{})
	for range parallel {
		go func() {
			for range work {
				f()
			}
			done <- struct{}{}
		}()
	}
	b.ResetTimer()
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	for range parallel {
		<-done
	}
}
