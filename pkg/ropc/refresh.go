package ropc

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// RefreshHandler is the grant of RFC 6749 section 6 on the grant store. It needs a [Site] with a realm, and a [Client].
// Safe for concurrent use.
type RefreshHandler struct {
	Grants storage.Grants
}

var _ fosite.TokenEndpointHandler = (*RefreshHandler)(nil)

// CanHandleTokenEndpointRequest implements fosite.TokenEndpointHandler.
func (h *RefreshHandler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(realm.GrantRefresh)
}

// CanSkipClientAuth implements fosite.TokenEndpointHandler: never. A public client authenticates with its id alone.
func (h *RefreshHandler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool {
	return false
}

// HandleTokenEndpointRequest implements fosite.TokenEndpointHandler: everything that is decided before the token is. The
// refresh itself is one step of the store, in PopulateTokenEndpointResponse.
func (h *RefreshHandler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	site := SiteOf(ctx)
	if err := mayUse(site, r.GetClient(), realm.GrantRefresh); err != nil {
		return deny(site, audit.Request, err)
	}
	if r.GetRequestForm().Get("refresh_token") == "" {
		return deny(site, audit.Request, ErrMissingRefreshToken)
	}
	return nil
}

// PopulateTokenEndpointResponse implements fosite.TokenEndpointHandler: it checks the token's MAC, then lets the store
// decide and rotate in one step. fosite calls it on every handler, so the first thing is to see whether the request is
// ours.
func (h *RefreshHandler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	site := SiteOf(ctx)
	client, isClient := r.GetClient().(Client)
	if !isClient || site.provider() == nil {
		return Fault(errSetup)
	}
	form := r.GetRequestForm()
	tok, ok := site.Realm.Keys.Read(form.Get("refresh_token"))
	form.Del("refresh_token")
	if !ok || tok.Kind != token.Refresh {
		return deny(site, audit.Token, ErrInvalidRefreshToken)
	}
	if len(r.GetRequestedScopes()) > realm.MaxScopes {
		return deny(site, audit.Scope, ErrUnknownScope)
	}
	p := settings(site.provider(), client)
	done, err := h.Grants.Refresh(ctx, step(site, client, p, tok, r.GetRequestedScopes()))
	if err != nil {
		return Fault(fmt.Errorf("refresh: %w", err))
	}
	trace(site.Trace, done.Grant)
	if err := refused(done.Outcome, site); err != nil {
		return err
	}
	granted := done.Grant.Scopes
	if asked := r.GetRequestedScopes(); len(asked) > 0 {
		granted = asked
	}
	respond(w, issued{
		site: site, grant: done.Grant, secret: tok.Secret, access: tok.Secret.Access(), scopes: realm.LimitScopes(granted, client.Scopes), now: done.Now,
		refresh: p.IssueRefreshTokenOnRefresh,
	})
	return nil
}

func step(s *Site, c Client, p realm.Provider, tok token.Token, asked []string) storage.RefreshStep {
	r := storage.RefreshStep{
		ID: tok.Grant, Generation: tok.Number, Digest: tok.Secret.Digest(), Realm: s.RealmKey(), ClientID: c.ID,
		Rotate: p.IssueRefreshTokenOnRefresh, Grace: p.RefreshTokenGracePeriod,
		AccessLifetime: p.AccessTokenLifetime, RefreshLifetime: p.RefreshTokenLifetime,
		Scopes: asked, ClientScopes: c.Scopes,
	}
	_, _ = rand.Read(r.Nonce[:]) // never fails, see crypto/rand
	return r
}

// refused is the answer to what the store did not grant.
func refused(o storage.RefreshOutcome, s *Site) error {
	switch o {
	case storage.RefreshDone:
		return nil
	case storage.RefreshReused:
		return deny(s, audit.Reuse, ErrInvalidRefreshToken)
	case storage.RefreshWider, storage.RefreshNoScope:
		return deny(s, audit.Scope, ErrUnknownScope)
	default:
		return deny(s, audit.Token, ErrInvalidRefreshToken)
	}
}

// trace copies what a grant tells about its owner.
func trace(t *Trace, g *storage.Grant) {
	if g == nil {
		return
	}
	t.Username, t.Subject, t.Journey, t.Rule, t.GrantID = g.Username, g.Subject, g.Journey, g.Rule, g.ID.String()
}
