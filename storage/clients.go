package storage

import (
	"context"
	"iter"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Clients are the dynamic clients, those that are not in config.yaml.
type Clients interface {
	// CreateClient adds a client; its Version is ignored. [ErrExists] when the id is taken in the realm.
	CreateClient(ctx context.Context, c *realm.Client) error
	// Client finds a client, or [ErrNotFound].
	Client(ctx context.Context, realmKey, id string) (*realm.Client, error)
	// UpdateClient replaces a client if c.Version is the stored one ([ErrConflict] otherwise, [ErrNotFound] when it is
	// gone), and counts Version up, also in c. It ends no grants: see [Grants.EndClient].
	UpdateClient(ctx context.Context, c *realm.Client) error
	// DeleteClient removes a client, or [ErrNotFound]. It ends no grants: see [Grants.EndClient].
	DeleteClient(ctx context.Context, realmKey, id string) error
	// Clients lists the clients of a realm in no order. For administrators: it may read everything there is.
	Clients(ctx context.Context, realmKey string) iter.Seq2[*realm.Client, error]
}
