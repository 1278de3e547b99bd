package ropc_test

import (
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// timeless runs a test where time passes only when everybody waits for it.
func timeless(t *testing.T, f func(t *testing.T, s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newSite(t)) })
}

// demo logs the owner demo in.
func (s *site) demo(t *testing.T) reply {
	t.Helper()
	got, err := s.as(t, "demo", "right")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func refreshForm(refreshToken, scope string) url.Values {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}
	if scope != "" {
		form.Set("scope", scope)
	}
	return form
}

func (s *site) refresh(t testing.TB, refreshToken, scope string) (reply, error) {
	t.Helper()
	return s.ask(t, refreshForm(refreshToken, scope))
}

// renew refreshes and must succeed.
func (s *site) renew(t *testing.T, refreshToken, scope string) reply {
	t.Helper()
	got, err := s.refresh(t, refreshToken, scope)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// dead reports a refresh token that is not refused.
func (s *site) dead(t *testing.T, what, refreshToken string) {
	t.Helper()
	_, err := s.refresh(t, refreshToken, "")
	refused(t, what, err, ropc.ErrInvalidRefreshToken)
}

func TestRefreshChecksInTheOrderOfTheContract(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	form := refreshForm("", "mail")
	s.settings.GrantTypes, s.client.GrantTypes = nil, nil
	s.client.ID = "another"
	for _, step := range []struct {
		name string
		want *fosite.RFC6749Error
		mend func()
	}{
		{"grant type of the realm", ropc.ErrUnsupportedGrantType, func() { s.settings.GrantTypes = []string{"refresh_token"} }},
		{"grant type of the client", ropc.ErrUnauthorizedClient, func() { s.client.GrantTypes = []string{"refresh_token"} }},
		{"no token", ropc.ErrMissingRefreshToken, func() { form.Set("refresh_token", login.refresh+"x") }},
		{"its MAC", ropc.ErrInvalidRefreshToken, func() { form.Set("refresh_token", login.refresh) }},
		{"its client", ropc.ErrInvalidRefreshToken, func() { s.client.ID = "app" }},
		{"scope", ropc.ErrUnknownScope, func() { form.Del("scope") }},
	} {
		_, err := s.ask(t, form)
		refused(t, step.name, err, step.want)
		step.mend()
	}
	if _, err := s.ask(t, form); err != nil {
		t.Errorf("with everything mended: %v", err)
	}
}

func TestRefreshRefuses(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	read, _ := s.realm.Keys.Read(login.refresh)
	beta := newRealm(t, "/beta", s.settings)
	forged := func(change func(x *token.Token)) string {
		x := read
		change(&x)
		return s.realm.Keys.Write(x)
	}
	for name, text := range map[string]string{
		"junk": "junk", "an access token": login.access, "cut": login.refresh[:20], "the other prefix": "at_" + login.refresh[3:],
		"another realm's":           beta.Keys.Write(read),
		"one that is not there yet": forged(func(x *token.Token) { x.Number++ }),
		"another secret":            forged(func(x *token.Token) { x.Secret[0]++ }),
		"another grant":             forged(func(x *token.Token) { x.Grant = storage.NewGrantID("/alpha", "demo") }),
	} {
		got, err := s.refresh(t, text, "")
		refused(t, name, err, ropc.ErrInvalidRefreshToken)
		if got.trace.Reason != audit.Token || got.trace.GrantID != "" {
			t.Errorf("%s: trace %+v", name, got.trace)
		}
	}
	s.renew(t, login.refresh, "") // none of it had any effect
}

func TestRefreshOfAnotherClientHasNoEffect(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	s.renew(t, login.refresh, "")
	mine := s.client
	other := *mine
	other.ID = "other"
	s.client = &other
	s.settings.RefreshTokenGracePeriod = 0
	s.dead(t, "another client's spent token", login.refresh) // no reuse: the client is judged first
	s.client = mine
	if list, err := s.GrantsOf(t.Context(), "/alpha", "demo"); err != nil || len(list) != 1 {
		t.Errorf("%d grants, %v", len(list), err)
	}
}

func TestRefreshEndsWithItsOwner(t *testing.T) {
	for name, end := range map[string]func(s *site) error{
		"disabled": func(s *site) error { s.change(t, "demo", disable); return nil },
		"deleted":  func(s *site) error { return s.DeleteUser(t.Context(), "/alpha", "demo") },
		"client":   func(s *site) error { return s.EndClient(t.Context(), "/alpha", "app") },
		"realm":    func(s *site) error { return s.EndRealm(t.Context(), "/alpha") },
	} {
		s := newSite(t)
		login := s.demo(t)
		if err := end(s); err != nil {
			t.Fatal(err)
		}
		s.dead(t, name, login.refresh)
	}
}

func TestLockedOwnerMayRefresh(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	s.wrong(t, "demo", lockout.Threshold)
	s.renew(t, login.refresh, "")
}

func TestRefreshFaults(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	for fault, want := range map[error]*fosite.RFC6749Error{
		storage.ErrUnavailable: ropc.ErrTemporarilyUnavailable, storage.ErrDamaged: ropc.ErrInternal,
	} {
		s.grants.fault = fault
		_, err := s.refresh(t, login.refresh, "")
		refused(t, fault.Error(), err, want)
	}
	// What is no refresh token of this realm never costs the store anything.
	for _, text := range []string{"junk", login.access} {
		_, err := s.refresh(t, text, "")
		refused(t, "no refresh token", err, ropc.ErrInvalidRefreshToken)
	}
	s.grants.fault = nil
	s.renew(t, login.refresh, "")
}

func TestRefreshIsTraced(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	got := s.renew(t, login.refresh, "").trace
	want := ropc.Trace{Username: "demo", Subject: "id-demo", Journey: "Check", Rule: "provider", GrantID: login.trace.GrantID}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trace: %s", diff)
	}
}

func TestPublicClientMayRefresh(t *testing.T) {
	s := newSite(t)
	s.client.Public, s.client.AllowPublicPasswordGrant = true, true
	login := s.demo(t)
	s.client.AllowPublicPasswordGrant = false
	s.renew(t, login.refresh, "")
}
