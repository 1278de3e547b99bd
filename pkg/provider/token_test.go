package provider_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// ask sends a form to the token endpoint in /alpha.
func ask(t *testing.T, p *provider.Provider, headers []string, form url.Values) (fosite.AccessResponder, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header["Authorization"] = headers
	alpha, _ := p.Current().Realm("/alpha")
	return p.Token(ropc.NewContext(t.Context(), &ropc.Site{Realm: alpha}), r)
}

func passwordForm(user, secret string) url.Values {
	return post("grant_type", "password", "username", user, "password", secret, "scope", "write")
}

func TestTokenPassesErrorsOfClientAuthenticationOn(t *testing.T) {
	s := newSite(t)
	if _, err := ask(t, s.Provider, basic("c", "secret"), passwordForm("demo", "x")); !errors.Is(err, provider.ErrInvalidClient) {
		t.Errorf("unknown client: %v", err)
	}
	s.store.fail(storage.ErrUnavailable)
	_, err := ask(t, s.Provider, basic("c", "secret"), passwordForm("demo", "x"))
	if !errors.Is(err, storage.ErrUnavailable) || ropc.Fault(err).CodeField != http.StatusServiceUnavailable {
		t.Errorf("store away: %v", err)
	}
}

// whole is a provider on a store that is real, with the owner demo.
func whole(t *testing.T) *provider.Provider {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	user := &realm.User{Realm: "/alpha", ID: "id-1", Username: "demo", PasswordHash: slowPrefix + "right", Enabled: true}
	if err := db.CreateUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	set, problems := journey.Build(map[string]journey.Definition{"J": {Enabled: true, Entry: "a", Nodes: map[string]journey.NodeDefinition{
		"a": {Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": "b", "no_credentials": "failure"}},
		"b": {Type: "DataStoreDecision", Outcomes: map[string]string{"true": "success", "false": "failure"}},
	}}}, nodes.Table(), journey.Env{})
	secrets, err := token.NewSecrets(bytes.Repeat([]byte{7}, 32))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	client := confidential("c", "secret")
	client.GrantTypes, client.Scopes = []string{realm.GrantPassword, realm.GrantRefresh}, []string{"write"}
	p := &realm.Provider{
		GrantTypes: client.GrantTypes, PasswordGrantAuthenticationService: "J", AccessTokenLifetime: time.Hour,
		RefreshTokenLifetime: time.Hour, RefreshTokenMaxLifetime: realm.Never, IssueRefreshToken: true, IssueRefreshTokenOnRefresh: true,
	}
	alpha := &realm.Realm{Path: "/alpha", Active: true, Provider: p, Clients: []*realm.Client{&client}}
	current, err := provider.NewRealms(secrets, []provider.Source{{Realm: alpha, Journeys: set}})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t) // for its pool and hashes
	return provider.New(provider.Options{Store: db, Passwords: s.Passwords, Pool: s.pool, Realms: current})
}

func TestTokenServesBothGrants(t *testing.T) {
	p := whole(t)
	first, err := ask(t, p, basic("c", "secret"), passwordForm("Demo", "right"))
	if err != nil {
		t.Fatal(err)
	}
	refresh, _ := first.GetExtra("refresh_token").(string)
	second, err := ask(t, p, basic("c", "secret"), post("grant_type", "refresh_token", "refresh_token", refresh))
	if err != nil {
		t.Fatal(err)
	}
	alpha, _ := p.Current().Realm("/alpha")
	for _, response := range []fosite.AccessResponder{first, second} {
		active, err := p.Tokens.Inspect(t.Context(), alpha, response.GetAccessToken(), true)
		if err != nil || active.Grant.Subject != "id-1" || response.GetTokenType() != "Bearer" || response.GetExtra("scope") != "write" {
			t.Errorf("response %v, error %v", response.ToMap(), err)
		}
	}
	if _, err := ask(t, p, basic("c", "secret"), passwordForm("demo", "wrong")); !errors.Is(err, ropc.ErrInvalidGrant) {
		t.Errorf("wrong password: %v", err)
	}
}

// fosite never gets to ask for a client, or for an assertion, by itself.
func TestTokenTakesNoClientAssertion(t *testing.T) {
	form := passwordForm("demo", "right")
	form.Set("client_assertion", "x")
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	if _, err := ask(t, whole(t), nil, form); !errors.Is(err, provider.ErrInvalidClient) {
		t.Errorf("error %v", err)
	}
}

func TestPasswordIsTakenOutOfARequestOfTheServer(t *testing.T) {
	p := whole(t)
	for secret, want := range map[string]error{"right": nil, "wrong": ropc.ErrInvalidGrant} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(passwordForm("demo", secret).Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header["Authorization"] = basic("c", "secret")
		alpha, _ := p.Current().Realm("/alpha")
		if _, err := p.Token(ropc.NewContext(t.Context(), &ropc.Site{Realm: alpha}), r); !errors.Is(err, want) {
			t.Fatal(err)
		}
		if r.PostForm.Has("password") || r.Form.Has("password") || r.PostForm.Has("username") || r.Form.Has("username") {
			t.Errorf("left in the form: %v, %v", r.Form, r.PostForm)
		}
	}
}
