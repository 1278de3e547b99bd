package storagetest

import (
	"context"
	"slices"
	"sync"

	"github.com/ropcd/ropcd/storage"
)

// grantFaults are faults of the end of grants, and of deadlines.
var grantFaults = map[Fault]func(s storage.Store) storage.Store{
	"a realm's end is its subrealms' too": func(s storage.Store) storage.Store {
		return &hooked{Store: s, endRealm: func(ctx context.Context, realmKey string) error {
			_ = s.EndRealm(ctx, realmKey+"/sub")
			return s.EndRealm(ctx, realmKey)
		}}
	},
	"the newest login is listed first": func(s storage.Store) storage.Store {
		return &hooked{Store: s, grantsOf: func(ctx context.Context, realmKey, name string) ([]*storage.Grant, error) {
			gs, err := s.GrantsOf(ctx, realmKey, name)
			slices.Reverse(gs)
			return gs, err
		}}
	},
	"dead grants are cached": cached,
	"ending an owner's grants does nothing": func(s storage.Store) storage.Store {
		return &hooked{Store: s, endUser: func(ctx context.Context, _, _ string) error { return ctx.Err() }}
	},
	"ending a client's grants does nothing": func(s storage.Store) storage.Store {
		return &hooked{Store: s, endClient: func(ctx context.Context, _, _ string) error { return ctx.Err() }}
	},
	"ending a realm's grants does nothing": func(s storage.Store) storage.Store {
		return &hooked{Store: s, endRealm: func(ctx context.Context, _ string) error { return ctx.Err() }}
	},
	"ending a client's grants ends the realm's": func(s storage.Store) storage.Store {
		return &hooked{Store: s, endClient: func(ctx context.Context, realmKey, _ string) error { return s.EndRealm(ctx, realmKey) }}
	},
	"ending a client's grants lasts": lasting,
	"deadlines don't matter":         func(s storage.Store) storage.Store { return &hooked{Store: s, everyDeadline: true} },
	"no end is an end": func(s storage.Store) storage.Store {
		return &hooked{Store: s, inspect: func(ctx context.Context, id storage.GrantID) (storage.View, error) {
			v, err := s.Inspect(ctx, id)
			if err == nil && v.Grant.KeepUntil.IsZero() {
				return storage.View{}, storage.ErrNotFound
			}
			return v, err
		}}
	},
	"grants end with their access token": func(s storage.Store) storage.Store {
		return &hooked{Store: s, inspect: func(ctx context.Context, id storage.GrantID) (storage.View, error) {
			v, err := s.Inspect(ctx, id)
			if err == nil && storage.Over(v.Grant.AccessExpires, v.Now) {
				return storage.View{}, storage.ErrNotFound
			}
			return v, err
		}}
	},
}

// cached answers with grants that were seen alive once.
func cached(s storage.Store) storage.Store {
	var seen sync.Map
	return &hooked{Store: s, inspect: func(ctx context.Context, id storage.GrantID) (storage.View, error) {
		v, err := s.Inspect(ctx, id)
		if err == nil {
			seen.Store(id, v)
		} else if old, ok := seen.Load(id); ok {
			return old.(storage.View), nil
		}
		return v, err
	}}
}

// lasting ends the grants of a client that are made later, too.
func lasting(s storage.Store) storage.Store {
	var ended sync.Map
	name := func(realmKey, client string) [2]string { return [2]string{realmKey, client} }
	return &hooked{
		Store: s,
		endClient: func(ctx context.Context, realmKey, client string) error {
			ended.Store(name(realmKey, client), true)
			return s.EndClient(ctx, realmKey, client)
		},
		inspect: func(ctx context.Context, id storage.GrantID) (storage.View, error) {
			v, err := s.Inspect(ctx, id)
			if err == nil {
				if _, dead := ended.Load(name(v.Grant.Realm, v.Grant.ClientID)); dead {
					return storage.View{}, storage.ErrNotFound
				}
			}
			return v, err
		},
	}
}
