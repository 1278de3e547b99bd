package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

var errDisk = errors.New("no space left on device")

// commits counts the commits of a store from now on.
func commits(t *testing.T, s *bolt.Store) *atomic.Int32 {
	t.Helper()
	n := &atomic.Int32{}
	if err := s.OnCommit(t.Context(), func(commit func() error) error {
		n.Add(1)
		return commit()
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// block stops the writer until release is called.
func block(t *testing.T, s *bolt.Store) (release func()) {
	t.Helper()
	in, out := make(chan struct{}), make(chan struct{})
	go func() { _ = s.Change(context.Background(), "block", func() { close(in); <-out }) }()
	<-in
	return sync.OnceFunc(func() { close(out) })
}

func queued(t *testing.T, s *bolt.Store, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); s.Queued() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d changes wait, want %d", s.Queued(), n)
		}
	}
}

func TestWhatWaitsSharesOneCommit(t *testing.T) {
	s := open(t, file(t))
	n := commits(t, s)
	release := block(t, s)
	defer release()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { addUser(t, s, fmt.Sprint(i)) })
	}
	queued(t, s, 50)
	release()
	wg.Wait()
	if got := n.Load(); got != 2 {
		t.Errorf("%d commits for the one under way and fifty that waited, want 2", got)
	}
	addUser(t, s, "alone")
	if got := n.Load(); got != 3 {
		t.Errorf("%d commits, want one more", got)
	}
}

func TestRefusedChangeDoesNotStopOthersOfItsBatch(t *testing.T) {
	s := open(t, file(t))
	addUser(t, s, "taken")
	release := block(t, s)
	defer release()
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() { addUser(t, s, fmt.Sprint(i)) })
		wg.Go(func() {
			if err := s.CreateUser(t.Context(), &realm.User{Realm: alpha, Username: "taken", ID: fmt.Sprint("x", i)}); !errors.Is(err, storage.ErrExists) {
				t.Errorf("create: %v", err)
			}
		})
	}
	queued(t, s, 20)
	release()
	wg.Wait()
	if n := s.Count("users"); n != 11 {
		t.Errorf("%d owners, want 11", n)
	}
}

func TestPanicFailsOneChangeOnly(t *testing.T) {
	s := open(t, file(t))
	release := block(t, s)
	defer release()
	var wg sync.WaitGroup
	wg.Go(func() { addUser(t, s, "before") })
	queued(t, s, 1)
	wg.Go(func() {
		if err := s.Change(t.Context(), "half", func() { panic("a bug") }); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("a change that panics: %v", err)
		}
	})
	queued(t, s, 2)
	wg.Go(func() { addUser(t, s, "after") })
	queued(t, s, 3)
	release()
	wg.Wait()
	if got := s.Changed(t.Context(), "half"); got != nil {
		t.Errorf("half of a change is there: %x", got)
	}
	if n := s.Count("users"); n != 2 {
		t.Errorf("%d owners, want 2", n)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
}

func TestChangeThatNobodyWaitsForIsSkipped(t *testing.T) {
	s := open(t, file(t))
	release := block(t, s)
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.CreateUser(ctx, &realm.User{Realm: alpha, Username: "late", ID: "late"}); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("create: %v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("answered after %v", d)
	}
	release()
	addUser(t, s, "other")
	if _, err := s.UserByName(t.Context(), alpha, "late"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("what nobody waited for: %v", err)
	}
}

func TestFailedCommitChangesNothingAndStoreRecovers(t *testing.T) {
	s := open(t, file(t))
	addUser(t, s, "amelie")
	r := begin(t, s, "amelie", policy).Reservation
	fail := storage.Settlement{Reservation: r, Outcome: storage.Failure}
	full := func(func() error) error { return errDisk }
	if err := s.OnCommit(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("ready before it is known: %v", err)
	}
	attempt := storage.Attempt{Realm: alpha, Username: "amelie", Policy: policy, Hold: time.Minute}
	if err := s.Finish(t.Context(), fail); !errors.Is(err, storage.ErrUnavailable) || !errors.Is(err, errDisk) {
		t.Errorf("finish on a full disk: %v", err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("ready on a full disk: %v", err)
	}
	if _, err := s.Begin(t.Context(), attempt); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("begin on a full disk: %v", err)
	}
	if err := s.OnCommit(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("ready when there is room again: %v", err)
	}
	if b := begin(t, s, "amelie", policy); b.Standing != storage.Busy {
		t.Errorf("standing %v: the attempt is not under way any more", b.Standing)
	}
	if err := s.Finish(t.Context(), fail); err != nil {
		t.Error(err)
	}
	if b := begin(t, s, "amelie", policy); b.Standing != storage.Locked {
		t.Errorf("standing %v", b.Standing)
	}
}

