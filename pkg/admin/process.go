package admin

import "context"

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

// Secrets are the system secrets in the order of the list.
type Secrets struct {
	Secrets []Secret `json:"secrets"`
}

func (a *api) secrets(context.Context, Nothing) (Secrets, error) {
	out := Secrets{Secrets: []Secret{}}
	if a.KeyIDs == nil {
		return out, nil
	}
	for i, id := range a.KeyIDs() {
		out.Secrets = append(out.Secrets, Secret{ID: id, Signs: i == 0})
	}
	return out, nil
}
