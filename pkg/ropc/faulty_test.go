package ropc_test

import (
	"context"

	"github.com/ropcd/ropcd/storage"
)

// faultyLogins and faultyGrants pass on to the store, unless a test lays hands on a step.
type faultyLogins struct {
	storage.Logins
	begun  func()
	finish func(ctx context.Context, s storage.Settlement) error
}

func (f *faultyLogins) Begin(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
	b, err := f.Logins.Begin(ctx, a)
	if f.begun != nil {
		f.begun()
	}
	return b, err
}

func (f *faultyLogins) Finish(ctx context.Context, s storage.Settlement) error {
	if f.finish != nil {
		if err := f.finish(ctx, s); err != nil {
			return err
		}
	}
	return f.Logins.Finish(ctx, s)
}

type grantStore = storage.Grants // which has a method of its own name

type faultyGrants struct {
	grantStore
	fault error
}

func (f *faultyGrants) Refresh(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
	if f.fault != nil {
		return storage.Refreshed{}, f.fault
	}
	return f.grantStore.Refresh(ctx, r)
}
