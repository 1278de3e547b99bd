package bolt

import (
	"context"
	"slices"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// Revoke implements [storage.Grants].
func (s *Store) Revoke(ctx context.Context, r storage.Revocation) error {
	return s.write(ctx, func(t *tx) error {
		g, err := t.grant(r.ID)
		if err != nil {
			return err
		}
		digest := g.RefreshDigest
		if r.Access {
			digest = g.AccessDigest
		}
		switch {
		case !digest.Equal(r.Digest), g.Realm != r.Realm, !r.Access && !g.HasRefresh:
			return storage.ErrNotFound
		case g.ClientID != r.ClientID:
			return storage.ErrOtherClient
		case !r.Access:
			t.deleteGrant(key(g.Realm, g.Username), g.ID)
		case !g.IsRevoked(r.Seq) && !storage.Over(r.Expires, t.now):
			g.Revoked = prune(g.Revoked, t.now)
			revoke(g, storage.RevokedAccess{Seq: r.Seq, Expires: r.Expires})
			t.putGrant(g)
		}
		return nil
	})
}

// revoke adds an access token to those that are revoked. When there are too many, the lowest number becomes "all up to".
func revoke(g *storage.Grant, r storage.RevokedAccess) {
	g.Revoked = append(g.Revoked, r)
	for len(g.Revoked) > storage.MaxRevoked {
		lowest := slices.MinFunc(g.Revoked, func(a, b storage.RevokedAccess) int { return int(int64(a.Seq) - int64(b.Seq)) })
		g.RevokedUpTo = max(g.RevokedUpTo, lowest.Seq)
		g.Revoked = slices.DeleteFunc(g.Revoked, func(a storage.RevokedAccess) bool { return a.Seq <= g.RevokedUpTo })
	}
}

// prune drops the tokens that would have expired by now.
func prune(revoked []storage.RevokedAccess, now time.Time) []storage.RevokedAccess {
	return slices.DeleteFunc(revoked, func(r storage.RevokedAccess) bool { return storage.Over(r.Expires, now) })
}
