package storagetest

import (
	"context"
	"sync"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// tokenFaults are faults of refresh and revoke.
var tokenFaults = map[Fault]func(s storage.Store) storage.Store{
	"a grace that never ends": refreshes(func(_ storage.Store, r *storage.RefreshStep) { r.Grace = 1000 * time.Hour }),
	"no grace":                refreshes(func(_ storage.Store, r *storage.RefreshStep) { r.Grace = 0 }),
	"no idempotence":          refreshes(func(_ storage.Store, r *storage.RefreshStep) { r.Nonce = nonce() }),
	"always rotates":          refreshes(func(_ storage.Store, r *storage.RefreshStep) { r.Rotate = true }),
	"any scope":               refreshes(func(_ storage.Store, r *storage.RefreshStep) { r.Scopes = nil }),
	"lost scopes": refreshes(func(s storage.Store, r *storage.RefreshStep) {
		r.ClientScopes = append(r.ClientScopes, "read", "write", "mail")
	}),
	"any client refreshes": presented(func(g *storage.Grant, r *storage.RefreshStep) { r.ClientID = g.ClientID }),
	"any realm refreshes":  presented(func(g *storage.Grant, r *storage.RefreshStep) { r.Realm = g.Realm }),
	"any secret refreshes": presented(func(g *storage.Grant, r *storage.RefreshStep) { r.Digest = g.RefreshDigest }),
	"any generation":       presented(func(g *storage.Grant, r *storage.RefreshStep) { r.Generation = g.Generation }),
	"tokens outlive the grant": func(s storage.Store) storage.Store {
		return &hooked{Store: s, refresh: func(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
			out, err := s.Refresh(ctx, r)
			if out.Grant != nil && r.AccessLifetime < 0 {
				out.Grant.AccessExpires = time.Time{}
			}
			return out, err
		}}
	},
	"reuse ends nothing": func(s storage.Store) storage.Store {
		return &hooked{Store: s, refresh: func(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
			v, err := s.Inspect(ctx, r.ID)
			if err == nil && r.Generation < v.Grant.Generation && r.Grace == 0 && r.Nonce != v.Grant.Nonce {
				return storage.Refreshed{View: v, Outcome: storage.RefreshReused}, nil
			}
			return s.Refresh(ctx, r)
		}}
	},
	"a foreign client's reuse ends the grant": func(s storage.Store) storage.Store {
		return &hooked{Store: s, refresh: func(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
			v, err := s.Inspect(ctx, r.ID)
			if err == nil && r.Generation < v.Grant.Generation && r.ClientID != v.Grant.ClientID {
				_ = s.EndGrant(ctx, v.Grant.Realm, r.ID)
			}
			return s.Refresh(ctx, r)
		}}
	},
	"refreshes read, then write": racing,
	"rotates twice": func(s storage.Store) storage.Store {
		return &hooked{Store: s, refresh: func(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
			out, err := s.Refresh(ctx, r)
			if err != nil || out.Outcome != storage.RefreshDone || !r.Rotate {
				return out, err
			}
			r.Generation, r.Nonce = out.Grant.Generation, nonce()
			return s.Refresh(ctx, r)
		}}
	},
	"revocations are lost": func(s storage.Store) storage.Store {
		return &hooked{Store: s, revoke: func(ctx context.Context, r storage.Revocation) error {
			_, err := s.Inspect(ctx, r.ID)
			return err
		}}
	},
	"an access token ends the grant": func(s storage.Store) storage.Store {
		return &hooked{Store: s, revoke: func(ctx context.Context, r storage.Revocation) error {
			if v, err := s.Inspect(ctx, r.ID); err == nil && r.Digest == v.Grant.AccessDigest {
				r.Access, r.Digest = false, v.Grant.RefreshDigest
			}
			return s.Revoke(ctx, r)
		}}
	},
	"any client revokes": func(s storage.Store) storage.Store {
		return &hooked{Store: s, revoke: func(ctx context.Context, r storage.Revocation) error {
			if v, err := s.Inspect(ctx, r.ID); err == nil {
				r.ClientID = v.Grant.ClientID
			}
			return s.Revoke(ctx, r)
		}}
	},
	"a narrower scope stays": func(s storage.Store) storage.Store {
		return &hooked{Store: s, refresh: func(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
			out, err := s.Refresh(ctx, r)
			if out.Grant != nil && len(r.Scopes) > 0 {
				out.Grant.Scopes = r.Scopes
			}
			return out, err
		}}
	},
	"a refresh shortens the record's life": func(s storage.Store) storage.Store {
		return &hooked{Store: s, refresh: func(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
			out, err := s.Refresh(ctx, r)
			if out.Grant != nil {
				out.Grant.KeepUntil = out.Grant.RefreshExpires
			}
			return out, err
		}}
	},
}

// refreshes changes what Refresh is asked for.
func refreshes(change func(s storage.Store, r *storage.RefreshStep)) func(s storage.Store) storage.Store {
	return func(s storage.Store) storage.Store {
		return &hooked{Store: s, refresh: func(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
			change(s, &r)
			return s.Refresh(ctx, r)
		}}
	}
}

// presented takes what a token should prove from the grant itself.
func presented(change func(g *storage.Grant, r *storage.RefreshStep)) func(s storage.Store) storage.Store {
	return refreshes(func(s storage.Store, r *storage.RefreshStep) {
		if v, err := s.Inspect(context.Background(), r.ID); err == nil {
			change(v.Grant, r)
		}
	})
}

// racing answers later uses of a token from what was read before the first of them wrote.
func racing(s storage.Store) storage.Store {
	var mu sync.Mutex
	read := map[storage.GrantID]storage.Refreshed{}
	return &hooked{Store: s, refresh: func(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
		mu.Lock()
		defer mu.Unlock()
		out, err := s.Refresh(ctx, r)
		switch first, ok := read[r.ID]; {
		case err == nil && out.Outcome == storage.RefreshDone:
			read[r.ID] = out
		case ok && out.Outcome == storage.RefreshReused:
			return first, nil
		}
		return out, err
	}}
}
