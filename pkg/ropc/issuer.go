package ropc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// GrantIssuer is the [Issuer] on the grant store: it settles the attempt and creates the grant in one step, and computes
// the tokens. It needs a [Site] with a realm, a [Session], and a [Client].
type GrantIssuer struct{}

var _ Issuer = GrantIssuer{}

// errSetup says that a handler was put together in a way that can't work.
var errSetup = errors.New("the grant store needs a realm, a *ropc.Session with an attempt, and a ropc.Client")

// Issue implements [Issuer]. [ErrInvalidGrant] means that the owner was changed, or the one-time code used, while the
// attempt was under way, or that the owner has as many grants as the realm allows.
func (GrantIssuer) Issue(ctx context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error {
	site := SiteOf(ctx)
	session, isSession := r.GetSession().(*Session)
	client, isClient := r.GetClient().(Client)
	if !isSession || !isClient || site.provider() == nil || session.Result.Turn == nil {
		return errSetup
	}
	turn, secret := session.Result.Turn, token.NewSecret()
	now := turn.Reservation.Clock()
	grant := newGrant(site, client, session.Result, r.GetGrantedScopes(), now)
	access := secret.Access()
	grant.RefreshDigest, grant.AccessDigest = secret.Digest(), access.Digest()

	effects := session.Result.Effects
	effects.GrantLimit, effects.Evicted = site.provider().GrantLimit, &site.Trace.Evicted
	err := turn.Succeed(ctx, effects, grant)
	for cause, reason := range refusals {
		if errors.Is(err, cause) {
			return refuse(ctx, site, session.Result, reason)
		}
	}
	if err != nil {
		return fmt.Errorf("create grant: %w", err)
	}
	site.Trace.GrantID = grant.ID.String()
	respond(w, issued{
		site: site, grant: grant, secret: secret, access: access, scopes: r.GetGrantedScopes(), now: now, refresh: grant.HasRefresh,
	})
	return nil
}

// refusals are what the store decides about an owner whose credentials were right.
var refusals = map[error]string{
	storage.ErrConflict: audit.Disabled, storage.ErrCodeUsed: audit.CodeUsed, storage.ErrTooManyGrants: audit.Sessions,
}

// refuse denies what the attempt itself did not: with the same answer, and charged alike.
func refuse(ctx context.Context, s *Site, r Result, reason string) error {
	denied := deny(s, reason, ErrInvalidGrant)
	if r.Refused == nil {
		return denied
	}
	if err := r.Refused(ctx); err != nil {
		return fmt.Errorf("count a denial: %w", err)
	}
	return denied
}

// newGrant is the record of a login that succeeded at now, of the store's clock.
func newGrant(s *Site, c Client, result Result, scopes []string, now time.Time) *storage.Grant {
	p := settings(s.provider(), c)
	user := result.Turn.User
	bound := func(lifetime time.Duration) time.Time { return result.Turn.Reservation.Bound(after(now, lifetime)) }
	g := &storage.Grant{
		ID: storage.NewGrantID(user.Realm, user.Username), Realm: user.Realm, Username: user.Username,
		Subject: result.Subject, ClientID: c.ID, Scopes: scopes, GrantType: realm.GrantPassword,
		Journey: result.Journey, Rule: result.Rule, AuthLevel: result.AuthLevel, AuthTime: storage.Trim(result.AuthTime),
		Address: s.Address, Properties: result.Claims,
		Seq: 1, MaxExpires: bound(p.RefreshTokenMaxLifetime), HasRefresh: p.IssueRefreshToken,
	}
	g.AccessExpires = storage.Trim(storage.Earlier(bound(p.AccessTokenLifetime), g.MaxExpires))
	g.KeepUntil = g.AccessExpires
	if g.HasRefresh {
		g.RefreshExpires = storage.Trim(storage.Earlier(bound(p.RefreshTokenLifetime), g.MaxExpires))
		g.KeepUntil = later(g.AccessExpires, g.RefreshExpires)
	}
	return g
}

// after is the time a lifetime ends; zero for what never does.
func after(now time.Time, lifetime time.Duration) time.Time {
	if lifetime == realm.Never {
		return time.Time{}
	}
	return now.Add(lifetime)
}

// later is the later of two times of which the zero one never comes.
func later(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if a.After(b) {
		return a
	}
	return b
}

// issued is what a response is made of.
type issued struct {
	site    *Site
	grant   *storage.Grant
	secret  token.Secret // of the refresh tokens
	access  token.Secret // of the access tokens
	scopes  []string
	now     time.Time
	refresh bool
}

// respond writes the tokens of a grant as it stands (RFC 6749 section 5.1).
func respond(w fosite.AccessResponder, i issued) {
	g := i.grant
	bits, _ := g.Bitmap(i.scopes) // they were chosen from the grant's
	w.SetAccessToken(i.site.Realm.Keys.Write(token.Token{
		Kind: token.Access, Grant: g.ID, Number: g.Seq, Secret: i.access, Expires: g.AccessExpires, Scopes: bits,
	}))
	w.SetTokenType("Bearer")
	w.SetExtra("scope", strings.Join(i.scopes, " "))
	if !g.AccessExpires.IsZero() {
		w.SetExtra("expires_in", Seconds(i.now, g.AccessExpires))
	}
	if i.refresh {
		w.SetExtra("refresh_token", i.site.Realm.Keys.Write(token.Token{
			Kind: token.Refresh, Grant: g.ID, Number: g.Generation, Secret: i.secret,
		}))
	}
}

// Seconds are the whole seconds that remain of a token, never below zero.
func Seconds(now, expires time.Time) int64 { return max(0, int64(expires.Sub(now)/time.Second)) }
