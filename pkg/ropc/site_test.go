package ropc_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// site is the realm /alpha with both grants, on a store that is real.
type site struct {
	*bolt.Store
	hashes   *evaluations
	pool     *password.Pool
	realm    *ropc.Realm
	settings *realm.Provider // of the realm, for tests to change
	client   *realm.Client   // the one that asks, for tests to change
	address  string          // of the end user, for tests to change
	of       ropc.AddressOf

	login  ropc.Authenticator // for tests to wrap
	logins *faultyLogins
	grants *faultyGrants
}

var lockout = realm.Lockout{Threshold: 5, Window: 24 * time.Hour, Duration: time.Hour, MaxDuration: time.Hour}

func newSite(t *testing.T) *site {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Store: db, address: "192.0.2.7", hashes: &evaluations{}, logins: &faultyLogins{Logins: db}, grants: &faultyGrants{grantStore: db}}
	s.pool = password.NewPool(password.PoolOptions{Workers: 4, Cost: time.Nanosecond, MaxWait: time.Minute, MaxTickets: 10000})
	t.Cleanup(func() {
		s.pool.Close()
		_ = db.Close()
	})
	passwords, err := password.NewSet(cheap{"$cheap$", s.hashes}, cheap{"$old$", s.hashes})
	if err != nil {
		t.Fatal(err)
	}
	s.login = &ropc.Login{Guard: &guard.Guard{Logins: s.logins, Pool: s.pool}, Passwords: passwords, Users: db, Seeds: s.seeds(t, "a")}
	s.settings = &realm.Provider{
		GrantTypes:                         []string{"password", "refresh_token"},
		PasswordGrantAuthenticationService: "Check", AccessTokenLifetime: time.Hour, RefreshTokenLifetime: 24 * time.Hour,
		RefreshTokenMaxLifetime: realm.Never, RefreshTokenGracePeriod: 10 * time.Second,
		IssueRefreshToken: true, IssueRefreshTokenOnRefresh: true,
	}
	s.realm = newRealm(t, "/alpha", s.settings)
	s.client = &realm.Client{
		Realm: "/alpha", ID: "app", Enabled: true, GrantTypes: []string{"password", "refresh_token"}, Scopes: []string{"read", "write", "mail"},
	}
	s.owner(t, "demo")
	return s
}

func newRealm(t *testing.T, path realm.Path, p *realm.Provider) *ropc.Realm {
	t.Helper()
	secrets, err := token.NewSecrets(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secrets.For(path.Key())
	if err != nil {
		t.Fatal(err)
	}
	r := &realm.Realm{Path: path, Active: true, Provider: p, Authentication: realm.Authentication{Lockout: lockout}}
	return &ropc.Realm{Realm: r, Journeys: journeys(t), Keys: keys}
}

// owner adds a resource owner with the password "right".
func (s *site) owner(t *testing.T, name string, change ...func(u *realm.User)) {
	t.Helper()
	u := &realm.User{Realm: "/alpha", ID: "id-" + name, Username: name, PasswordHash: "$cheap$of-right", Enabled: true}
	for _, f := range change {
		f(u)
	}
	if err := s.CreateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// change is an administrative change of an owner.
func (s *site) change(t *testing.T, name string, change func(u *realm.User)) {
	t.Helper()
	u := s.user(t, name)
	change(u)
	if err := s.UpdateUser(t.Context(), u, !u.Enabled); err != nil {
		t.Fatal(err)
	}
}

func (s *site) user(t testing.TB, name string) *realm.User {
	t.Helper()
	u, err := s.UserByName(t.Context(), "/alpha", name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// unsettled reports whether an attempt on a name is still reserved.
func (s *site) unsettled(t testing.TB, name string) bool {
	t.Helper()
	failures := 0
	if u, err := s.UserByName(t.Context(), "/alpha", name); err == nil {
		failures = u.Login.Failures
	}
	strict := realm.Lockout{Threshold: failures + 1, Window: 24 * time.Hour, Duration: time.Hour, MaxDuration: time.Hour}
	b, err := s.Begin(t.Context(), storage.Attempt{Realm: "/alpha", Username: name, Policy: strict, Hold: time.Minute})
	if err == nil {
		err = s.Finish(t.Context(), storage.Settlement{Reservation: b.Reservation, Outcome: storage.Void})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Standing == storage.Busy
}

// reply is an answer of the token endpoint.
type reply struct {
	access, refresh, scope string
	expires                any
	trace                  ropc.Trace
}

func (s *site) ask(t testing.TB, form url.Values) (reply, error) {
	t.Helper()
	return s.askWithin(t, t.Context(), form)
}

func (s *site) askWithin(t testing.TB, ctx context.Context, form url.Values) (out reply, err error) {
	t.Helper()
	asking := *s.client
	core := fosite.NewOAuth2Provider(nil, &fosite.Config{
		TokenEndpointHandlers: fosite.TokenEndpointHandlers{
			&ropc.Handler{Authenticator: s.login, Issuer: ropc.GrantIssuer{}}, &ropc.RefreshHandler{Grants: s.grants},
		},
		ClientAuthenticationStrategy: func(context.Context, *http.Request, url.Values) (fosite.Client, error) {
			return ropc.Client{Client: &asking}, nil
		},
	})
	ctx = ropc.NewContext(ctx, &ropc.Site{Realm: s.realm, Address: s.address, AddressOf: s.of, Trace: &out.trace})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request, err := core.NewAccessRequest(ctx, r, &ropc.Session{})
	if err != nil {
		return out, err
	}
	response, err := core.NewAccessResponse(ctx, request)
	if err != nil {
		return out, err
	}
	out.access, out.expires = response.GetAccessToken(), response.GetExtra("expires_in")
	out.refresh, _ = response.GetExtra("refresh_token").(string)
	out.scope, _ = response.GetExtra("scope").(string)
	if response.GetTokenType() != "Bearer" {
		err = errors.New("the token is of another type")
	}
	return out, err
}

// as logs in.
func (s *site) as(t testing.TB, name, secret string) (reply, error) {
	t.Helper()
	return s.ask(t, passwordForm("username", name, "password", secret, "scope", "read write"))
}
