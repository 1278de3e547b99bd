package ropc_test

import (
	"errors"
	"testing"

	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// alive reports which of the tokens may be used.
func (s *site) alive(t *testing.T, texts ...string) (list []bool) {
	t.Helper()
	for _, text := range texts {
		_, err := s.tokens().Inspect(t.Context(), s.realm, text, false)
		list = append(list, err == nil)
	}
	return list
}

func (s *site) expect(t *testing.T, what string, want []bool, texts ...string) {
	t.Helper()
	for i, got := range s.alive(t, texts...) {
		if got != want[i] {
			t.Errorf("%s: token %d active: %v", what, i, got)
		}
	}
}

func TestRevokeEndsWhatATokenStandsFor(t *testing.T) {
	for _, tc := range []struct {
		name   string
		revoke func(login, next reply) string
		want   []bool // login's access, next's access, next's refresh
	}{
		{"an access token: itself", func(_, next reply) string { return next.access }, []bool{true, false, true}},
		{"an older access token: itself", func(login, _ reply) string { return login.access }, []bool{false, true, true}},
		{"a refresh token: the grant", func(_, next reply) string { return next.refresh }, []bool{false, false, false}},
		{"a spent refresh token: the grant", func(login, _ reply) string { return login.refresh }, []bool{false, false, false}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			login := s.demo(t)
			next := s.renew(t, login.refresh, "")
			other := s.demo(t)
			for range 2 { // again is no error
				id, err := s.tokens().Revoke(t.Context(), s.realm, "app", tc.revoke(login, next))
				if err != nil || id.String() != login.trace.GrantID {
					t.Errorf("grant %v, error %v", id, err)
				}
			}
			s.expect(t, tc.name, tc.want, login.access, next.access, next.refresh)
			s.expect(t, "another grant", []bool{true, true}, other.access, other.refresh)
		})
	}
}

func TestRevokeOfAnotherClientsTokenTouchesNothing(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	for _, text := range []string{login.access, login.refresh} {
		if _, err := s.tokens().Revoke(t.Context(), s.realm, "other", text); !errors.Is(err, storage.ErrOtherClient) {
			t.Errorf("error %v", err)
		}
	}
	s.expect(t, "another client", []bool{true, true}, login.access, login.refresh)
}

func TestRevokeOfWhatIsNoTokenHereIsNoError(t *testing.T) {
	s := newSite(t)
	login := s.demo(t)
	beta := newRealm(t, "/beta", s.settings)
	stranger := *beta
	stranger.Keys = s.realm.Keys
	forged, _ := s.realm.Keys.Read(login.refresh)
	forged.Secret = token.NewSecret()
	unknown := forged
	unknown.Grant = storage.NewGrantID("/alpha", "demo")
	for name, try := range map[string]func() (storage.GrantID, error){
		"junk": func() (storage.GrantID, error) { return s.tokens().Revoke(t.Context(), s.realm, "app", "junk") },
		"no MAC": func() (storage.GrantID, error) {
			return s.tokens().Revoke(t.Context(), s.realm, "app", "x."+login.refresh)
		},
		"realm": func() (storage.GrantID, error) { return s.tokens().Revoke(t.Context(), beta, "app", login.refresh) },
		"realm key": func() (storage.GrantID, error) {
			return s.tokens().Revoke(t.Context(), &stranger, "app", login.refresh)
		},
		"secret": func() (storage.GrantID, error) {
			return s.tokens().Revoke(t.Context(), s.realm, "app", s.realm.Keys.Write(forged))
		},
		"grant": func() (storage.GrantID, error) {
			return s.tokens().Revoke(t.Context(), s.realm, "app", s.realm.Keys.Write(unknown))
		},
	} {
		if _, err := try(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.expect(t, "junk", []bool{true, true}, login.access, login.refresh)
}
