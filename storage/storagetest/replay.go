package storagetest

import (
	"time"

	"github.com/ropcd/ropcd/storage"
)

const (
	ruleReuse = "A spent token, older than the grant's generation, is RefreshReused and ends the grant, unless it is the immediate " +
		"predecessor within Grace of the rotation, or the very request that made the rotation."
	ruleReplay = "A predecessor within Grace, or a repeated Nonce: nothing changes, and the answer is the same generation, Seq and " +
		"expiry as the first one."
)

var replayCases = []Case{
	{"replay/reuse", ruleReuse, func(e *env) {
		g := e.newLogin()
		now := e.renew(step(g))
		out := e.refresh(step(g))
		e.equal("outcome", out.Outcome, storage.RefreshReused)
		e.equal("grant as it stood before", out.Grant, now)
		e.gone(now)
	}},
	{"replay/reuse comes before scopes", ruleReuse, func(e *env) {
		for _, change := range []func(*storage.RefreshStep){wider, noScope, keep} {
			g := e.newLogin()
			e.renew(step(g))
			e.equal("outcome", e.refresh(step(g, change)).Outcome, storage.RefreshReused)
			e.dead("reuse", g)
		}
	}},
	{"replay/older than the predecessor", ruleReuse, func(e *env) {
		g := e.newLogin()
		first := e.renew(step(g, grace(long)))
		e.renew(step(first, grace(long)))
		e.equal("outcome", e.refresh(step(g, grace(long))).Outcome, storage.RefreshReused)
		e.dead("reuse", g)
	}},
	{"replay/after the grace", ruleReuse, func(e *env) {
		g := e.newLogin()
		d := 40 * time.Millisecond
		now := e.renew(step(g, grace(d)))
		e.untilOver(now, now.Refreshed.Add(d))
		e.equal("outcome", e.refresh(step(g, grace(d))).Outcome, storage.RefreshReused)
		e.dead("reuse", g)
	}},
	{"replay/grace counts from the rotation", ruleReuse, func(e *env) {
		g := e.newLogin()
		d := 40 * time.Millisecond
		now := e.renew(step(g, grace(d)))
		e.untilOver(now, now.Refreshed.Add(d))
		e.renew(step(now, keep, grace(d))) // a refresh, but no rotation
		e.equal("outcome", e.refresh(step(g, grace(d))).Outcome, storage.RefreshReused)
	}},
	{"replay/predecessor within grace", ruleReplay, func(e *env) {
		g := e.newLogin()
		now := e.renew(step(g, grace(long)))
		for range 3 {
			other := func(r *storage.RefreshStep) { r.AccessLifetime, r.RefreshLifetime = time.Minute, time.Minute }
			e.equal("grant", e.renew(step(g, grace(long), other)), now)
			e.equal("stored grant", e.inspect(g), now)
		}
		e.refused(now, step(g, grace(long), wider), storage.RefreshWider)
		e.refused(now, step(g, grace(long), noScope), storage.RefreshNoScope)
		next := e.renew(step(now, grace(long)))
		e.equal("the successor rotates", next.Generation, uint32(2))
		e.equal("and is replayed itself", e.renew(step(now, grace(long))), next)
	}},
	{"replay/same request", ruleReplay, func(e *env) {
		g := e.newLogin()
		r := step(g) // no grace at all
		now := e.renew(r)
		for range 3 {
			e.equal("grant", e.renew(r), now)
		}
		e.equal("stored grant", e.inspect(g), now)
		next := e.renew(step(now))
		e.equal("generation", next.Generation, uint32(2))
	}},
	{"replay/same request without rotation", ruleReplay, func(e *env) {
		g := e.newLogin()
		r := step(g, keep)
		now := e.renew(r)
		e.equal("seq", now.Seq, uint32(2))
		e.equal("grant", e.renew(r), now)
		e.equal("stored grant", e.inspect(g), now)
	}},
	{"replay/no nonce", "A request whose Nonce is zero repeats nothing.", func(e *env) {
		zero := func(r *storage.RefreshStep) { r.Nonce = [8]byte{} }
		g := e.newLogin()
		now := e.renew(step(g, zero))
		e.equal("generation", now.Generation, uint32(1))
		e.equal("outcome", e.refresh(step(g, zero)).Outcome, storage.RefreshReused)
	}},
	{"replay/nonce of a wrong request", "A repeated Nonce helps nobody who fails the refusals before it.", func(e *env) {
		g := e.newLogin()
		r := step(g)
		now := e.renew(r)
		for _, refuse := range []func(*storage.RefreshStep){foreignRealm, foreignClient, wrongDigest} {
			bad := r
			refuse(&bad)
			e.refused(now, bad, storage.RefreshRefused)
		}
	}},
}
