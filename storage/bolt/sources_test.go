package bolt_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// Who fails must not learn, from what it costs the disk, whether a place is known: one commit of as many pages and bytes is
// written whichever account judges, locked or not, and whether the name is anybody's. The three kinds of accounts stand in
// trees of their own, here of the same height: a level more is a page more in the same commit. So is a page that overflows,
// which a name's first failure of all may bring about, wherever its random slot is: it lies back here.
func TestKnownSourcesCostTheSame(t *testing.T) {
	var passed atomic.Int64
	s := open(t, file(t), func(o *bolt.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	})
	addUser(t, s, "amelie")
	knowEverywhere(t, s, "amelie")
	var wg sync.WaitGroup // many at once share commits
	for i := range 60 {
		wg.Go(func() {
			name := fmt.Sprint("other-", i)
			addUser(t, s, name)
			knowEverywhere(t, s, name)
			for n := range 4 {
				fail(t, s, fmt.Sprint("nobody-", i, "-", n), 1, storage.Reserved)
			}
		})
	}
	wg.Wait()
	fail(t, s, "nobody", 1, storage.Reserved)
	passed.Store(int64(2 * lockTwice.Window))
	w := written(t, s)
	for i, want := range []storage.Standing{storage.Reserved, storage.Reserved, storage.Locked, storage.Locked} {
		known := w.of(func() { fail(t, s, "amelie", storage.MaxSources, want) })
		away := w.of(func() { fail(t, s, "amelie", 99, want) })
		nobody := w.of(func() { fail(t, s, "nobody", 1, want) })
		if known.commits != 1 || known != away || known != nobody {
			t.Errorf("attempt %d: known %v, away %v, nobody %v", i+1, known, away, nobody)
		}
	}
}

// knowEverywhere logs an owner in at as many places as are remembered.
func knowEverywhere(t *testing.T, s storage.Store, name string) {
	t.Helper()
	for n := range byte(storage.MaxSources) {
		r := beginAt(t, s, name, n+1, lockTwice).Reservation
		if err := s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Success}); err != nil {
			t.Error(err)
		}
	}
}

var lockTwice = realm.Lockout{Threshold: 2, Window: time.Hour, Duration: time.Hour, MaxDuration: time.Hour}

// beginAt is begin at the n-th place.
func beginAt(t *testing.T, s storage.Store, name string, n byte, p realm.Lockout) storage.Begun {
	t.Helper()
	b, err := s.Begin(t.Context(), storage.Attempt{Realm: alpha, Username: name, Policy: p, Hold: time.Minute, Source: storage.Source{n}})
	if err != nil {
		t.Error(err)
	}
	return b
}

// fail is an attempt with a wrong password at the n-th place.
func fail(t *testing.T, s storage.Store, name string, n byte, want storage.Standing) {
	t.Helper()
	b := beginAt(t, s, name, n, lockTwice)
	if b.Standing != want {
		t.Errorf("%s at %d: standing %v, want %v", name, n, b.Standing, want)
	}
	if err := s.Finish(t.Context(), storage.Settlement{Reservation: b.Reservation, Outcome: storage.Failure}); err != nil {
		t.Error(err)
	}
}

// cost is what commits have written.
type cost struct{ commits, pages, bytes int64 }

// meter is what the commits of a store cost.
type meter struct {
	mu sync.Mutex
	cost
}

func written(t *testing.T, s *bolt.Store) *meter {
	t.Helper()
	m := &meter{}
	if err := s.OnWritten(t.Context(), func(pages, bytes int64) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.commits++
		m.pages += pages
		m.bytes += bytes
	}); err != nil {
		t.Fatal(err)
	}
	return m
}

// of is what f costs.
func (m *meter) of(f func()) cost {
	m.mu.Lock()
	m.cost = cost{}
	m.mu.Unlock()
	f()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cost
}
