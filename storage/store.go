package storage

import (
	"context"
	"errors"
)

// The answers of a store that are not results. Compare with errors.Is.
var (
	// ErrUnavailable means that the store did not do, or may not have done, what was asked: it is down, slow, read-only,
	// full, loading or failing over.
	ErrUnavailable = errors.New("store unavailable")
	// ErrDamaged means that a value was read which is not what was written under its key.
	ErrDamaged = errors.New("stored value damaged")
	// ErrNotFound means that there is no such thing, or that it is no longer alive.
	ErrNotFound = errors.New("not found")
	// ErrExists means that the name or id is taken.
	ErrExists = errors.New("already exists")
	// ErrConflict means that the record is not the version that was read.
	ErrConflict = errors.New("changed since it was read")
	// ErrCodeUsed means that the one-time code of an attempt, or a later one, had been used when the attempt was settled.
	// It has been settled as a failure.
	ErrCodeUsed = errors.New("one-time code already used")
	// ErrTooManyGrants means that the owner has as many live grants as the settlement's GrantLimit allows. The attempt has
	// been settled as a success that makes no grant and counts no login.
	ErrTooManyGrants = errors.New("as many grants as there may be")
	// ErrOtherClient means that the token belongs to another client. Nothing was changed.
	ErrOtherClient = errors.New("belongs to another client")
)

// Store keeps everything. Implementations MUST be safe for concurrent use, MUST honour the context's deadline (returning
// an error that is [ErrUnavailable]), MUST make each method atomic, and MUST have a write on disk, or acknowledged by
// the server, before they return nil. Limits are the exception: see there.
type Store interface {
	Logins
	Users
	Clients
	Grants
	Limits

	// Ready tells why the store cannot serve grants now, or nil.
	Ready(ctx context.Context) error
	// Close frees what the store holds. No other method may be under way or follow.
	Close() error
}

// Connected is a [Store] that keeps connections to servers.
type Connected interface {
	// Connections are those of now. Safe for concurrent use.
	Connections() Connections
}

// Connections are a store's, to all its servers together.
type Connections struct {
	Open, Idle int
	// Waited is how often, since the start, a call had to wait for a connection because as many as there may be were in
	// use, and TimedOut how often it waited in vain.
	Waited, TimedOut uint64
}
