package admin

import (
	"context"
	"iter"
)

// ReloadAnswer is what a reload found worth telling.
type ReloadAnswer struct {
	Warnings []string `json:"warnings"`
}

func (a *api) reload(ctx context.Context, _ Nothing, _ *trail) (ReloadAnswer, error) {
	if a.Reload == nil {
		return ReloadAnswer{}, refuse(CodeInvalid, "this server has no configuration to reload")
	}
	warnings, err := a.Reload(ctx)
	if err != nil {
		return ReloadAnswer{}, refuse(CodeConfiguration, "%v", err)
	}
	return ReloadAnswer{Warnings: filled(warnings)}, nil
}

func (a *api) effective(context.Context, Nothing) (any, error) {
	if a.Effective == nil {
		return nil, refuse(CodeInvalid, "this server has no configuration to show")
	}
	return a.Effective(), nil
}

// Secret is a system secret as administrators see it. The id is in every token that it signed.
type Secret struct {
	ID    string `json:"id"`
	Signs bool   `json:"signs"` // the first of the list; all verify
}

// listSecrets lists the system secrets in their order.
func (a *api) listSecrets(context.Context, Nothing) iter.Seq2[Secret, error] {
	return func(yield func(Secret, error) bool) {
		if a.KeyIDs == nil {
			return
		}
		for i, id := range a.KeyIDs() {
			if !yield(Secret{ID: id, Signs: i == 0}, nil) {
				return
			}
		}
	}
}
