package ropc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// clientSource finds the one client of a site, static or not.
type clientSource struct {
	client *realm.Client
	fault  error
}

func (c *clientSource) Lookup(_ context.Context, realmKey, id string) (*realm.Client, error) {
	switch {
	case c.fault != nil:
		return nil, c.fault
	case c.client == nil || c.client.Realm != realmKey || c.client.ID != id:
		return nil, storage.ErrNotFound
	}
	return c.client, nil
}

func (s *site) tokens() *ropc.Tokens {
	return &ropc.Tokens{Grants: s.Store, Clients: &clientSource{client: s.client}}
}

func TestInspectTellsWhatATokenIs(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	login = s.renew(t, login.refresh, "write")
	for _, tc := range []struct {
		text   string
		kind   token.Kind
		number uint32
		scopes []string
		life   time.Duration
	}{
		{login.access, token.Access, 2, []string{"write"}, time.Hour},
		{login.refresh, token.Refresh, 1, []string{"read", "write"}, 24 * time.Hour},
	} {
		for _, owner := range []bool{false, true} {
			got, err := s.tokens().Inspect(t.Context(), s.realm, tc.text, owner)
			if err != nil {
				t.Fatal(err)
			}
			if got.Kind != tc.kind || got.Number != tc.number || got.Realm != s.realm || (got.User != nil) != owner {
				t.Errorf("%+v", got)
			}
			if diff := cmp.Diff(tc.scopes, got.Scopes); diff != "" {
				t.Error(diff)
			}
			if left := got.Expires.Sub(got.Now).Round(time.Minute); left != tc.life {
				t.Errorf("%v left", left)
			}
		}
	}
}

// Everything that makes a token inactive, for its access and its refresh token.
func TestInspectFindsTokensInactive(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(t *testing.T, s *site, login reply) *ropc.Realm // nil: the same realm
	}{
		{"another realm", func(t *testing.T, s *site, _ reply) *ropc.Realm { return newRealm(t, "/beta", s.settings) }},
		{"another realm that has its keys", func(t *testing.T, s *site, _ reply) *ropc.Realm {
			beta := newRealm(t, "/beta", s.settings)
			beta.Keys = s.realm.Keys
			return beta
		}},
		{"inactive realm", func(_ *testing.T, s *site, _ reply) *ropc.Realm { s.realm.Active = false; return nil }},
		{"realm without a provider", func(_ *testing.T, s *site, _ reply) *ropc.Realm { s.realm.Provider = nil; return nil }},
		{"client disabled", func(_ *testing.T, s *site, _ reply) *ropc.Realm { s.client.Enabled = false; return nil }},
		{"client gone", func(_ *testing.T, s *site, _ reply) *ropc.Realm { s.client.ID = "renamed"; return nil }},
		{"client of that name in another realm", func(_ *testing.T, s *site, _ reply) *ropc.Realm { s.client.Realm = "/beta"; return nil }},
		{"owner disabled", func(t *testing.T, s *site, _ reply) *ropc.Realm { s.change(t, "demo", disable); return nil }},
		{"owner deleted", func(t *testing.T, s *site, _ reply) *ropc.Realm {
			if err := s.DeleteUser(t.Context(), "/alpha", "demo"); err != nil {
				t.Error(err)
			}
			return nil
		}},
		{"grants of the client ended", func(t *testing.T, s *site, _ reply) *ropc.Realm {
			if err := s.EndClient(t.Context(), "/alpha", "app"); err != nil {
				t.Error(err)
			}
			return nil
		}},
		{"revoked", func(t *testing.T, s *site, login reply) *ropc.Realm {
			if _, err := s.tokens().Revoke(t.Context(), s.realm, "app", login.refresh); err != nil {
				t.Error(err)
			}
			return nil
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			login := s.demo(t)
			in := s.realm
			if other := tc.end(t, s, login); other != nil {
				in = other
			}
			for _, text := range []string{login.access, login.refresh} {
				s.inactive(t, in, text)
			}
		})
	}
}

func (s *site) inactive(t *testing.T, in *ropc.Realm, text string) {
	t.Helper()
	for _, owner := range []bool{false, true} {
		if got, err := s.tokens().Inspect(t.Context(), in, text, owner); !errors.Is(err, ropc.ErrInactive) || got != nil {
			t.Errorf("%.3s is %+v, %v", text, got, err)
		}
	}
}

func TestInspectFindsForgeriesInactive(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	access, _ := s.realm.Keys.Read(login.access)
	refresh, _ := s.realm.Keys.Read(login.refresh)
	for name, forge := range map[string]func() token.Token{
		"junk":                          func() token.Token { return token.Token{} },
		"a number that is not there":    func() token.Token { x := access; x.Number++; return x },
		"the next refresh token":        func() token.Token { x := refresh; x.Number++; return x },
		"another secret":                func() token.Token { x := access; x.Secret[0]++; return x },
		"another refresh secret":        func() token.Token { x := refresh; x.Secret[0]++; return x },
		"access from a refresh secret":  func() token.Token { x := access; x.Secret = refresh.Secret; return x },
		"refresh from an access secret": func() token.Token { x := refresh; x.Secret = access.Secret; return x },
		"another grant":                 func() token.Token { x := access; x.Grant[13]++; return x },
		"expired":                       func() token.Token { x := access; x.Expires = time.Now().Add(-time.Second); return x },
	} {
		t.Run(name, func(t *testing.T) { s.inactive(t, s.realm, s.realm.Keys.Write(forge())) })
	}
	s.inactive(t, s.realm, "")
	s.inactive(t, s.realm, "junk")
}

func TestSpentRefreshTokenIsInactive(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	next := s.renew(t, login.refresh, "")
	s.inactive(t, s.realm, login.refresh)
	if _, err := s.tokens().Inspect(t.Context(), s.realm, next.refresh, false); err != nil {
		t.Error(err)
	}
}

// What can't be found out is never "inactive".
func TestInspectTellsFaultsFromNegatives(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	tokens := s.tokens()
	tokens.Clients = &clientSource{fault: storage.ErrUnavailable}
	if _, err := tokens.Inspect(t.Context(), s.realm, login.access, false); !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, ropc.ErrInactive) {
		t.Errorf("clients: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.tokens().Inspect(ctx, s.realm, login.access, true); !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, ropc.ErrInactive) {
		t.Errorf("grants: %v", err)
	}
	if _, err := s.tokens().Revoke(ctx, s.realm, "app", login.access); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("revoke: %v", err)
	}
}
