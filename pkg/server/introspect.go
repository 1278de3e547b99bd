package server

import (
	"errors"
	"net/http"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
)

// inactive is the whole answer about a token that is not active, or none of the caller's business (RFC 7662 section
// 2.2).
type inactive struct {
	Active bool `json:"active"`
}

// introspect is the introspection endpoint (RFC 7662): for confidential clients, about their own tokens, and about
// others' with the scopes for it.
func (x *exchange) introspect() {
	text, ok := x.clientForm()
	if !ok {
		return
	}
	caller, err := x.s.Provider.AuthenticateClient(x.r.Context(), x.r, x.r.PostForm)
	if err == nil && caller.Public {
		err = provider.ErrInvalidClient
		x.trace.Reason = audit.Request
	}
	if err != nil {
		x.answer(audit.EventIntrospect, nil, x.fromError(err, true), nil)
		return
	}
	if text == "" {
		x.refuse(errNoToken)
		return
	}
	active, err := x.find(caller.Client, text)
	switch {
	case errors.Is(err, ropc.ErrInactive):
		x.write(http.StatusOK, inactive{})
	case err != nil:
		x.answer(audit.EventIntrospect, nil, x.fromError(err, true), nil)
	case !x.mayKnow(caller.Client, active):
		x.write(http.StatusOK, inactive{})
	default:
		x.write(http.StatusOK, active.Document())
	}
}

// find looks for the token in the caller's realm, and, for who may, in all others. A token of another realm fails its MAC
// and costs no store call.
func (x *exchange) find(caller *realm.Client, text string) (*ropc.Active, error) {
	active, err := x.s.Provider.Tokens.Inspect(x.r.Context(), x.realm, text, false)
	if !errors.Is(err, ropc.ErrInactive) || !hasScope(caller, realm.ScopeIntrospectAnyRealm) {
		return active, err
	}
	for _, other := range x.realms.All() {
		if other == x.realm {
			continue
		}
		active, err = x.s.Provider.Tokens.Inspect(x.r.Context(), other, text, false)
		if !errors.Is(err, ropc.ErrInactive) {
			break
		}
	}
	return active, err
}

// mayKnow is the caller's right to know about a token: its own; any access token of its realm, or of any realm, with the
// scope for it. A refresh token is told about to its own client only.
func (x *exchange) mayKnow(caller *realm.Client, a *ropc.Active) bool {
	home := a.Realm == x.realm
	switch {
	case home && a.Grant.ClientID == caller.ID:
		return true
	case a.Kind == token.Refresh:
		return false
	case hasScope(caller, realm.ScopeIntrospectAnyRealm):
		return true
	}
	return home && hasScope(caller, realm.ScopeIntrospectRealm)
}
