package bolt

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// Refresh implements [storage.Grants].
func (s *Store) Refresh(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
	r.Scopes, r.ClientScopes = slices.Clone(r.Scopes), slices.Clone(r.ClientScopes)
	var out storage.Refreshed
	err := s.write(ctx, func(t *tx) error {
		g, err := t.grant(r.ID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		outcome, after := decide(g, r, t.now)
		out = storage.Refreshed{Outcome: outcome, View: storage.View{Now: t.now, Grant: g}}
		switch {
		case outcome == storage.RefreshRefused:
			out.Grant = nil // nobody has shown that it is theirs
		case outcome == storage.RefreshReused:
			t.deleteGrant(key(g.Realm, g.Username), g.ID)
		case after != nil:
			out.Grant = after
			t.putGrant(after)
		}
		return nil
	})
	if err != nil {
		return storage.Refreshed{}, err
	}
	return out, nil
}

// decide is the whole decision of a refresh, without effect: the outcome, and the grant to write in place of g, nil if
// it stays as it is. A nil g is a grant that is not alive. See [storage.RefreshStep] for the rules; storage/redis has
// the same in Lua.
func decide(g *storage.Grant, r storage.RefreshStep, now time.Time) (storage.RefreshOutcome, *storage.Grant) {
	if g == nil || !g.HasRefresh || g.Realm != r.Realm || !g.RefreshDigest.Equal(r.Digest) || g.ClientID != r.ClientID ||
		storage.Over(g.RefreshExpires, now) || r.Generation > g.Generation {
		return storage.RefreshRefused, nil
	}
	again := repeats(g, r, now)
	if r.Generation < g.Generation && !again {
		return storage.RefreshReused, nil
	}
	wanted := r.Scopes
	if len(wanted) == 0 {
		wanted = g.Scopes
	}
	if _, ok := g.Bitmap(wanted); !ok {
		return storage.RefreshWider, nil
	}
	if !slices.ContainsFunc(wanted, func(s string) bool { return slices.Contains(r.ClientScopes, s) }) {
		return storage.RefreshNoScope, nil
	}
	if again {
		return storage.RefreshDone, nil
	}
	return storage.RefreshDone, successor(g, r, now)
}

// repeats reports whether a step gets the answer of the last one again: it is the same request, or presents the
// immediate predecessor within the grace of the rotation.
func repeats(g *storage.Grant, r storage.RefreshStep, now time.Time) bool {
	behind := g.Generation - r.Generation
	if r.Nonce != [8]byte{} && r.Nonce == g.Nonce && behind <= 1 {
		return true
	}
	since := now.Sub(g.Refreshed)
	return behind == 1 && r.Grace > 0 && since >= -storage.ClockLeeway && since < r.Grace
}

// successor is the grant after a refresh. Nothing that it issues outlives the grant's end, and the record lives as long
// as any token that was issued.
func successor(g *storage.Grant, r storage.RefreshStep, now time.Time) *storage.Grant {
	n := clone(g)
	n.Seq++
	n.Nonce = r.Nonce
	n.AccessExpires = storage.Earlier(after(now, r.AccessLifetime), n.MaxExpires)
	if r.Rotate {
		n.Generation++
		n.Refreshed = now
		n.RefreshExpires = storage.Earlier(after(now, r.RefreshLifetime), n.MaxExpires)
	}
	n.KeepUntil = storage.Earlier(later(n.KeepUntil, later(n.AccessExpires, n.RefreshExpires)), n.MaxExpires)
	return n
}

// after is the end of a lifetime; below zero it has none.
func after(now time.Time, lifetime time.Duration) time.Time {
	if lifetime < 0 {
		return time.Time{}
	}
	return storage.Trim(now.Add(lifetime))
}

// later is the later of two times of which the zero one never comes.
func later(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return a
	}
	return b
}
