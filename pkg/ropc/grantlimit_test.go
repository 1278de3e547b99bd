package ropc_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// sessions are the grants of demo.
func (s *site) sessions(t *testing.T) []*storage.Grant {
	t.Helper()
	list, err := s.GrantsOf(t.Context(), "/alpha", "demo")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The same answer after the same number of hashes, but nobody is charged with a wrong password.
func TestOneSessionTooManyIsRefusedLikeAWrongPassword(t *testing.T) {
	s := newSite(t)
	s.settings.GrantLimit = realm.GrantLimit{Most: 1}
	first := s.demo(t)
	s.wrong(t, "demo", 3)
	for _, tc := range []struct {
		secret, reason string
		failures       int
	}{{"wrong", audit.WrongPassword, 4}, {"right", audit.Sessions, 0}, {"right", audit.Sessions, 0}, {"wrong", audit.WrongPassword, 1}} {
		_, before := s.hashes.count()
		got, err := s.as(t, "demo", tc.secret)
		_, after := s.hashes.count()
		refused(t, tc.reason, err, ropc.ErrInvalidGrant)
		if diff := cmp.Diff(reply{trace: got.trace}, got, cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("an answer beside the error:\n%s", diff)
		}
		if got.trace.Reason != tc.reason || got.trace.GrantID != "" || after-before != 1 {
			t.Errorf("reason %q, grant %q, %d hashes", got.trace.Reason, got.trace.GrantID, after-before)
		}
		if n := s.user(t, "demo").Login.Failures; n != tc.failures {
			t.Errorf("%s: %d failures, want %d", tc.reason, n, tc.failures)
		}
		s.settled(t, "demo")
	}
	if n := len(s.sessions(t)); n != 1 {
		t.Errorf("%d sessions", n)
	}
	s.renew(t, first.refresh, "")
}

func TestOldestSessionEndsForANewOne(t *testing.T) {
	s := newSite(t)
	s.settings.GrantLimit = realm.GrantLimit{Most: 2, EvictOldest: true}
	first, second := s.demo(t), s.demo(t)
	oldest := s.sessions(t)[0].ID
	if second.trace.GrantID == oldest.String() { // of the same millisecond
		first, second = second, first
	}
	third, err := s.as(t, "demo", "right")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]storage.GrantID{oldest}, third.trace.Evicted); diff != "" || len(first.trace.Evicted)+len(second.trace.Evicted) != 0 {
		t.Errorf("evicted: %s", diff)
	}
	s.expect(t, "tokens", []bool{false, false, true, true, true, true},
		first.access, first.refresh, second.access, second.refresh, third.access, third.refresh)
	s.dead(t, "the first session", first.refresh)
}

// The attack: log in many times at once to get around the limit.
func TestParallelLoginsStayWithinTheLimit(t *testing.T) {
	for _, evict := range []bool{false, true} {
		s := newSite(t)
		s.settings.GrantLimit = realm.GrantLimit{Most: 3, EvictOldest: evict}
		var wg sync.WaitGroup
		var granted atomic.Int32
		for range 30 {
			wg.Go(func() {
				if _, err := s.as(t, "demo", "right"); err == nil {
					granted.Add(1)
				}
			})
		}
		wg.Wait()
		if n := len(s.sessions(t)); n != 3 || granted.Load() != map[bool]int32{true: 30, false: 3}[evict] {
			t.Errorf("evict %v: %d sessions, %d granted", evict, n, granted.Load())
		}
		s.settled(t, "demo")
	}
}

// The attack: tell a right password from a wrong one by what the address, or the client, is charged.
func TestOneSessionTooManyIsChargedLikeAWrongPassword(t *testing.T) {
	for secret, reason := range map[string]string{"wrong": audit.WrongPassword, "right": audit.Sessions} {
		s := newSite(t)
		s.settings.GrantLimit = realm.GrantLimit{Most: 1}
		s.device(home)
		limits := s.limit(t)
		s.realm.Limits.UserClient, s.realm.Limits.Address = realm.Limit{}, realm.Limit{Requests: 3, Per: time.Hour}
		s.watch(realm.Alarms{Grants: 4, DeniedPercent: 70})
		s.demo(t)
		for i := range 3 {
			before := len(limits.charged)
			got, err := s.as(t, "demo", secret)
			refused(t, secret, err, ropc.ErrInvalidGrant)
			if n := len(limits.charged) - before; got.trace.Reason != reason || n != 2 {
				t.Errorf("%s: reason %q, %d charges", secret, got.trace.Reason, n)
			}
			var want []guard.Alarm
			if i == 2 {
				want = []guard.Alarm{{Reason: audit.FailureRatio, ClientID: "app", Count: 3, Grants: 4}}
			}
			if diff := cmp.Diff(want, got.trace.Alarms); diff != "" {
				t.Errorf("%s: alarms %s", secret, diff)
			}
		}
		_, err := s.as(t, "demo", secret)
		refused(t, secret, err, ropc.ErrTooManyRequests)
	}
}

// A code that was right is used up, though it gave no token.
func TestOneSessionTooManyUsesTheCode(t *testing.T) {
	s := enrolled(t)
	s.settings.GrantLimit = realm.GrantLimit{Most: 1}
	s.demo(t)
	got, err := s.withCode(t, "demo", "right", "123456", "Code")
	if refused(t, "one too many", err, ropc.ErrInvalidGrant); got.trace.Reason != audit.Sessions {
		t.Errorf("reason %q", got.trace.Reason)
	}
	if err := s.EndUser(t.Context(), "/alpha", "demo"); err != nil {
		t.Fatal(err)
	}
	got, err = s.withCode(t, "demo", "right", "123456", "Code")
	if refused(t, "the code again", err, ropc.ErrInvalidGrant); got.trace.Reason != audit.WrongCode {
		t.Errorf("reason %q", got.trace.Reason)
	}
}
