package bolt_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// ahead is a clock that a test puts forward.
type ahead struct{ by atomic.Int64 }

func (a *ahead) now() time.Time { return time.Now().Add(time.Duration(a.by.Load())) }

func clocked(a *ahead) func(*bolt.Options) {
	return func(o *bolt.Options) { o.Now, o.SweepEvery = a.now, time.Hour }
}

func TestSweeperDeletesWhatHasExpired(t *testing.T) {
	clock := &ahead{}
	s := open(t, file(t), clocked(clock))
	addUser(t, s, "amelie")
	addUser(t, s, "other")
	for range 300 {
		login(t, s, "amelie", time.Minute)
	}
	for range 5 {
		login(t, s, "other", time.Hour)
	}
	counts(t, s, 305)
	sweep(t, s)
	counts(t, s, 305)
	clock.by.Store(int64(2 * time.Minute))
	sweep(t, s)
	counts(t, s, 5)
	clock.by.Store(int64(2 * time.Hour))
	sweep(t, s)
	counts(t, s, 0)
}

func TestSweeperFollowsAGrantThatLivesLonger(t *testing.T) {
	clock := &ahead{}
	s := open(t, file(t), clocked(clock))
	addUser(t, s, "amelie")
	r := begin(t, s, "amelie", realm.Lockout{}).Reservation
	g := newGrant(r, time.Minute)
	g.MaxExpires = time.Time{}
	if err := s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g}); err != nil {
		t.Fatal(err)
	}
	out, err := s.Refresh(t.Context(), storage.RefreshStep{
		ID: g.ID, Digest: g.RefreshDigest, Realm: alpha, ClientID: g.ClientID, Rotate: true,
		AccessLifetime: time.Hour, RefreshLifetime: time.Hour, ClientScopes: g.Scopes,
	})
	if err != nil || out.Outcome != storage.RefreshDone {
		t.Fatal(out.Outcome, err)
	}
	counts(t, s, 1)
	clock.by.Store(int64(2 * time.Minute))
	sweep(t, s)
	counts(t, s, 1)
	clock.by.Store(int64(2 * time.Hour))
	sweep(t, s)
	counts(t, s, 0)
}

func TestSweeperDeletesGrantsOfPastEpochs(t *testing.T) {
	path := file(t)
	s := open(t, path, clocked(&ahead{}))
	addUser(t, s, "amelie")
	for range 300 {
		login(t, s, "amelie", time.Hour)
	}
	sweep(t, s)
	if err := s.EndClient(t.Context(), alpha, "client"); err != nil {
		t.Fatal(err)
	}
	login(t, s, "amelie", time.Hour)
	counts(t, s, 301)
	sweep(t, s)
	counts(t, s, 1)
	if err := s.EndRealm(t.Context(), alpha); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, clocked(&ahead{}))
	sweep(t, s)
	counts(t, s, 0)
}

func TestSweeperCountsAttemptsThatNobodySettled(t *testing.T) {
	clock := &ahead{}
	s := open(t, file(t), clocked(clock))
	addUser(t, s, "amelie")
	for _, name := range []string{"amelie", "nobody"} {
		begin(t, s, name, policy)
		begin(t, s, name+"-else", policy)
	}
	if n := s.Held(); n != 4 {
		t.Errorf("%d accounts in memory, want 4", n)
	}
	clock.by.Store(int64(2 * time.Minute))
	sweep(t, s)
	if n := s.Held(); n != 0 {
		t.Errorf("%d accounts in memory, want none", n)
	}
	for _, name := range []string{"amelie", "nobody", "nobody-else"} {
		if b := begin(t, s, name, policy); b.Standing != storage.Locked {
			t.Errorf("standing of %s: %v", name, b.Standing)
		}
	}
}

func TestSweeperRunsByItself(t *testing.T) {
	s := open(t, file(t), func(o *bolt.Options) { o.SweepEvery = 2 * time.Millisecond })
	addUser(t, s, "amelie")
	login(t, s, "amelie", 20*time.Millisecond)
	for end := time.Now().Add(10 * time.Second); s.Count("grants") > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not")
		}
	}
}

// What a list reads it must not hold: what is added behind the page being read is seen.
func TestListsHoldNoTransaction(t *testing.T) {
	s := open(t, file(t))
	for i := range 260 {
		addUser(t, s, fmt.Sprintf("%03d", i))
	}
	n := 0
	for _, err := range s.Users(t.Context(), alpha) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			addUser(t, s, "zzz")
		}
	}
	if n != 261 {
		t.Errorf("%d owners, want 261", n)
	}
}

func sweep(t *testing.T, s *bolt.Store) {
	t.Helper()
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// counts expects as many grants in each of the buckets that they are in.
func counts(t *testing.T, s *bolt.Store, want int) {
	t.Helper()
	for _, bucket := range []string{"grants", "owned", "ends"} {
		if n := s.Count(bucket); n != want {
			t.Errorf("%d records in %s, want %d", n, bucket, want)
		}
	}
}
