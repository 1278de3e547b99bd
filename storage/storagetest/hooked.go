package storagetest

import (
	"context"
	"iter"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// hooked is a store some of whose methods are replaced; a nil func leaves the method alone.
type hooked struct {
	storage.Store
	begin         func(context.Context, storage.Attempt) (storage.Begun, error)
	finish        func(context.Context, storage.Settlement) error
	userByName    func(context.Context, string, string) (*realm.User, error)
	sources       func(context.Context, string, string) ([]storage.KnownSource, error)
	updateUser    func(context.Context, *realm.User, bool) error
	unlockUser    func(context.Context, string, string) error
	createUser    func(context.Context, *realm.User) error
	deleteUser    func(context.Context, string, string) error
	createClient  func(context.Context, *realm.Client) error
	listUsers     func(context.Context, string) iter.Seq2[*realm.User, error]
	updateClient  func(context.Context, *realm.Client) error
	inspect       func(context.Context, storage.GrantID) (storage.View, error)
	refresh       func(context.Context, storage.RefreshStep) (storage.Refreshed, error)
	revoke        func(context.Context, storage.Revocation) error
	endUser       func(context.Context, string, string) error
	endClient     func(context.Context, string, string) error
	endRealm      func(context.Context, string) error
	grantsOf      func(context.Context, string, string) ([]*storage.Grant, error)
	charge        func(context.Context, []storage.Charge) (storage.Verdict, error)
	known         func(storage.Charge) storage.Verdict
	everyDeadline bool
}

// or is f, or what the store does by itself.
func or[F any](f F, set bool, own F) F {
	if set {
		return f
	}
	return own
}

// deadline is the context that the store sees.
func (h *hooked) deadline(ctx context.Context) context.Context {
	if h.everyDeadline {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (h *hooked) Begin(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
	return or(h.begin, h.begin != nil, h.Store.Begin)(h.deadline(ctx), a)
}

func (h *hooked) Finish(ctx context.Context, s storage.Settlement) error {
	return or(h.finish, h.finish != nil, h.Store.Finish)(h.deadline(ctx), s)
}

func (h *hooked) CreateUser(ctx context.Context, u *realm.User) error {
	return or(h.createUser, h.createUser != nil, h.Store.CreateUser)(h.deadline(ctx), u)
}

func (h *hooked) Sources(ctx context.Context, realmKey, name string) ([]storage.KnownSource, error) {
	return or(h.sources, h.sources != nil, h.Store.Sources)(h.deadline(ctx), realmKey, name)
}

func (h *hooked) UserByName(ctx context.Context, realmKey, name string) (*realm.User, error) {
	return or(h.userByName, h.userByName != nil, h.Store.UserByName)(h.deadline(ctx), realmKey, name)
}

func (h *hooked) UpdateUser(ctx context.Context, u *realm.User, endGrants bool) error {
	return or(h.updateUser, h.updateUser != nil, h.Store.UpdateUser)(h.deadline(ctx), u, endGrants)
}

func (h *hooked) UnlockUser(ctx context.Context, realmKey, name string) error {
	return or(h.unlockUser, h.unlockUser != nil, h.Store.UnlockUser)(h.deadline(ctx), realmKey, name)
}

func (h *hooked) Users(ctx context.Context, realmKey string) iter.Seq2[*realm.User, error] {
	return or(h.listUsers, h.listUsers != nil, h.Store.Users)(h.deadline(ctx), realmKey)
}

func (h *hooked) UpdateClient(ctx context.Context, c *realm.Client) error {
	return or(h.updateClient, h.updateClient != nil, h.Store.UpdateClient)(h.deadline(ctx), c)
}

func (h *hooked) Inspect(ctx context.Context, id storage.GrantID) (storage.View, error) {
	return or(h.inspect, h.inspect != nil, h.Store.Inspect)(h.deadline(ctx), id)
}

func (h *hooked) Refresh(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
	return or(h.refresh, h.refresh != nil, h.Store.Refresh)(h.deadline(ctx), r)
}

func (h *hooked) Revoke(ctx context.Context, r storage.Revocation) error {
	return or(h.revoke, h.revoke != nil, h.Store.Revoke)(h.deadline(ctx), r)
}

func (h *hooked) EndUser(ctx context.Context, realmKey, name string) error {
	return or(h.endUser, h.endUser != nil, h.Store.EndUser)(h.deadline(ctx), realmKey, name)
}

func (h *hooked) EndClient(ctx context.Context, realmKey, clientID string) error {
	return or(h.endClient, h.endClient != nil, h.Store.EndClient)(h.deadline(ctx), realmKey, clientID)
}

func (h *hooked) EndRealm(ctx context.Context, realmKey string) error {
	return or(h.endRealm, h.endRealm != nil, h.Store.EndRealm)(h.deadline(ctx), realmKey)
}

func (h *hooked) GrantsOf(ctx context.Context, realmKey, name string) ([]*storage.Grant, error) {
	return or(h.grantsOf, h.grantsOf != nil, h.Store.GrantsOf)(h.deadline(ctx), realmKey, name)
}

func (h *hooked) DeleteUser(ctx context.Context, realmKey, name string) error {
	return or(h.deleteUser, h.deleteUser != nil, h.Store.DeleteUser)(h.deadline(ctx), realmKey, name)
}

func (h *hooked) CreateClient(ctx context.Context, c *realm.Client) error {
	return or(h.createClient, h.createClient != nil, h.Store.CreateClient)(h.deadline(ctx), c)
}

func (h *hooked) Charge(ctx context.Context, all ...storage.Charge) (storage.Verdict, error) {
	if h.charge == nil {
		return h.Store.Charge(h.deadline(ctx), all...)
	}
	return h.charge(h.deadline(ctx), all)
}

func (h *hooked) Known(c storage.Charge) storage.Verdict {
	return or(h.known, h.known != nil, h.Store.Known)(c)
}
