package server

import (
	"context"
	"slices"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// tokenParameters are those of the token endpoint.
var tokenParameters = []string{
	"grant_type", "username", "password", "scope", "auth_chain", "refresh_token", "client_id", "client_secret", "realm",
	"client_assertion", "cnf_key",
}

// grantEvents are the grant types that there are.
var grantEvents = map[string]string{realm.GrantPassword: audit.EventGrant, realm.GrantRefresh: audit.EventRefresh}

// tokens is the answer of RFC 6749 section 5.1. No other keys.
type tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
	TokenType    string `json:"token_type"`
	ExpiresIn    any    `json:"expires_in,omitempty"`
}

// token is the token endpoint (RFC 6749 section 3.2), after realm and method: form, grant type, then the client and the
// grant, in fosite.
func (x *exchange) token() {
	form, refused := readForm(x.r, tokenParameters, x.realm.Journeys.Parameters())
	if refused != nil {
		x.refuse(refused)
		return
	}
	event, known := grantEvents[form.Get("grant_type")]
	switch {
	case !form.Has("grant_type"):
		x.refuse(errNoGrantType)
		return
	case !known:
		x.refuse(errGrantType)
		return
	case form.Has("client_assertion"):
		x.refuse(errAssertion)
		return
	case form.Has("cnf_key"):
		x.refuse(errConfirmation)
		return
	}
	response, err := x.s.Provider.Token(x.r.Context(), x.r)
	if err != nil {
		x.answer(event, nil, x.fromError(err, false), nil)
		return
	}
	document := tokens{AccessToken: response.GetAccessToken(), TokenType: response.GetTokenType(), ExpiresIn: response.GetExtra("expires_in")}
	document.RefreshToken, _ = response.GetExtra("refresh_token").(string)
	document.Scope, _ = response.GetExtra("scope").(string)
	x.w.Header().Set("Pragma", "no-cache")
	x.answer(event, document, nil, x.endGrant)
}

// undoTime is for taking back a grant, also when the caller has gone or the request's time is over.
const undoTime = 2 * time.Second

// endGrant takes back a grant whose audit event could not be written.
func (x *exchange) endGrant(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	id, err := storage.ParseGrantID(x.trace.GrantID)
	if err != nil {
		return err
	}
	return x.s.Store.EndGrant(ctx, x.realm.Path.Key(), id)
}

// clientForm reads the form of an endpoint that clients use with a token (RFC 7662 section 2.1, RFC 7009 section 2.1).
func (x *exchange) clientForm() (token string, ok bool) {
	form, refused := readForm(x.r, []string{"token", "token_type_hint", "client_id", "client_secret", "realm", "client_assertion"}, nil)
	if refused == nil && form.Has("client_assertion") {
		refused = errAssertion
	}
	if refused != nil {
		x.refuse(refused)
		return "", false
	}
	return form.Get("token"), true
}

// hasScope reports whether a client may have a scope.
func hasScope(c *realm.Client, scope string) bool { return slices.Contains(c.Scopes, scope) }
