package storagetest

import (
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const ruleRefusals = "The step refuses in this order and without effect: a grant that is not alive, another realm, a wrong digest, " +
	"another client, an expired refresh token, a generation that the grant has not reached."

func foreignRealm(r *storage.RefreshStep)  { r.Realm += "x" }
func foreignClient(r *storage.RefreshStep) { r.ClientID += "x" }
func wrongDigest(r *storage.RefreshStep)   { r.Digest[0] ^= 1 }
func ahead(r *storage.RefreshStep)         { r.Generation++ }
func wider(r *storage.RefreshStep)         { r.Scopes = []string{"read", "admin"} }
func noScope(r *storage.RefreshStep)       { r.ClientScopes = []string{"other"} }

var refreshCases = []Case{
	{"refresh/rotates", "With Rotate: generation and Seq + 1, fresh expiries.", func(e *env) {
		g := e.newLogin()
		r := step(g, func(r *storage.RefreshStep) { r.AccessLifetime, r.RefreshLifetime = 2*time.Hour, 48*time.Hour })
		out := e.refresh(r)
		want := *g
		want.Generation, want.Seq, want.Nonce = 1, 2, r.Nonce
		want.Refreshed = out.Grant.Refreshed
		want.AccessExpires = want.Refreshed.Add(2 * time.Hour)
		want.RefreshExpires = want.Refreshed.Add(48 * time.Hour)
		want.KeepUntil = want.RefreshExpires
		e.equal("outcome", out.Outcome, storage.RefreshDone)
		e.equal("grant", out.Grant, &want)
		e.that("the rotation is recorded when it happens", !want.Refreshed.Before(g.AuthTime))
		e.that("the clock is told", out.Now.Equal(want.Refreshed))
		e.equal("stored grant", e.inspect(g), out.Grant)
		e.equal("second rotation", e.renew(step(out.Grant)).Generation, uint32(2))
	}},
	{"refresh/keeps", "Without Rotate: Seq + 1 and a fresh access token; the refresh token stays.", func(e *env) {
		g := e.newLogin()
		for i := range 3 {
			got := e.renew(step(g, keep))
			e.equal("generation", got.Generation, uint32(0))
			e.equal("seq", got.Seq, uint32(2+i))
			e.equal("refresh expiry", got.RefreshExpires, g.RefreshExpires)
			e.equal("stored grant", e.inspect(g), got)
		}
	}},
	{"refresh/scopes", "A narrower scope is granted and changes nothing in the grant.", func(e *env) {
		g := e.newLogin()
		got := e.renew(step(g, func(r *storage.RefreshStep) { r.Scopes = []string{"mail"} }))
		e.equal("scopes", got.Scopes, g.Scopes)
		got = e.renew(step(got, func(r *storage.RefreshStep) { r.ClientScopes = []string{"write", "other"} }))
		e.equal("scopes", got.Scopes, g.Scopes)
	}},
	{"refresh/wider", "A scope that the grant never had: RefreshWider, and nothing is spent.", func(e *env) {
		g := e.newLogin()
		e.refused(g, step(g, wider), storage.RefreshWider)
		e.refused(g, step(g, keep, wider), storage.RefreshWider)
		e.refused(g, step(g, wider, func(r *storage.RefreshStep) { r.ClientScopes = append([]string{"admin"}, g.Scopes...) }), storage.RefreshWider)
		e.refused(g, step(g, wider, noScope), storage.RefreshWider)
	}},
	{"refresh/no scope", "No scope that the client still has: RefreshNoScope, and nothing is spent.", func(e *env) {
		g := e.newLogin()
		e.refused(g, step(g, noScope), storage.RefreshNoScope)
		e.refused(g, step(g, func(r *storage.RefreshStep) { r.ClientScopes = nil }), storage.RefreshNoScope)
		e.refused(g, step(g, func(r *storage.RefreshStep) {
			r.Scopes, r.ClientScopes = []string{"read"}, []string{"write"}
		}), storage.RefreshNoScope)
		e.renew(step(g))
	}},
	{"refresh/refusals", ruleRefusals, func(e *env) {
		g := e.newLogin()
		for _, refuse := range []func(*storage.RefreshStep){foreignRealm, foreignClient, wrongDigest, ahead} {
			e.refused(g, step(g, refuse), storage.RefreshRefused)
			e.refused(g, step(g, refuse, keep), storage.RefreshRefused)
			e.refused(g, step(g, refuse, wider), storage.RefreshRefused)
			e.refused(g, step(g, refuse, noScope), storage.RefreshRefused)
		}
		e.refused(g, step(g, func(r *storage.RefreshStep) { r.Digest = g.AccessDigest }), storage.RefreshRefused)
		e.renew(step(g))
	}},
	{"refresh/refusals before reuse", ruleRefusals + " Only then a spent token ends the grant.", func(e *env) {
		g := e.newLogin()
		now := e.renew(step(e.renew(step(g))))
		for _, refuse := range []func(*storage.RefreshStep){foreignRealm, foreignClient, wrongDigest} {
			e.refused(now, step(g, refuse), storage.RefreshRefused)
			e.refused(now, step(g, refuse, grace(long)), storage.RefreshRefused)
		}
		e.lives("a spent token in the wrong hands", g)
	}},
	{"refresh/none issued", "A grant that no refresh token was issued for can't be refreshed, nor ended by one.", func(e *env) {
		g := e.newLogin(func(g *storage.Grant) { g.HasRefresh = false })
		e.refused(g, step(g), storage.RefreshRefused)
		e.is("revoke", e.Revoke(e.ctx, refreshRevocation(g)), storage.ErrNotFound)
		e.lives("a token that was never issued", g)
	}},
	{"refresh/expired", "An expired refresh token is refused, spent ones too; access tokens live on.", func(e *env) {
		g := e.newLogin()
		r := step(g, func(r *storage.RefreshStep) { r.RefreshLifetime = 30 * time.Millisecond })
		now := e.renew(r)
		e.untilOver(now, now.RefreshExpires)
		e.refused(now, step(now), storage.RefreshRefused)
		e.refused(now, step(now, wider), storage.RefreshRefused)
		e.refused(now, step(g), storage.RefreshRefused)
		e.refused(now, step(g, grace(long)), storage.RefreshRefused)
		e.lives("an expired refresh token", g)
	}},
	{"refresh/lifetimes", "Nothing that a refresh gives outlives the grant's end; Never has no expiry of its own.", func(e *env) {
		never := func(r *storage.RefreshStep) { r.AccessLifetime, r.RefreshLifetime = realm.Never, realm.Never }
		g := e.newLogin()
		got := e.renew(step(g, never))
		e.equal("ends", []time.Time{got.AccessExpires, got.RefreshExpires, got.KeepUntil}, []time.Time{g.MaxExpires, g.MaxExpires, g.MaxExpires})
		got = e.renew(step(got, func(r *storage.RefreshStep) { r.AccessLifetime, r.RefreshLifetime = 10000*long, 10000*long }))
		e.equal("ends", []time.Time{got.AccessExpires, got.RefreshExpires, got.KeepUntil}, []time.Time{g.MaxExpires, g.MaxExpires, g.MaxExpires})
		g = e.newLogin(func(g *storage.Grant) { g.MaxExpires = time.Time{} })
		got = e.renew(step(g, never))
		e.that("no end at all", got.AccessExpires.IsZero() && got.RefreshExpires.IsZero() && got.KeepUntil.IsZero())
	}},
	{"refresh/never shortens", "No refresh shortens the record's life.", func(e *env) {
		brief := func(r *storage.RefreshStep) { r.AccessLifetime, r.RefreshLifetime = time.Minute, time.Minute }
		g := e.newLogin()
		got := e.renew(step(g, brief))
		e.equal("kept until", got.KeepUntil, g.KeepUntil)
		e.that("the refresh token is brief", got.RefreshExpires.Before(g.RefreshExpires))
		g = e.newLogin(func(g *storage.Grant) {
			g.AccessExpires, g.KeepUntil, g.MaxExpires = time.Time{}, time.Time{}, time.Time{}
		})
		e.that("kept for ever", e.renew(step(g, brief)).KeepUntil.IsZero())
		g = e.newLogin(func(g *storage.Grant) { g.KeepUntil = g.AccessExpires })
		got = e.renew(step(g, keep, func(r *storage.RefreshStep) { r.AccessLifetime = 30 * long }))
		e.equal("kept for a longer access token", got.KeepUntil, got.AccessExpires)
	}},
}

// refused expects a step to have an outcome and no effect; g is the grant as it stands.
func (e *env) refused(g *storage.Grant, r storage.RefreshStep, want storage.RefreshOutcome) {
	e.equal("outcome of a refresh", e.refresh(r).Outcome, want)
	e.equal("grant after a refusal", e.inspect(g), g)
}

// untilOver waits until a moment has come by the store's clock. The grant must stay alive.
func (e *env) untilOver(g *storage.Grant, t time.Time) {
	e.until("the clock goes on", 10*time.Second, func() bool {
		v, err := e.Inspect(e.ctx, g.ID)
		e.ok("inspect", err)
		return storage.Over(t, v.Now)
	})
}
