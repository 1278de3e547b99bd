package storagetest

import (
	"context"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// limitFaults are faults of rate limits.
var limitFaults = map[Fault]func(s storage.Store) storage.Store{
	"nothing is limited":                charges(func(c *storage.Charge) { c.Limit = realm.Limit{} }),
	"limits are checked, then charged":  lookedThenTaken,
	"places never come back":            charges(func(c *storage.Charge) { c.Limit.Per *= 1000 }),
	"places come back at once":          charges(func(c *storage.Charge) { c.Limit.Per = time.Microsecond }),
	"layers share places":               charges(func(c *storage.Charge) { c.Layer, c.Username = storage.LayerClient, "" }),
	"realms share places":               charges(func(c *storage.Charge) { c.Realm = "/" }),
	"user names share places":           charges(func(c *storage.Charge) { c.Username = "" }),
	"looking takes a place":             mode(storage.Look, storage.Take),
	"nothing is counted past the limit": mode(storage.Count, storage.Take),
	"a limit that is off is one": charges(func(c *storage.Charge) {
		if !c.Limit.On() {
			c.Limit = realm.Limit{Requests: 1, Per: long}
		}
	}),
	"refused requests are charged": func(s storage.Store) storage.Store {
		return &hooked{Store: s, charge: func(ctx context.Context, all []storage.Charge) (worst storage.Verdict, err error) {
			for _, c := range all {
				v, err := s.Charge(ctx, c)
				if err != nil {
					return v, err
				}
				worst = worst.Worse(v)
			}
			return worst, nil
		}}
	},
	"refusals are not known": func(s storage.Store) storage.Store {
		return &hooked{Store: s, known: func(storage.Charge) storage.Verdict { return storage.Verdict{} }}
	},
	"refusals are known for ever": func(s storage.Store) storage.Store {
		return &hooked{Store: s, known: func(c storage.Charge) storage.Verdict {
			c.Limit.Per *= 1000
			return s.Known(c)
		}}
	},
}

// charges changes what Charge and Known are asked for.
func charges(change func(c *storage.Charge)) func(s storage.Store) storage.Store {
	return func(s storage.Store) storage.Store {
		return &hooked{
			Store: s,
			charge: func(ctx context.Context, all []storage.Charge) (storage.Verdict, error) {
				changed := append([]storage.Charge{}, all...)
				for i := range changed {
					change(&changed[i])
				}
				return s.Charge(ctx, changed...)
			},
			known: func(c storage.Charge) storage.Verdict {
				change(&c)
				return s.Known(c)
			},
		}
	}
}

// mode does another thing than it was asked for.
func mode(asked, done storage.Mode) func(s storage.Store) storage.Store {
	return charges(func(c *storage.Charge) {
		if c.Mode == asked {
			c.Mode = done
		}
	})
}

// lookedThenTaken decides in one step and takes in another, some time later.
func lookedThenTaken(s storage.Store) storage.Store {
	return &hooked{Store: s, charge: func(ctx context.Context, all []storage.Charge) (storage.Verdict, error) {
		looks, counts := append([]storage.Charge{}, all...), append([]storage.Charge{}, all...)
		for i := range all {
			looks[i].Mode, counts[i].Mode = storage.Look, storage.Count
		}
		v, err := s.Charge(ctx, looks...)
		if err != nil || v.Refused() {
			return v, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
		_, err = s.Charge(ctx, counts...)
		return storage.Verdict{}, err
	}}
}
