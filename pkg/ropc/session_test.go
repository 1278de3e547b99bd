package ropc_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/ropc"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func fullSession() *ropc.Session {
	s := &ropc.Session{}
	s.SetResult(ropc.Result{
		Subject: "id-1", Username: "demo", AuthTime: at, AuthLevel: 5, Journey: "J", Rule: "realm",
		Claims: map[string]string{"tier": "gold"}, Turn: &guard.Turn{}, Effects: guard.Effects{CountLogin: true},
	})
	s.SetExpiresAt(fosite.AccessToken, at)
	return s
}

// equal compares all that a session is but the attempt.
func equal(a, b *ropc.Session) string {
	return cmp.Diff(a, b, cmp.AllowUnexported(ropc.Session{}), cmpopts.IgnoreFields(ropc.Result{}, "Turn"))
}

func clone(t testing.TB, s *ropc.Session) *ropc.Session {
	t.Helper()
	c, ok := s.Clone().(*ropc.Session)
	if !ok {
		t.Fatal("the clone is of another type")
	}
	return c
}

func TestSessionTellsWhoItIsOf(t *testing.T) {
	s := fullSession()
	if s.GetSubject() != "id-1" || s.GetUsername() != "demo" || !s.GetExpiresAt(fosite.AccessToken).Equal(at) {
		t.Errorf("session %+v", s)
	}
	if !s.GetExpiresAt(fosite.RefreshToken).IsZero() || !(&ropc.Session{}).GetExpiresAt(fosite.AccessToken).IsZero() {
		t.Error("an expiry that nobody set")
	}
}

func TestCloneIsEqualAndSharesNothing(t *testing.T) {
	mutations := map[string]func(s *ropc.Session){
		"claims":     func(s *ropc.Session) { s.Result.Claims["tier"] = "base" },
		"new claim":  func(s *ropc.Session) { s.Result.Claims["x"] = "y" },
		"expiry":     func(s *ropc.Session) { s.SetExpiresAt(fosite.AccessToken, at.Add(time.Hour)) },
		"new expiry": func(s *ropc.Session) { s.SetExpiresAt(fosite.RefreshToken, at) },
		"subject":    func(s *ropc.Session) { s.Result.Subject = "id-2" },
		"result":     func(s *ropc.Session) { s.SetResult(ropc.Result{}) },
	}
	for name, mutate := range mutations {
		s := fullSession()
		c := clone(t, s)
		if diff := equal(s, c); diff != "" {
			t.Fatal(diff)
		}
		mutate(c)
		if diff := equal(fullSession(), s); diff != "" {
			t.Errorf("%s of the clone changed the session:\n%s", name, diff)
		}
		c = clone(t, s)
		mutate(s)
		if diff := equal(fullSession(), c); diff != "" {
			t.Errorf("%s of the session changed the clone:\n%s", name, diff)
		}
	}
}

// An attempt is settled once: two sessions must not believe that it is theirs.
func TestCloneDoesNotTakeTheAttempt(t *testing.T) {
	s := fullSession()
	if clone(t, s).Result.Turn != nil || s.Result.Turn == nil {
		t.Error("the attempt is the clone's")
	}
}

func FuzzClone(f *testing.F) {
	f.Add("tier", "gold", "other", int64(1))
	f.Add("", "", "", int64(-1))
	f.Fuzz(func(t *testing.T, key, value, other string, seconds int64) {
		s := &ropc.Session{Result: ropc.Result{Subject: value, Claims: map[string]string{key: value}}}
		s.SetExpiresAt(fosite.TokenType(key), time.Unix(seconds%1e9, 0))
		c := clone(t, s)
		before := clone(t, c)
		s.Result.Claims[key], s.Result.Claims[other], s.Result.Subject = other, value, other
		s.SetExpiresAt(fosite.TokenType(key), time.Time{})
		if diff := equal(before, c); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCloneOfAnEmptySession(t *testing.T) {
	c := clone(t, &ropc.Session{})
	c.SetExpiresAt(fosite.AccessToken, at)
	if diff := equal(&ropc.Session{}, clone(t, &ropc.Session{})); diff != "" {
		t.Error(diff)
	}
}
