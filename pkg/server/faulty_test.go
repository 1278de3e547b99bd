package server_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// faulty is a store of which single methods fail.
type faulty struct {
	storage.Store
	mu    sync.Mutex
	fails map[string]func(ctx context.Context) error
}

// fail makes a method fail; nil heals it.
func (f *faulty) fail(method string, how func(ctx context.Context) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = map[string]func(ctx context.Context) error{method: how}
}

// failAll makes all methods fail but some; nil heals them.
func (f *faulty) failAll(how func(ctx context.Context) error, but ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = map[string]func(ctx context.Context) error{}
	for _, method := range []string{
		"Begin", "Finish", "Charge", "Client", "Inspect", "InspectOwner", "Refresh", "Revoke", "EndGrant", "Ready",
	} {
		if !slices.Contains(but, method) {
			f.fails[method] = how
		}
	}
}

func (f *faulty) fault(ctx context.Context, method string) error {
	f.mu.Lock()
	how := f.fails[method]
	f.mu.Unlock()
	if how == nil {
		return nil
	}
	return how(ctx)
}

func (f *faulty) Begin(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
	if err := f.fault(ctx, "Begin"); err != nil {
		return storage.Begun{}, err
	}
	return f.Store.Begin(ctx, a)
}

func (f *faulty) Finish(ctx context.Context, s storage.Settlement) error {
	if err := f.fault(ctx, "Finish"); err != nil && s.Outcome != storage.Void {
		return err
	}
	return f.Store.Finish(ctx, s)
}

func (f *faulty) Charge(ctx context.Context, charges ...storage.Charge) (storage.Verdict, error) {
	if err := f.fault(ctx, "Charge"); err != nil {
		return storage.Verdict{}, err
	}
	return f.Store.Charge(ctx, charges...)
}

func (f *faulty) Client(ctx context.Context, key, id string) (*realm.Client, error) {
	if err := f.fault(ctx, "Client"); err != nil {
		return nil, err
	}
	return f.Store.Client(ctx, key, id)
}

func (f *faulty) Inspect(ctx context.Context, id storage.GrantID) (storage.View, error) {
	if err := f.fault(ctx, "Inspect"); err != nil {
		return storage.View{}, err
	}
	return f.Store.Inspect(ctx, id)
}

func (f *faulty) InspectOwner(ctx context.Context, id storage.GrantID) (storage.View, error) {
	if err := f.fault(ctx, "InspectOwner"); err != nil {
		return storage.View{}, err
	}
	return f.Store.InspectOwner(ctx, id)
}

func (f *faulty) Refresh(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
	if err := f.fault(ctx, "Refresh"); err != nil {
		return storage.Refreshed{}, err
	}
	return f.Store.Refresh(ctx, r)
}

func (f *faulty) Revoke(ctx context.Context, r storage.Revocation) error {
	if err := f.fault(ctx, "Revoke"); err != nil {
		return err
	}
	return f.Store.Revoke(ctx, r)
}

func (f *faulty) EndGrant(ctx context.Context, key string, id storage.GrantID) error {
	if err := f.fault(ctx, "EndGrant"); err != nil {
		return err
	}
	return f.Store.EndGrant(ctx, key, id)
}

func (f *faulty) Ready(ctx context.Context) error {
	if err := f.fault(ctx, "Ready"); err != nil {
		return err
	}
	return f.Store.Ready(ctx)
}

// newFaultyWorld is a world whose store can fail.
func newFaultyWorld(t *testing.T, o setup) (*world, *faulty) {
	t.Helper()
	f := &faulty{}
	o.wrap = func(s storage.Store) storage.Store { f.Store = s; return f }
	return newWorld(t, o), f
}
