package storagetest

import "github.com/ropcd/ropcd/storage"

const (
	ruleRevoke = "ErrNotFound when there is no such grant alive, the digest is not its own or the realm is another, ErrOtherClient " +
		"when it is another client's. Nothing is changed then."
	ruleUpTo = "Beyond MaxRevoked the oldest revoked tokens become \"all up to n\": what was revoked stays revoked, and nothing newer " +
		"than the oldest one dies with it."
)

var revokeCases = []Case{
	{"revoke/refresh token", "A refresh token of any generation ends the grant.", func(e *env) {
		g := e.newLogin()
		e.ok("revoke", e.Revoke(e.ctx, refreshRevocation(g)))
		e.gone(g)
		g = e.newLogin()
		e.renew(step(e.renew(step(g))))
		e.ok("revoke a spent one", e.Revoke(e.ctx, refreshRevocation(g)))
		e.gone(g)
	}},
	{"revoke/access token", "An access token is revoked by itself; revoking again is no error.", func(e *env) {
		g := e.renewed(2)
		e.ok("revoke", e.Revoke(e.ctx, revocation(g, 2)))
		e.ok("revoke again", e.Revoke(e.ctx, revocation(g, 2)))
		got := e.inspect(g)
		e.equal("revoked 1, 2, 3", []bool{got.IsRevoked(1), got.IsRevoked(2), got.IsRevoked(3)}, []bool{false, true, false})
		e.that("it is remembered once", len(got.Revoked) <= 1)
		got = e.renew(step(got))
		e.that("a refresh keeps it", got.IsRevoked(2) && !got.IsRevoked(got.Seq))
		e.that("and stores it", e.inspect(g).IsRevoked(2))
	}},
	{"revoke/refusals", ruleRevoke, func(e *env) {
		g := e.newLogin()
		want := e.inspect(g)
		for _, r := range []storage.Revocation{refreshRevocation(g), revocation(g, 1)} {
			bad := r
			bad.Digest[3] ^= 1
			e.is("a wrong digest", e.Revoke(e.ctx, bad), storage.ErrNotFound)
			bad.ClientID = "other"
			e.is("a wrong digest of another client", e.Revoke(e.ctx, bad), storage.ErrNotFound)
			bad = r
			bad.Access = !bad.Access
			e.is("the other kind's digest", e.Revoke(e.ctx, bad), storage.ErrNotFound)
			bad = r
			bad.Realm += "x"
			e.is("another realm", e.Revoke(e.ctx, bad), storage.ErrNotFound)
			bad = r
			bad.ClientID = "other"
			e.is("another client", e.Revoke(e.ctx, bad), storage.ErrOtherClient)
			bad = r
			bad.ID = storage.NewGrantID(g.Realm, g.Username)
			e.is("no such grant", e.Revoke(e.ctx, bad), storage.ErrNotFound)
		}
		e.equal("grant", e.inspect(g), want)
		e.equal("grants", len(e.grantsOf(g.Username)), 1)
	}},
	{"revoke/many", ruleUpTo, func(e *env) {
		g := e.renewed(199)
		for seq := uint32(2); seq < 150; seq += 2 {
			e.ok("revoke", e.Revoke(e.ctx, revocation(g, seq)))
		}
		got := e.inspect(g)
		e.that("the list is bounded", len(got.Revoked) <= storage.MaxRevoked)
		for seq := uint32(1); seq <= 200; seq++ {
			revoked := seq%2 == 0 && seq < 150
			if revoked || seq > 148-2*storage.MaxRevoked+2 {
				e.equal("revoked", got.IsRevoked(seq), revoked)
			}
		}
		e.renew(step(got))
	}},
	{"revoke/many, newest first", ruleUpTo, func(e *env) {
		g := e.renewed(199)
		const n = storage.MaxRevoked + 1
		for i := range uint32(n) {
			e.ok("revoke", e.Revoke(e.ctx, revocation(g, 200-2*i)))
		}
		got := e.inspect(g)
		e.that("the list is bounded", len(got.Revoked) <= storage.MaxRevoked)
		oldest := uint32(200 - 2*(n-1))
		for seq := oldest; seq <= 200; seq++ {
			e.equal("revoked", got.IsRevoked(seq), seq%2 == 0)
		}
		e.ok("revoke what is up to n already", e.Revoke(e.ctx, revocation(g, oldest)))
		e.that("the list is bounded", len(e.inspect(g).Revoked) <= storage.MaxRevoked)
	}},
	{"revoke/in a row", "Revoked tokens from the first on take no place in the list, in whatever order they come.", func(e *env) {
		g := e.renewed(199)
		for _, seq := range []uint32{3, 5, 2, 1, 4, 7} {
			e.ok("revoke", e.Revoke(e.ctx, revocation(g, seq)))
		}
		got := e.inspect(g)
		e.equal("all up to", got.RevokedUpTo, uint32(5))
		e.equal("beyond", got.Revoked, []uint32{7})
		e.that("nothing else died", !got.IsRevoked(6) && !got.IsRevoked(8))
	}},
}

// renewed is a grant that n access tokens were issued for after the first.
func (e *env) renewed(n uint32) *storage.Grant {
	return e.newLogin(func(g *storage.Grant) { g.Seq += n })
}
