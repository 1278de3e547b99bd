package admin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"

	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// Secret is a system secret as administrators see it. The id is in every token that it signed. How many tokens that are
// is known to nobody, since tokens are not stored: they live for their lifetime after it has ceased to sign.
type Secret struct {
	ID    string `json:"id"`
	Signs bool   `json:"signs"` // the first of the list; all verify
	Seeds int    `json:"seeds"` // of one-time codes in the realms of config.yaml that are sealed under it
}

// listSecrets lists the system secrets in their order. It goes through all owners.
func (a *api) listSecrets(ctx context.Context, _ Nothing) iter.Seq2[Secret, error] {
	return func(yield func(Secret, error) bool) {
		if a.KeyIDs == nil {
			return
		}
		seeds, err := a.countSeeds(ctx)
		if err != nil {
			yield(Secret{}, err)
			return
		}
		for i, id := range a.KeyIDs() {
			if !yield(Secret{ID: id, Signs: i == 0, Seeds: seeds[id]}, nil) {
				return
			}
		}
	}
}

// countSeeds counts the seeds of all realms by the id of the system secret that they name. A damaged owner needs none.
func (a *api) countSeeds(ctx context.Context) (map[string]int, error) {
	seeds := map[string]int{}
	for _, r := range a.Provider.Current().All() {
		for u, err := range a.Store.Users(ctx, r.Path.Key()) {
			if errors.Is(err, storage.ErrDamaged) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("count seeds: %w", err)
			}
			if id, ok := token.SealedUnder(u.Seed); ok {
				seeds[hex.EncodeToString(id[:])]++
			}
		}
	}
	return seeds, nil
}
