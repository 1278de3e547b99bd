package ropc_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/ropc"
)

func TestRotationGivesASuccessorOfTheSameGrant(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	next := s.renew(t, login.refresh, "write")
	if next.refresh == login.refresh || next.access == login.access || next.trace.GrantID != login.trace.GrantID {
		t.Errorf("%+v after %+v", next, login)
	}
	// The refresh token keeps the original scope.
	if again := s.renew(t, next.refresh, ""); again.scope != "read write" {
		t.Errorf("scope %q", again.scope)
	}
	// Access tokens that were issued live on.
	for _, access := range []string{login.access, next.access} {
		if _, err := s.tokens().Inspect(t.Context(), s.realm, access, false); err != nil {
			t.Error(err)
		}
	}
}

func TestGraceGivesTheSameSuccessor(t *testing.T) {
	timeless(t, func(t *testing.T, s *site) {
		login := s.demo(t)
		next := s.renew(t, login.refresh, "")
		time.Sleep(9999 * time.Millisecond)
		again := s.renew(t, login.refresh, "")
		if again.refresh != next.refresh || again.access != next.access || again.expires != int64(3590) {
			t.Errorf("%+v, then %+v", next, again)
		}
		narrow := s.renew(t, login.refresh, "read")
		if narrow.refresh != next.refresh || narrow.scope != "read" || narrow.access == next.access {
			t.Errorf("narrower: %+v", narrow)
		}
		time.Sleep(time.Millisecond)
		got, err := s.refresh(t, login.refresh, "")
		refused(t, "after the grace", err, ropc.ErrInvalidRefreshToken)
		if got.trace.Reason != audit.Reuse || got.trace.GrantID != login.trace.GrantID || got.trace.Username != "demo" {
			t.Errorf("trace %+v", got.trace)
		}
		s.dead(t, "the successor after a reuse", next.refresh)
		if _, err := s.tokens().Inspect(t.Context(), s.realm, next.access, false); err == nil {
			t.Error("an access token outlives the reuse")
		}
	})
}

func TestWithoutGraceTheSecondUseIsReuse(t *testing.T) {
	s := newSite(t)
	s.settings.RefreshTokenGracePeriod = 0
	login := s.demo(t)
	next := s.renew(t, login.refresh, "")
	s.dead(t, "the predecessor", login.refresh)
	s.dead(t, "its successor", next.refresh)
}

// The grace is for the immediate predecessor alone.
func TestGrandparentIsReuseWithinTheGrace(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	last := s.renew(t, s.renew(t, login.refresh, "").refresh, "")
	s.dead(t, "the grandparent", login.refresh)
	s.dead(t, "the newest", last.refresh)
}

func TestWithoutRotationTheTokenStays(t *testing.T) {
	timeless(t, func(t *testing.T, s *site) {
		s.settings.IssueRefreshTokenOnRefresh = false
		login := s.demo(t)
		seen := map[string]bool{login.access: true}
		for range 3 {
			time.Sleep(time.Hour)
			got := s.renew(t, login.refresh, "")
			if got.refresh != "" || seen[got.access] {
				t.Errorf("got %+v", got)
			}
			seen[got.access] = true
		}
		time.Sleep(21 * time.Hour) // its lifetime was not renewed
		s.dead(t, "after its lifetime", login.refresh)
	})
}

func TestWithoutRefreshTokensThereIsNone(t *testing.T) {
	s := newSite(t)
	s.settings.IssueRefreshToken = false
	if got := s.demo(t); got.refresh != "" || got.access == "" {
		t.Errorf("got %+v", got)
	}
}

// However many use one token at once, there is one successor, and it lives.
func TestParallelRefreshesHaveOneSuccessor(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	var successors sync.Map
	parallel(100, func(int) {
		got, err := s.refresh(t, login.refresh, "")
		if err != nil {
			t.Error(err)
			return
		}
		successors.Store(got.refresh, got.access)
	})
	n := 0
	for refresh := range successors.Range {
		n++
		text, _ := refresh.(string)
		s.renew(t, text, "")
	}
	if n != 1 {
		t.Errorf("%d successors", n)
	}
}

func TestParallelRefreshesWithoutGrace(t *testing.T) {
	s := newSite(t)
	s.settings.RefreshTokenGracePeriod = 0
	login := s.demo(t)
	var successes atomic.Int64
	parallel(100, func(int) {
		if _, err := s.refresh(t, login.refresh, ""); err == nil {
			successes.Add(1)
		} else {
			refused(t, "reuse", err, ropc.ErrInvalidRefreshToken)
		}
	})
	if successes.Load() != 1 {
		t.Errorf("%d successes", successes.Load())
	}
	if list, err := s.GrantsOf(t.Context(), "/alpha", "demo"); err != nil || len(list) != 0 {
		t.Errorf("%d grants after a reuse, %v", len(list), err)
	}
}
