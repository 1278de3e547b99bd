package bolt

import (
	"context"
	"slices"

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
		case !g.IsRevoked(r.Seq):
			g.Revoked = append(g.Revoked, r.Seq)
			tidy(g)
			t.putGrant(g)
		}
		return nil
	})
}

// tidy forgets no revoked token: the clock may be set back, and one that seemed over would be good again. Numbers that
// RevokedUpTo can say go there, which costs nothing, and beyond the limit the lowest do.
func tidy(g *storage.Grant) {
	slices.Sort(g.Revoked)
	for len(g.Revoked) > 0 && (g.Revoked[0] <= g.RevokedUpTo+1 || len(g.Revoked) > storage.MaxRevoked) {
		g.RevokedUpTo = max(g.RevokedUpTo, g.Revoked[0])
		g.Revoked = g.Revoked[1:]
	}
}
