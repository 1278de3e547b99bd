package server

import (
	"errors"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/storage"
)

// revoke is the revocation endpoint (RFC 7009). A token that is none is revoked already; a fault never looks like that.
func (x *exchange) revoke() {
	text, ok := x.clientForm()
	if !ok {
		return
	}
	caller, err := x.s.Provider.AuthenticateClient(x.r.Context(), x.r, x.r.PostForm)
	if err != nil {
		x.answer(audit.EventRevoke, nil, x.fromError(err, true), nil)
		return
	}
	if text == "" {
		x.refuse(errNoToken)
		return
	}
	grant, err := x.s.Provider.Tokens.Revoke(x.r.Context(), x.realm, caller.ID, text)
	if grant != (storage.GrantID{}) {
		x.trace.GrantID = grant.String()
	}
	var refused *refusal
	switch {
	case errors.Is(err, storage.ErrOtherClient):
		x.trace.Reason = audit.Token
		refused = errOtherClient
	case err != nil:
		refused = x.fromError(err, true)
	}
	x.answer(audit.EventRevoke, struct{}{}, refused, nil)
}
