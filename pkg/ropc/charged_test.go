package ropc_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// The attack: guess at many owners from one address through a source that is slow to say no, or hang up before it has.
func TestWhatAGuessWasSpentOnCountsAtTheAddress(t *testing.T) {
	for _, tc := range []struct{ name, secret, chain string }{{"slow", "slow", "Directory"}, {"hangs up", "wrong", "Either"}} {
		s := newSite(t)
		s.device(attacker)
		limits := &chargedLimits{Limits: s.Store}
		s.login.(*ropc.Login).Limiter = &guard.Limiter{Limits: limits}
		s.realm.Limits.Address = realm.Limit{Requests: 3, Per: time.Hour}
		for i := range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			ctx = context.WithValue(ctx, askKey{}, func() {
				if tc.name != "slow" {
					cancel()
				}
			})
			_, err := s.askWithin(t, ctx, passwordForm("username", fmt.Sprintf("dir%d", i), "password", tc.secret, "auth_chain", tc.chain))
			if err == nil {
				t.Errorf("%s: a token", tc.name)
			}
			cancel()
		}
		counted := 0
		for _, c := range limits.charged {
			if c.Mode == storage.Count {
				counted++
			}
		}
		_, err := s.outside(t, "Directory", "dir9", "right", "")
		if refused(t, tc.name, err, ropc.ErrTooManyRequests); counted != 3 {
			t.Errorf("%s: %d counted", tc.name, counted)
		}
	}
}

// The attack: between guesses, log in where no credential is asked for.
func TestUnverifiedLoginsForgiveNothing(t *testing.T) {
	s := newSite(t)
	open := func() {
		t.Helper()
		if _, err := s.ask(t, passwordForm("username", "demo", "password", "x", "auth_chain", "Open")); err != nil {
			t.Fatal(err)
		}
	}
	s.device(attacker)
	s.wrong(t, "demo", 4)
	open()
	s.wrong(t, "demo", 1)
	if u := s.user(t, "demo"); u.Login.LockedUntil.IsZero() {
		t.Errorf("five wrong passwords don't lock: %+v", u.Login)
	}
	s.device(home)
	_, err := s.as(t, "demo", "right")
	refused(t, "a place that is not known", err, ropc.ErrInvalidGrant)
}

// A new password that a directory has is a new password: who knew the old one is not to stay logged in.
func TestMigrationOfANewPasswordEndsGrants(t *testing.T) {
	s := newSite(t)
	s.owner(t, "dirk", func(u *realm.User) { u.Source, u.PasswordHash = "ldap://directory", "$cheap$of-old" })
	old, err := s.ask(t, passwordForm("username", "dirk", "password", "old", "scope", "read"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time the password is kept already
		now, err := s.outside(t, "Migrate", "dirk", "right", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.refresh(t, old.refresh, ""); err == nil {
			t.Error("a refresh token of the old password lives on")
		}
		old = reply{refresh: ""}
		if grants, err := s.GrantsOf(t.Context(), "/alpha", "dirk"); err != nil || len(grants) == 0 || now.access == "" {
			t.Errorf("%d grants, %v", len(grants), err)
		}
	}
}

// The attack: somebody makes an owner of the name while a directory is asked about another person of that name.
func TestOwnerMadeMeanwhileIsNotEntered(t *testing.T) {
	for name, made := range map[string]func(u *realm.User){
		"by an administrator":               func(*realm.User) {},
		"by another directory":              func(u *realm.User) { u.Source = "ldap://another" },
		"by this one, with a second factor": func(u *realm.User) { u.Source, u.Seed = "ldap://directory", []byte("sealed") },
	} {
		s := newSite(t)
		ctx := context.WithValue(t.Context(), ownKey{}, true)
		ctx = context.WithValue(ctx, askKey{}, func() { s.owner(t, "dirk", made) })
		_, err := s.askWithin(t, ctx, passwordForm("username", "dirk", "password", "right", "auth_chain", "Directory"))
		refused(t, name, err, ropc.ErrTemporarilyUnavailable)
		if got := s.user(t, "dirk").Login; got.Failures != 0 {
			t.Errorf("%s: charged %+v", name, got)
		}
		s.settled(t, "dirk")
	}
}

// addressSeen remembers the address that a journey would see.
type addressSeen struct {
	ropc.Authenticator
	got *string
}

func (a addressSeen) Authenticate(ctx context.Context, r ropc.Request) (ropc.Result, error) {
	*a.got = r.Address
	return a.Authenticator.Authenticate(ctx, r)
}

// The attack: have a journey decide by a proxy's address.
func TestJourneysSeeNoAddressOfWhichNobodyIsSure(t *testing.T) {
	for of, want := range map[ropc.AddressOf]string{ropc.AddressUnsure: "", ropc.AddressConnected: "10.0.0.1", ropc.AddressReported: "10.0.0.1"} {
		s := newSite(t)
		got := "-"
		s.login = addressSeen{s.login, &got}
		s.address, s.of = "10.0.0.1", of
		if _, err := s.as(t, "demo", "right"); err != nil || got != want {
			t.Errorf("%d: %q, %v", of, got, err)
		}
	}
}
