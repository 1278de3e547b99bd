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
		return ReloadAnswer{}, refuse(CodeConfiguration, "%v\n\nThe configuration in use stays as it was.", err)
	}
	return ReloadAnswer{Warnings: filled(warnings)}, nil
}

func (a *api) effective(context.Context, Nothing) (any, error) {
	if a.Effective == nil {
		return nil, refuse(CodeInvalid, "this server has no configuration to show")
	}
	return a.Effective(), nil
}
