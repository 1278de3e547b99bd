package histories

import (
	"context"
	"fmt"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// Fault is what a history wants to go wrong with a call, on its way to the store or back.
type Fault int

const (
	None Fault = iota
	// Lost: the call is made, and its reply does not come: the caller sees [storage.ErrUnavailable].
	Lost
	// Twice: the call is delivered a second time, and the caller sees the second reply.
	Twice
)

// String is the fault as reports have it.
func (f Fault) String() string { return []string{"", "reply lost", "delivered twice"}[f] }

type faultKey struct{}

// FaultOf is the fault that a call's context asks for. Who can lose replies nearer to the store's server than [Faulty] asks
// for it there.
func FaultOf(ctx context.Context) Fault {
	f, _ := ctx.Value(faultKey{}).(Fault)
	return f
}

func withFault(ctx context.Context, f Fault) context.Context {
	return context.WithValue(ctx, faultKey{}, f)
}

// Faulty is the store with the faults that are asked for, for stores that have nothing between the caller and the data. An
// attempt is never begun twice: a second Begin is another attempt.
func Faulty(s storage.Store) storage.Store { return faulty{s} }

type faulty struct{ storage.Store }

var errLost = fmt.Errorf("%w: the reply was lost", storage.ErrUnavailable)

func deliver(ctx context.Context, f func() error) error {
	switch FaultOf(ctx) {
	case Twice:
		_ = f()
	case Lost:
		_ = f()
		return errLost
	}
	return f()
}

func (f faulty) Begin(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
	b, err := f.Store.Begin(ctx, a)
	if FaultOf(ctx) == Lost {
		return storage.Begun{}, errLost
	}
	return b, err
}

func (f faulty) Finish(ctx context.Context, s storage.Settlement) error {
	return deliver(ctx, func() error { return f.Store.Finish(ctx, s) })
}

func (f faulty) UpdateUser(ctx context.Context, u *realm.User, endGrants bool) error {
	version := u.Version
	return deliver(ctx, func() error {
		u.Version = version
		return f.Store.UpdateUser(ctx, u, endGrants)
	})
}

func (f faulty) UnlockUser(ctx context.Context, realmKey, name string) error {
	return deliver(ctx, func() error { return f.Store.UnlockUser(ctx, realmKey, name) })
}

func (f faulty) Refresh(ctx context.Context, r storage.RefreshStep) (out storage.Refreshed, err error) {
	err = deliver(ctx, func() error {
		out, err = f.Store.Refresh(ctx, r)
		return err
	})
	return out, err
}

func (f faulty) Revoke(ctx context.Context, r storage.Revocation) error {
	return deliver(ctx, func() error { return f.Store.Revoke(ctx, r) })
}

func (f faulty) EndGrant(ctx context.Context, realmKey string, id storage.GrantID) error {
	return deliver(ctx, func() error { return f.Store.EndGrant(ctx, realmKey, id) })
}

func (f faulty) EndUser(ctx context.Context, realmKey, name string) error {
	return deliver(ctx, func() error { return f.Store.EndUser(ctx, realmKey, name) })
}

func (f faulty) EndClient(ctx context.Context, realmKey, clientID string) error {
	return deliver(ctx, func() error { return f.Store.EndClient(ctx, realmKey, clientID) })
}

func (f faulty) EndRealm(ctx context.Context, realmKey string) error {
	return deliver(ctx, func() error { return f.Store.EndRealm(ctx, realmKey) })
}