// A commit is what can be measured from outside: it must not tell owners from strangers, or the locked from others.
func TestSettlingCostsOneCommitWhateverTheStanding(t *testing.T) {
	s := open(t, file(t))
	addUser(t, s, "amelie")
	n := commits(t, s)
	for _, name := range []string{"amelie", "nobody"} {
		for _, want := range []storage.Standing{storage.Reserved, storage.Locked, storage.Locked} {
			n.Store(0)
			b := begin(t, s, name, policy)
			if b.Standing != want || n.Load() != 0 {
				t.Errorf("%s: standing %v, want %v; %d commits of Begin", name, b.Standing, want, n.Load())
			}
			if err := s.Finish(t.Context(), storage.Settlement{Reservation: b.Reservation, Outcome: storage.Failure}); err != nil {
				t.Error(err)
			}
			if n.Load() != 1 {
				t.Errorf("%s, standing %v: %d commits of Finish", name, want, n.Load())
			}
		}
	}
	n.Store(0)
	b := begin(t, s, "other", policy)
	if err := s.Finish(t.Context(), storage.Settlement{Reservation: b.Reservation, Outcome: storage.Void}); err != nil || n.Load() != 0 {
		t.Errorf("void: %v, %d commits", err, n.Load())
	}
	addUser(t, s, "right")
	n.Store(0)
	login(t, s, "right", time.Hour)
	if n.Load() != 1 {
		t.Errorf("success: %d commits", n.Load())
	}
	for _, x := range []struct {
		outcome storage.Outcome
		step    uint64
		answer  error
	}{{storage.Failure, 7, nil}, {storage.Success, 7, storage.ErrCodeUsed}, {storage.Success, 8, nil}} {
		n.Store(0)
		r := begin(t, s, "right", realm.Lockout{}).Reservation
		off := r.User.Clone()
		off.Enabled = !off.Enabled
		err := s.Finish(t.Context(), storage.Settlement{
			Reservation: r, Outcome: x.outcome, Owner: off, EndGrants: true, CountLogin: true, CodeStep: x.step, Grant: newGrant(r, time.Hour),
		})
		if !errors.Is(err, x.answer) || n.Load() != 1 {
			t.Errorf("outcome %d with all effects, step %d: %v, %d commits", x.outcome, x.step, err, n.Load())
		}
	}
}

func TestNamesOfStrangersAreBounded(t *testing.T) {
	s := open(t, file(t))
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				b := begin(t, s, fmt.Sprint(w, "-", i), policy)
				_ = s.Finish(t.Context(), storage.Settlement{Reservation: b.Reservation, Outcome: storage.Failure})
			}
		})
	}
	wg.Wait()
	if n := s.Count("strangers"); n == 0 || n > 400 {
		t.Errorf("%d strangers", n)
	}
	if n := s.Held(); n != 0 {
		t.Errorf("%d accounts in memory", n)
	}
}

func TestReservationIsSettledOnceWithinABatch(t *testing.T) {
	s := open(t, file(t))
	addUser(t, s, "amelie")
	r := begin(t, s, "amelie", realm.Lockout{}).Reservation
	release := block(t, s)
	defer release()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Failure}); err != nil {
				t.Error(err)
			}
		})
	}
	queued(t, s, 5)
	release()
	wg.Wait()
	u, err := s.UserByName(t.Context(), alpha, "amelie")
	if err != nil || u.Login.Consecutive != 1 {
		t.Errorf("%+v, %v: want one failure", u, err)
	}
}
