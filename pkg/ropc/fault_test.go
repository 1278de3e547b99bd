package ropc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// A fault charges nobody unless a password was found wrong before it, and leaves no attempt, place in the pool or grant
// behind.
func TestFaultsAreSettled(t *testing.T) {
	for _, tc := range []struct {
		name     string
		secret   string
		setup    func(s *site, cancel func())
		want     *fosite.RFC6749Error
		failures int
	}{
		{"before the password", "wrong", journeyOf("FaultBefore"), ropc.ErrInternal, 0},
		{"after a wrong password", "wrong", journeyOf("FaultAfter"), ropc.ErrInternal, 1},
		{"after the right password", "right", journeyOf("FaultAfter"), ropc.ErrInternal, 0},
		{"after the right password of who may not log in", "right", func(s *site, _ func()) {
			use("FaultAfter")(s)
			s.change(t, "demo", disable)
		}, ropc.ErrInternal, 1},
		{"hung up before hashing", "wrong", func(s *site, cancel func()) { s.logins.begun = cancel }, ropc.ErrTemporarilyUnavailable, 0},
		{"hung up while a wrong password was hashed", "wrong", func(s *site, cancel func()) { s.hashes.hook = cancel }, ropc.ErrInvalidGrant, 1},
		{"hung up while the right password was hashed", "right", func(s *site, cancel func()) { s.hashes.hook = cancel }, ropc.ErrTemporarilyUnavailable, 0},
		{"store away when a success is kept", "right", func(s *site, _ func()) {
			s.logins.finish = func(_ context.Context, x storage.Settlement) error {
				if x.Outcome == storage.Success {
					return storage.ErrUnavailable
				}
				return nil
			}
		}, ropc.ErrTemporarilyUnavailable, 0},
		{"damaged hash", "right", func(s *site, _ func()) {
			s.change(t, "demo", func(u *realm.User) { u.PasswordHash = "$nothing$" })
		}, ropc.ErrInternal, 0},
		{"pool closed", "right", func(s *site, _ func()) { s.logins.begun = s.pool.Close }, ropc.ErrTemporarilyUnavailable, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tc.setup(s, cancel)
			_, err := s.askWithin(t, ctx, passwordForm("username", "demo", "password", tc.secret))
			refused(t, tc.name, err, tc.want)
			if got := s.user(t, "demo").Login; got.Failures != tc.failures || !got.LastLogin.IsZero() {
				t.Errorf("account %+v, want %d failures", got, tc.failures)
			}
			s.nothingLeft(t, "demo")
		})
	}
}

func journeyOf(name string) func(s *site, _ func()) {
	return func(s *site, _ func()) { use(name)(s) }
}

// nothingLeft reports what an attempt must not leave behind.
func (s *site) nothingLeft(t *testing.T, name string) {
	t.Helper()
	s.settled(t, name)
	if list, err := s.GrantsOf(t.Context(), "/alpha", name); err != nil || len(list) != 0 {
		t.Errorf("%d grants, %v", len(list), err)
	}
}

// settled reports what an attempt has left behind beside its grant.
func (s *site) settled(t *testing.T, name string) {
	t.Helper()
	if s.unsettled(t, name) {
		t.Error("the attempt is still reserved")
	}
	if _, running, waiting := s.pool.Stats(); running+waiting != 0 {
		t.Error("a place in the pool is lost")
	}
}

// A panic that no node stops is a failure, like an attempt that nobody settles, but takes no place in the pool with it.
func TestPanicGivesThePlaceBack(t *testing.T) {
	s := newSite(t)
	use("Active")(s)
	s.change(t, "demo", disable) // refused before the password: the work is done outside of all nodes
	s.hashes.hook = func() { panic("of a hasher") }
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_, _ = s.as(t, "demo", "right")
	}()
	if got := s.user(t, "demo").Login.Failures; got != 1 {
		t.Errorf("%d failures", got)
	}
	s.nothingLeft(t, "demo")
}

// afterwards lets something happen when the owner is authenticated and the grant is not created yet.
func (s *site) afterwards(change func()) {
	login := s.login
	s.login = authenticator(func(ctx context.Context, r ropc.Request) (ropc.Result, error) {
		result, err := login.Authenticate(ctx, r)
		change()
		return result, err
	})
}

