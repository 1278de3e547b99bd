package ropc_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/ropc"
)

// Fakes of what a host brings.
type (
	authenticator func(ctx context.Context, r ropc.Request) (ropc.Result, error)
	issuer        func(ctx context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error
)

func (f authenticator) Authenticate(ctx context.Context, r ropc.Request) (ropc.Result, error) {
	return f(ctx, r)
}

func (f issuer) Issue(ctx context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error {
	return f(ctx, r, w)
}

// yes authenticates everybody.
func yes(_ context.Context, r ropc.Request) (ropc.Result, error) {
	return ropc.Result{Subject: "id-1", Username: strings.ToLower(r.Username), Claims: map[string]string{"tier": "gold"}}, nil
}

// issue gives a token that tells its scopes.
func issue(_ context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error {
	w.SetAccessToken("token for " + strings.Join(r.GetGrantedScopes(), " "))
	w.SetTokenType("Bearer")
	return nil
}

// host is a stock fosite server with the handler in it.
type host struct {
	authenticate authenticator
	issue        issuer
	client       fosite.Client
	session      fosite.Session
	site         *ropc.Site                    // nil: a host without realms
	others       []fosite.TokenEndpointHandler // after ours
	first        []fosite.TokenEndpointHandler // before ours
}

func newHost() *host {
	return &host{
		authenticate: yes, issue: issue, session: &fosite.DefaultSession{},
		client: &fosite.DefaultClient{ID: "app", GrantTypes: []string{"password"}, Scopes: []string{"read", "write"}},
	}
}

// exchange is one request through the host.
type exchange struct {
	r         *http.Request
	requester fosite.AccessRequester
	response  fosite.AccessResponder
}

func (h *host) ask(t testing.TB, form url.Values) (x exchange, err error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/token?"+url.Values{"username": {"q"}, "password": {"query"}}.Encode(), strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.serve(t, r)
}

func (h *host) serve(t testing.TB, r *http.Request) (x exchange, err error) {
	t.Helper()
	handlers := append(append(h.first, &ropc.Handler{Authenticator: h.authenticate, Issuer: h.issue}), h.others...)
	server := fosite.NewOAuth2Provider(nil, &fosite.Config{
		TokenEndpointHandlers: handlers,
		ClientAuthenticationStrategy: func(context.Context, *http.Request, url.Values) (fosite.Client, error) {
			if h.client == nil {
				return nil, fosite.ErrInvalidClient
			}
			return h.client, nil
		},
	})
	ctx := t.Context()
	if h.site != nil {
		ctx = ropc.NewContext(ctx, h.site)
	}
	x.r = r.WithContext(ctx)
	if x.requester, err = server.NewAccessRequest(ctx, x.r, h.session); err == nil {
		x.response, err = server.NewAccessResponse(ctx, x.requester)
	}
	return x, err
}

func passwordForm(pairs ...string) url.Values {
	form := url.Values{"grant_type": {"password"}, "username": {"Demo"}, "password": {"changeit"}, "scope": {"read"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

// refused reports a result that is not exactly that refusal, in a test.
func refused(t testing.TB, what string, got error, want *fosite.RFC6749Error) {
	t.Helper()
	var rfc *fosite.RFC6749Error
	if !errors.As(got, &rfc) {
		t.Errorf("%s: error %v, want %v", what, got, want)
		return
	}
	if rfc.ErrorField != want.ErrorField || rfc.DescriptionField != want.DescriptionField || rfc.CodeField != want.CodeField || rfc.HintField != "" {
		t.Errorf("%s: %d %s %q, want %d %s %q", what, rfc.CodeField, rfc.ErrorField, rfc.GetDescription(), want.CodeField, want.ErrorField, want.DescriptionField)
	}
}
