package ropc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// chargedLimits pass on to the store, and remember what was charged.
type chargedLimits struct {
	storage.Limits
	fault   error
	charged []storage.Charge
}

func (c *chargedLimits) Charge(ctx context.Context, charges ...storage.Charge) (storage.Verdict, error) {
	c.charged = append(c.charged, charges...)
	if c.fault != nil {
		return storage.Verdict{}, c.fault
	}
	return c.Limits.Charge(ctx, charges...)
}

// limit gives the site a limit of two for a user name through a client.
func (s *site) limit(t *testing.T) *chargedLimits {
	t.Helper()
	limits := &chargedLimits{Limits: s.Store}
	s.login.(*ropc.Login).Limiter = &guard.Limiter{Limits: limits}
	s.realm.Limits.UserClient = realm.Limit{Requests: 2, Per: time.Minute}
	return limits
}

// Whoever the name belongs to: the same answer, before anything is reserved or hashed.
func TestLimitComesBeforeTheAttempt(t *testing.T) {
	for _, name := range []string{"demo", "nobody", "de mo"} {
		s := newSite(t)
		s.limit(t)
		for range 2 {
			_, err := s.as(t, name, "wrong")
			refused(t, name, err, ropc.ErrInvalidGrant)
		}
		_, hashes := s.hashes.count()
		s.logins.begun = func() { t.Error("an attempt was reserved") }
		got, err := s.as(t, name, "right")
		refused(t, name, err, ropc.ErrTooManyRequests)
		if retry := ropc.RetryAfter(err); retry <= 0 || retry > 30*time.Second {
			t.Errorf("%s: retry after %v", name, retry)
		}
		if _, now := s.hashes.count(); now != hashes || got.trace.Reason != audit.Budget {
			t.Errorf("%s: %d hashes, reason %q", name, now-hashes, got.trace.Reason)
		}
	}
}

// One owner has one limit, whatever the spelling.
func TestLimitCountsTheCanonicalName(t *testing.T) {
	s := newSite(t)
	limits := s.limit(t)
	for _, name := range []string{"Demo", "DEMO", "ｄｅｍｏ"} {
		_, _ = s.as(t, name, "wrong")
	}
	for _, c := range limits.charged {
		if c.Username != "demo" || c.Party != "app" || c.Realm != "/alpha" {
			t.Errorf("charged %+v", c)
		}
	}
}

func TestChoiceOfTheJourneyAndScopeComeBeforeTheLimit(t *testing.T) {
	s := newSite(t)
	limits := s.limit(t)
	_, err := s.ask(t, passwordForm("username", "demo", "password", "right", "auth_chain", "Nope"))
	refused(t, "journey", err, ropc.ErrUnknownJourney)
	_, err = s.ask(t, passwordForm("username", "demo", "password", "right", "scope", "nope"))
	refused(t, "scope", err, ropc.ErrUnknownScope)
	if len(limits.charged) != 0 {
		t.Errorf("charged %+v", limits.charged)
	}
}

func TestLimitThatCannotBeAskedIsAFault(t *testing.T) {
	s := newSite(t)
	s.limit(t).fault = storage.ErrUnavailable
	s.logins.begun = func() { t.Error("an attempt was reserved") }
	_, err := s.as(t, "demo", "right")
	refused(t, "login", err, ropc.ErrTemporarilyUnavailable)
	if !errors.Is(err, storage.ErrUnavailable) || ropc.RetryAfter(err) != 0 {
		t.Errorf("%v", err)
	}
}
