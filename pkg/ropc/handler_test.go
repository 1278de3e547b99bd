package ropc_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

func TestHandlerAsksItsAuthenticatorAndIssuer(t *testing.T) {
	h := newHost()
	h.site = &ropc.Site{Realm: &ropc.Realm{Realm: &realm.Realm{Path: "/Alpha", Provider: &realm.Provider{GrantTypes: []string{"password"}}}}, Address: "192.0.2.7", AddressOf: ropc.AddressConnected}
	var asked ropc.Request
	h.authenticate = func(ctx context.Context, r ropc.Request) (ropc.Result, error) {
		asked = r
		return yes(ctx, r)
	}
	x, err := h.ask(t, passwordForm("scope", "write  read", "auth_chain", "J"))
	if err != nil {
		t.Fatal(err)
	}
	want := ropc.Request{
		Realm: "/alpha", Client: h.client, Username: "Demo", Password: "changeit", AuthChain: "J",
		Scopes: []string{"write", "read"}, Address: "192.0.2.7",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
	if got := x.response.GetAccessToken(); got != "token for write read" {
		t.Errorf("token %q", got)
	}
}

func TestHandlerGivesTheResultToTheSession(t *testing.T) {
	h := newHost()
	if _, err := h.ask(t, passwordForm()); err != nil {
		t.Fatal(err)
	}
	if h.session.GetSubject() != "id-1" || h.session.GetUsername() != "demo" {
		t.Errorf("session %+v", h.session)
	}
	own := &ropc.Session{}
	h.session = own
	if _, err := h.ask(t, passwordForm()); err != nil {
		t.Fatal(err)
	}
	want := ropc.Result{Subject: "id-1", Username: "demo", Claims: map[string]string{"tier": "gold"}}
	if diff := cmp.Diff(want, own.Result); diff != "" {
		t.Error(diff)
	}
	embedded := &struct{ *fosite.DefaultSession }{&fosite.DefaultSession{}}
	h.session = embedded
	if _, err := h.ask(t, passwordForm()); err != nil || embedded.Subject != "id-1" {
		t.Errorf("a session of the host's own: %+v, %v", embedded, err)
	}
}

// Every check that a request fails is made before the ones behind it: a request with all faults at once gets one after
// the other.
func TestHandlerChecksInTheOrderOfTheContract(t *testing.T) {
	h := newHost()
	client := &fosite.DefaultClient{ID: "app", Public: true, GrantTypes: []string{"refresh_token"}, Scopes: []string{"read"}}
	settings := &realm.Provider{}
	h.client, h.site = client, &ropc.Site{Realm: &ropc.Realm{Realm: &realm.Realm{Path: "/alpha", Provider: settings}}}
	h.authenticate = func(context.Context, ropc.Request) (ropc.Result, error) {
		return ropc.Result{Denied: "wrong_password"}, nil
	}
	form := passwordForm("username", "", "password", "", "scope", "unknown")
	for _, step := range []struct {
		name string
		want *fosite.RFC6749Error
		mend func()
	}{
		{"grant type of the realm", ropc.ErrUnsupportedGrantType, func() { settings.GrantTypes = []string{"password"} }},
		{"grant type of the client", ropc.ErrUnauthorizedClient, func() { client.GrantTypes = []string{"password"} }},
		{"public client", ropc.ErrUnauthorizedClient, func() { client.Public = false }},
		{"username", ropc.ErrMissingUsername, func() { form.Set("username", "demo") }},
		{"password", ropc.ErrMissingPassword, func() { form.Set("password", "changeit") }},
		{"scope", ropc.ErrUnknownScope, func() { form.Set("scope", "read") }},
		{"authenticator", ropc.ErrInvalidGrant, func() { h.authenticate = yes }},
	} {
		_, err := h.ask(t, form)
		refused(t, step.name, err, step.want)
		step.mend()
	}
	if _, err := h.ask(t, form); err != nil {
		t.Errorf("with everything mended: %v", err)
	}
}

func TestPublicClientNeedsLeave(t *testing.T) {
	h := newHost()
	for allowed, want := range map[bool]*fosite.RFC6749Error{true: nil, false: ropc.ErrUnauthorizedClient} {
		h.client = ropc.Client{Client: &realm.Client{
			ID: "spa", Public: true, AllowPublicPasswordGrant: allowed, GrantTypes: []string{"password"}, Scopes: []string{"read"},
		}}
		if _, err := h.ask(t, passwordForm()); want != nil {
			refused(t, "not allowed", err, want)
		} else if err != nil {
			t.Error(err)
		}
	}
}

// A client that did not authenticate never gets as far as the authenticator.
func TestHandlerNeverSkipsClientAuthentication(t *testing.T) {
	h := newHost()
	h.client = nil
	h.authenticate = func(context.Context, ropc.Request) (ropc.Result, error) { panic("asked") }
	if _, err := h.ask(t, passwordForm()); !errors.Is(err, fosite.ErrInvalidClient) {
		t.Errorf("error %v", err)
	}
}

// A Result that was forgotten is no success.
func TestAuthenticatorMustNameTheSubject(t *testing.T) {
	h := newHost()
	h.authenticate = func(context.Context, ropc.Request) (ropc.Result, error) { return ropc.Result{}, nil }
	x, err := h.ask(t, passwordForm())
	refused(t, "no subject", err, ropc.ErrInternal)
	if len(x.requester.GetGrantedScopes()) != 0 {
		t.Error("scopes were granted")
	}
}

func TestDenialGrantsNothing(t *testing.T) {
	h := newHost()
	h.authenticate = func(context.Context, ropc.Request) (ropc.Result, error) {
		return ropc.Result{Denied: "locked", Subject: "id-1"}, nil
	}
	x, err := h.ask(t, passwordForm())
	refused(t, "denied", err, ropc.ErrInvalidGrant)
	if len(x.requester.GetGrantedScopes()) != 0 || h.session.GetSubject() != "" {
		t.Error("something was granted")
	}
}
