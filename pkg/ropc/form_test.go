package ropc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// totp is a node type that reads the parameter totp.
type totp struct{}

func (totp) Outcomes() []string                                  { return []string{"outcome"} }
func (totp) Parameters() []string                                { return []string{"totp"} }
func (t totp) Open(journey.Env) (journey.Node, error)            { return t, nil }
func (totp) Run(context.Context, *journey.State) (string, error) { return "outcome", nil }

// withTOTP is a realm whose only journey declares totp.
func withTOTP(t testing.TB, grantTypes ...string) *ropc.Realm {
	t.Helper()
	types := nodes.Table()
	types["TOTP"] = func() journey.Settings { return totp{} }
	set, problems := journey.Build(map[string]journey.Definition{"J": {
		Enabled: true, AllowUnverified: true, Entry: "a",
		Nodes: map[string]journey.NodeDefinition{"a": {Type: "TOTP", Next: journey.Success}},
	}}, types, journey.Env{})
	if len(problems) > 0 && !problems[0].Warning {
		t.Fatal(problems)
	}
	return &ropc.Realm{Realm: &realm.Realm{Path: "/alpha", Provider: &realm.Provider{GrantTypes: grantTypes}}, Journeys: set}
}

// credentials are what nobody but the Authenticator may see.
var credentials = []string{"username", "password", "totp"}

func noCredentials(t *testing.T, what string, x exchange) {
	t.Helper()
	forms := map[string]url.Values{"Form": x.r.Form, "PostForm": x.r.PostForm}
	if x.requester != nil {
		forms["requester"] = x.requester.GetRequestForm()
		forms["sanitized"] = x.requester.Sanitize(credentials).GetRequestForm()
	}
	if x.r.MultipartForm != nil {
		forms["MultipartForm"] = x.r.MultipartForm.Value
	}
	for name, form := range forms {
		for _, parameter := range credentials {
			if form.Has(parameter) {
				t.Errorf("%s: %s is left in %s", what, parameter, name)
			}
		}
		if !form.Has("grant_type") && name != "MultipartForm" {
			t.Errorf("%s: the whole %s is gone", what, name)
		}
	}
}

func TestCredentialsLeaveTheFormOnEveryPath(t *testing.T) {
	denied := func(context.Context, ropc.Request) (ropc.Result, error) { return ropc.Result{Denied: "locked"}, nil }
	for _, tc := range []struct {
		name  string
		form  url.Values
		setup func(h *host)
		want  *fosite.RFC6749Error
	}{
		{"success", passwordForm(), func(*host) {}, nil},
		{"grant type of the realm", passwordForm(), func(h *host) { h.site.Realm.Provider.GrantTypes = nil }, ropc.ErrUnsupportedGrantType},
		{"grant type of the client", passwordForm(), func(h *host) { h.client = &fosite.DefaultClient{} }, ropc.ErrUnauthorizedClient},
		{"no username", passwordForm("username", ""), func(*host) {}, ropc.ErrMissingUsername},
		{"no password", passwordForm("password", ""), func(*host) {}, ropc.ErrMissingPassword},
		{"scope", passwordForm("scope", "other"), func(*host) {}, ropc.ErrUnknownScope},
		{"denied", passwordForm(), func(h *host) { h.authenticate = denied }, ropc.ErrInvalidGrant},
		{"fault of the authenticator", passwordForm(), func(h *host) {
			h.authenticate = func(context.Context, ropc.Request) (ropc.Result, error) { return ropc.Result{}, errors.New("x") }
		}, ropc.ErrInternal},
		{"fault of the issuer", passwordForm(), func(h *host) {
			h.issue = func(context.Context, fosite.AccessRequester, fosite.AccessResponder) error { return errors.New("x") }
		}, ropc.ErrInternal},
		{"twice", url.Values{"grant_type": {"password"}, "username": {"a", "b"}, "password": {"a", "b"}}, func(h *host) { h.authenticate = denied }, ropc.ErrNoScope},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost()
			h.site = &ropc.Site{Realm: withTOTP(t, "password")}
			tc.setup(h)
			tc.form.Set("totp", "123456")
			x, err := h.ask(t, tc.form)
			if tc.want != nil {
				refused(t, tc.name, err, tc.want)
			} else if err != nil {
				t.Error(err)
			}
			noCredentials(t, tc.name, x)
		})
	}
}

func TestCredentialsHaveLeftTheFormWhenOthersAreAsked(t *testing.T) {
	h := newHost()
	h.site = &ropc.Site{Realm: withTOTP(t, "password")}
	var parameters url.Values
	look := func(ctx context.Context) {
		request, _ := ctx.Value(fosite.AccessRequestContextKey).(fosite.AccessRequester)
		for _, name := range credentials {
			if request.GetRequestForm().Has(name) {
				t.Errorf("%s is there", name)
			}
		}
	}
	h.authenticate = func(ctx context.Context, r ropc.Request) (ropc.Result, error) {
		look(ctx)
		parameters = r.Parameters
		return yes(ctx, r)
	}
	h.issue = func(ctx context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error {
		look(ctx)
		return issue(ctx, r, w)
	}
	if _, err := h.ask(t, passwordForm("totp", "123456", "other", "x")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(url.Values{"totp": {"123456"}}, parameters); diff != "" {
		t.Error(diff)
	}
}

func TestCredentialsLeaveTheFormBeforeAPanic(t *testing.T) {
	h := newHost()
	h.authenticate = func(context.Context, ropc.Request) (ropc.Result, error) { panic("of the host") }
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewBufferString(passwordForm().Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if fmt.Sprint(recover()) != "of the host" {
				t.Error("another panic, or none")
			}
		}()
		_, _ = h.serve(t, r)
	}()
	noCredentials(t, "panic", exchange{r: r})
}

// fosite takes multipart bodies; Go keeps their fields in one form more.
func TestCredentialsLeaveAMultipartForm(t *testing.T) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range passwordForm() {
		_ = w.WriteField(name, values[0])
	}
	_ = w.Close()
	r := httptest.NewRequest(http.MethodPost, "/", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	x, err := newHost().serve(t, r)
	if err != nil || x.r.MultipartForm == nil {
		t.Fatalf("error %v", err)
	}
	noCredentials(t, "multipart", x)
}
