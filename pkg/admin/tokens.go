package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// TokenRef is a token of a realm.
type TokenRef struct {
	InRealm
	Token string `json:"token"`
}

// Introspection is what introspection would tell the token's own client, as the same document: {"active":false} alone
// for a token that is not active.
type Introspection struct{ ropc.Document }

// MarshalJSON implements json.Marshaler.
func (i Introspection) MarshalJSON() ([]byte, error) {
	if !i.Active {
		return []byte(`{"active":false}`), nil
	}
	return json.Marshal(i.Document)
}

func (a *api) introspect(ctx context.Context, in TokenRef) (Introspection, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return Introspection{}, err
	}
	active, err := a.Provider.Tokens.Inspect(ctx, r, in.Token, false)
	if errors.Is(err, ropc.ErrInactive) {
		return Introspection{}, nil
	}
	if err != nil {
		return Introspection{}, fmt.Errorf("introspect: %w", err)
	}
	return Introspection{active.Document()}, nil
}

// revokeToken ends what a token stands for, whichever client has it. A token that is none is revoked already.
func (a *api) revokeToken(ctx context.Context, in TokenRef, t *trail) (Nothing, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return Nothing{}, err
	}
	t.Realm = string(r.Path)
	tok, ok := r.Keys.Read(in.Token)
	if !ok {
		return Nothing{}, refuse(CodeInvalid, "this is not a token of realm %s", r.Path)
	}
	t.GrantID = tok.Grant.String()
	view, err := a.Store.Inspect(ctx, tok.Grant)
	if errors.Is(err, storage.ErrNotFound) {
		t.unchanged = true
		return Nothing{}, nil
	}
	if err != nil {
		return Nothing{}, fmt.Errorf("inspect: %w", err)
	}
	t.ClientID, t.Username, t.Subject = view.Grant.ClientID, view.Grant.Username, view.Grant.Subject
	if _, err := a.Provider.Tokens.Revoke(ctx, r, view.Grant.ClientID, in.Token); err != nil {
		return Nothing{}, fmt.Errorf("revoke: %w", err)
	}
	return Nothing{}, nil
}
