package storage

import (
	"context"
	"iter"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Users are the resource owners. Realms are named by key, owners by canonical user name.
type Users interface {
	// CreateUser adds an owner; its Version and Login are ignored. [ErrExists] when the name or the id is taken in the realm.
	CreateUser(ctx context.Context, u *realm.User) error
	// UserByName finds an owner, or [ErrNotFound].
	UserByName(ctx context.Context, realmKey, name string) (*realm.User, error)
	// Sources lists an owner's known sources in no order, none for who has none. For administrators.
	Sources(ctx context.Context, realmKey, name string) ([]KnownSource, error)
	// UserByID finds an owner by id, or [ErrNotFound].
	UserByID(ctx context.Context, realmKey, id string) (*realm.User, error)
	// UpdateUser replaces everything but Realm, Username, ID, Created and Login, if u.Version is the stored one
	// ([ErrConflict] otherwise, [ErrNotFound] when it is gone), and counts Version up, also in u. The owner's grants are
	// ended, and all known sources forgotten, in the same step when endGrants is set; the sources also when it gives an owner
	// who had none a seed. No grant outlives an earlier u.Expires in any case.
	UpdateUser(ctx context.Context, u *realm.User, endGrants bool) error
	// UnlockUser clears failures, the consecutive count and locks of every account, or [ErrNotFound]. It is not an administrative change.
	UnlockUser(ctx context.Context, realmKey, name string) error
	// DeleteUser removes an owner with all known sources and ends the owner's grants, or [ErrNotFound]. It removes a record
	// that can't be read too: there is no other way out.
	DeleteUser(ctx context.Context, realmKey, name string) error
	// Users lists the owners of a realm in no order. For administrators: it may read everything there is.
	Users(ctx context.Context, realmKey string) iter.Seq2[*realm.User, error]
}
