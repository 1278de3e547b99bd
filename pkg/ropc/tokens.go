package ropc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// ErrInactive means that a token is not, or no longer, one that anybody may use: malformed, expired, revoked, of another
// realm, or of a client that may no longer have tokens. It never means that something could not be found out.
var ErrInactive = errors.New("token is not active")

// ClientSource finds clients, static and dynamic: the realm's, by id, or storage.ErrNotFound.
type ClientSource interface {
	Lookup(ctx context.Context, realmKey, id string) (*realm.Client, error)
}

// Tokens tells whether tokens are active, and ends them. Safe for concurrent use.
type Tokens struct {
	Grants  storage.Grants
	Clients ClientSource
}

// Active is a token that may be used, as of Now.
type Active struct {
	Realm   *Realm
	Kind    token.Kind
	Grant   *storage.Grant
	User    *realm.User // with owner only; nil: gone
	Number  uint32
	Scopes  []string
	Expires time.Time // zero: never
	Now     time.Time
}

// Inspect is a token of the realm if it is active, else [ErrInactive]; owner asks for the resource owner as well, in the
// same step. This is the one place that decides it, for every endpoint. Other errors are faults.
func (t *Tokens) Inspect(ctx context.Context, r *Realm, text string, owner bool) (*Active, error) {
	if !r.Active || r.Provider == nil {
		return nil, ErrInactive
	}
	tok, ok := r.Keys.Read(text)
	if !ok {
		return nil, ErrInactive
	}
	read := t.Grants.Inspect
	if owner {
		read = t.Grants.InspectOwner
	}
	view, err := read(ctx, tok.Grant)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, ErrInactive
	}
	if err != nil {
		return nil, fmt.Errorf("inspect grant: %w", err)
	}
	active, ok := judge(r, tok, view)
	if !ok {
		return nil, ErrInactive
	}
	client, err := t.Clients.Lookup(ctx, r.Path.Key(), view.Grant.ClientID)
	if errors.Is(err, storage.ErrNotFound) || (err == nil && !client.Enabled) {
		return nil, ErrInactive
	}
	if err != nil {
		return nil, fmt.Errorf("client of the grant: %w", err)
	}
	return active, nil
}

// judge compares a token with its grant as it stands.
func judge(r *Realm, tok token.Token, v storage.View) (*Active, bool) {
	g := v.Grant
	a := &Active{Realm: r, Kind: tok.Kind, Grant: g, User: v.User, Number: tok.Number, Now: v.Now}
	if g.Realm != r.Path.Key() {
		return nil, false
	}
	switch tok.Kind {
	case token.Access:
		a.Scopes = g.Select(tok.Scopes)
		a.Expires = storage.Earlier(tok.Expires, g.MaxExpires)
		if !tok.Secret.Digest().Equal(g.AccessDigest) || tok.Number > g.Seq || g.IsRevoked(tok.Number) {
			return nil, false
		}
	case token.Refresh:
		a.Scopes = g.Scopes
		a.Expires = storage.Earlier(g.RefreshExpires, g.MaxExpires)
		if !tok.Secret.Digest().Equal(g.RefreshDigest) || tok.Number != g.Generation || !g.HasRefresh {
			return nil, false
		}
	}
	return a, !storage.Over(a.Expires, v.Now)
}

// Revoke ends what a token of the realm stands for (RFC 7009 section 2.1): a refresh token, spent ones too, the whole
// grant; an access token itself. It returns the token's grant id, the zero one for what is no token of this realm.
// Nothing to end is no error. storage.ErrOtherClient leaves another client's token as it is; other errors are faults.
func (t *Tokens) Revoke(ctx context.Context, r *Realm, clientID, text string) (storage.GrantID, error) {
	tok, ok := r.Keys.Read(text)
	if !ok {
		return storage.GrantID{}, nil
	}
	err := t.Grants.Revoke(ctx, storage.Revocation{
		ID: tok.Grant, Digest: tok.Secret.Digest(), Access: tok.Kind == token.Access, Seq: tok.Number,
		Realm: r.Path.Key(), ClientID: clientID,
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return tok.Grant, fmt.Errorf("revoke: %w", err)
	}
	return tok.Grant, nil
}
