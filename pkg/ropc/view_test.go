package ropc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// view is a store that knows one grant, as it is, whatever is asked.
type view struct {
	grantStore
	grant *storage.Grant
}

func (v view) Inspect(context.Context, storage.GrantID) (storage.View, error) {
	return storage.View{Grant: v.grant, Now: at}, nil
}

// Inspect believes the grant's record and nothing else: not a token's own expiry, and not that the store has looked.
func TestInspectHoldsATokenAgainstItsGrant(t *testing.T) {
	r := newRealm(t, "/alpha", &realm.Provider{})
	secret := token.NewSecret()
	access := token.Token{Kind: token.Access, Number: 1, Secret: secret.Access(), Expires: at.Add(time.Hour), Scopes: 1}
	refresh := token.Token{Kind: token.Refresh, Secret: secret}
	for _, tc := range []struct {
		name            string
		change          func(g *storage.Grant)
		access, refresh bool
	}{
		{"as it was issued", func(*storage.Grant) {}, true, true},
		{"the grant's end has come", func(g *storage.Grant) { g.MaxExpires = at }, false, false},
		{"its last millisecond", func(g *storage.Grant) { g.MaxExpires = at.Add(time.Millisecond) }, true, true},
		{"the refresh token's end has come", func(g *storage.Grant) { g.RefreshExpires = at }, true, false},
		{"no refresh token was issued", func(g *storage.Grant) { g.HasRefresh = false }, true, false},
		{"another realm's grant", func(g *storage.Grant) { g.Realm = "/beta" }, false, false},
		{"rotated", func(g *storage.Grant) { g.Generation = 1 }, true, false},
		{"revoked", func(g *storage.Grant) { g.RevokedUpTo = 1 }, false, true},
	} {
		g := &storage.Grant{
			Realm: "/alpha", ClientID: "app", Scopes: []string{"read"}, Seq: 1, HasRefresh: true, RefreshExpires: at.Add(time.Hour),
			AccessDigest: secret.Access().Digest(), RefreshDigest: secret.Digest(),
		}
		tc.change(g)
		tokens := &ropc.Tokens{Grants: view{grant: g}, Clients: &clientSource{client: &realm.Client{Realm: "/alpha", ID: "app", Enabled: true}}}
		for tok, want := range map[token.Token]bool{access: tc.access, refresh: tc.refresh} {
			_, err := tokens.Inspect(t.Context(), r, r.Keys.Write(tok), false)
			if (err == nil) != want || (err != nil && !errors.Is(err, ropc.ErrInactive)) {
				t.Errorf("%s: %s token: %v", tc.name, tok.Kind, err)
			}
		}
	}
}