func TestOwnerChangedMeanwhileGetsNoToken(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, s *site){
		"disabled": func(t *testing.T, s *site) { s.change(t, "demo", disable) },
		"new password": func(t *testing.T, s *site) {
			s.change(t, "demo", func(u *realm.User) { u.PasswordHash = "$cheap$of-other" })
		},
		"deleted": func(t *testing.T, s *site) {
			if err := s.DeleteUser(t.Context(), "/alpha", "demo"); err != nil {
				t.Fatal(err)
			}
		},
		"deleted, and another of that name": func(t *testing.T, s *site) {
			if err := s.DeleteUser(t.Context(), "/alpha", "demo"); err != nil {
				t.Fatal(err)
			}
			s.owner(t, "demo", func(u *realm.User) { u.ID = "id-2" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.afterwards(func() { change(t, s) })
			got, err := s.as(t, "demo", "right")
			refused(t, name, err, ropc.ErrInvalidGrant)
			if got.trace.GrantID != "" || got.trace.Reason == "" {
				t.Errorf("trace %+v", got.trace)
			}
			s.nothingLeft(t, "demo")
		})
	}
}

func TestRehashIsStoredWithTheLogin(t *testing.T) {
	s := newSite(t)
	s.owner(t, "old", func(u *realm.User) {
		u.PasswordHash, u.Source, u.PasswordSet, u.Seed = "$old$of-right", "directory", storage.Trim(time.Now()), []byte("sealed")
		u.Attributes, u.Expires = map[string]string{"mail": "a"}, storage.Trim(time.Now().Add(time.Hour))
	})
	want := s.user(t, "old")
	_, err := s.as(t, "old", "wrong")
	refused(t, "wrong", err, ropc.ErrInvalidGrant)
	if got := s.user(t, "old").PasswordHash; got != "$old$of-right" {
		t.Fatalf("a wrong password was stored: %s", got)
	}
	if _, err := s.as(t, "old", "right"); err != nil {
		t.Fatal(err)
	}
	got := s.user(t, "old")
	want.PasswordHash, want.Login = "{o}$cheap$of-right", got.Login
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the rehash changed more than the hash: %s", diff)
	}
	if _, err := s.as(t, "old", "right"); err != nil {
		t.Errorf("with the new hash: %v", err)
	}
}

// A code that another attempt has used meanwhile gives no token, is charged, and is not given back.
func TestUsedCodeGetsNoToken(t *testing.T) {
	s := newSite(t)
	var outcomes []storage.Outcome
	s.logins.finish = func(_ context.Context, x storage.Settlement) error {
		outcomes = append(outcomes, x.Outcome)
		return storage.ErrCodeUsed
	}
	got, err := s.as(t, "demo", "right")
	refused(t, "used code", err, ropc.ErrInvalidGrant)
	if got.trace.Reason != audit.CodeUsed || got.trace.GrantID != "" {
		t.Errorf("trace %+v", got.trace)
	}
	if diff := cmp.Diff([]storage.Outcome{storage.Success}, outcomes); diff != "" {
		t.Errorf("settled: %s", diff)
	}
}

// The parts of this server that do not fit together say so, and do not guess.
func TestHandlersThatDoNotFitAreAFault(t *testing.T) {
	h := newHost()
	h.authenticate = (&ropc.Login{}).Authenticate
	_, err := h.ask(t, passwordForm())
	refused(t, "Login without a realm", err, ropc.ErrInternal)
	h = newHost()
	h.issue = ropc.GrantIssuer{}.Issue
	_, err = h.ask(t, passwordForm())
	refused(t, "GrantIssuer with a stock session", err, ropc.ErrInternal)
	h = newHost()
	h.client = &fosite.DefaultClient{GrantTypes: []string{"refresh_token"}}
	h.others = []fosite.TokenEndpointHandler{&ropc.RefreshHandler{}}
	_, err = h.ask(t, passwordForm("grant_type", "refresh_token", "refresh_token", "rt_x"))
	refused(t, "RefreshHandler without a realm", err, ropc.ErrInternal)
	if errors.Is(err, storage.ErrUnavailable) {
		t.Error("it passes by itself")
	}
}
