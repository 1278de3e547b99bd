package admin

import (
	"context"
	"iter"

	"github.com/ropcd/ropcd/storage"
)

// examineStore lists what the store finds about itself. It goes through all that is in it.
func (a *api) examineStore(ctx context.Context, _ Nothing) iter.Seq2[storage.Finding, error] {
	return a.examined(ctx, false)
}

// repairStore is examineStore, and removes what leads nowhere.
func (a *api) repairStore(ctx context.Context, _ Nothing) iter.Seq2[storage.Finding, error] {
	return a.examined(ctx, true)
}

func (a *api) examined(ctx context.Context, repair bool) iter.Seq2[storage.Finding, error] {
	return func(yield func(storage.Finding, error) bool) {
		s, ok := a.Store.(storage.Examiner)
		if !ok {
			yield(storage.Finding{}, refuse(CodeInvalid, "the store of this server can't be examined"))
			return
		}
		for f := range s.Examine(ctx, repair) {
			if !yield(f, nil) {
				return
			}
		}
	}
}
