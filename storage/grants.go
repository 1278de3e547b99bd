package storage

import (
	"context"
	"iter"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Grants are the successful logins and the state of their tokens. [Logins.Finish] creates them.
//
// A grant is alive until its record expires, it is revoked, its owner is disabled, deleted or given a new password, or
// the epoch of its client or realm moves on.
type Grants interface {
	// Inspect reads a grant that is alive, or [ErrNotFound].
	Inspect(ctx context.Context, id GrantID) (View, error)
	// InspectOwner is Inspect with the owner's record, in one step. View.User is nil when the owner is gone.
	InspectOwner(ctx context.Context, id GrantID) (View, error)
	// Refresh is the whole of a refresh token grant, in one step: see [RefreshStep].
	Refresh(ctx context.Context, r RefreshStep) (Refreshed, error)
	// Revoke ends what a token stands for: a refresh token of any generation the grant, an access token itself.
	// [ErrNotFound] when there is no such grant alive, the digest is not its own or the realm is another,
	// [ErrOtherClient] when it is another client's. Nothing is changed then. Revoking again is no error. What was revoked
	// stays so, expired tokens too: a clock that is set back makes no revoked token good again.
	Revoke(ctx context.Context, r Revocation) error

	// EndGrant ends one grant of a realm, or [ErrNotFound].
	EndGrant(ctx context.Context, realmKey string, id GrantID) error
	// EndUser ends all grants of an owner, at once in every process.
	EndUser(ctx context.Context, realmKey, name string) error
	// EndClient ends all grants of a client, static or dynamic, within one second in every process.
	EndClient(ctx context.Context, realmKey, clientID string) error
	// EndRealm ends all grants of a realm, within one second in every process.
	EndRealm(ctx context.Context, realmKey string) error

	// GrantsOf lists the live grants of an owner, oldest login first.
	GrantsOf(ctx context.Context, realmKey, name string) ([]*Grant, error)
	// Grants lists the live grants of a realm in no order. For administrators: it may read everything there is.
	Grants(ctx context.Context, realmKey string) iter.Seq2[*Grant, error]
}

// View is a grant as it was at a moment of the store's clock.
type View struct {
	Grant *Grant
	User  *realm.User
	Now   time.Time
}

// ClockLeeway is by how much a clock may be set back, or another server's be behind, within the grace of a rotation.
const ClockLeeway = time.Second

// RefreshStep asks for the tokens that follow a refresh token. The step refuses, in this order and without any effect
// but the one named: a grant that is not alive, another realm, a wrong digest, another client, an expired refresh token,
// a generation that the grant has not reached ([RefreshRefused]); a spent token, that is an older generation than the
// grant's, unless it is the immediate predecessor within Grace of the rotation, or the very request (Nonce) that made
// the rotation ([RefreshReused]: the grant is ended); a scope that the grant never had ([RefreshWider]); no scope that
// the client still has ([RefreshNoScope]).
//
// Then, with Rotate and the current generation: generation and Seq + 1, a fresh refresh expiry, within the grant's end.
// A predecessor is within Grace when the rotation was less than that ago, or is no more than [ClockLeeway] to come: the
// clock was set back then, and nobody knows how long ago it was. A predecessor within Grace, or a repeated Nonce: nothing
// changes, and the answer is the same generation, Seq and expiry as the first one. Without Rotate and the current
// generation: Seq + 1. A zero Nonce repeats nothing. A grant that no refresh token was issued for is refused like one that
// is not alive.
type RefreshStep struct {
	ID         GrantID
	Generation uint32
	Digest     Digest // of the presented secret
	Realm      string
	ClientID   string
	Nonce      [8]byte // random, of this request; the same one again gets the same answer

	Rotate          bool
	Grace           time.Duration
	AccessLifetime  time.Duration // realm.Never: no expiry
	RefreshLifetime time.Duration // realm.Never: no expiry

	Scopes       []string // as requested; none: all of the grant's
	ClientScopes []string // what the client may have now
}

// RefreshOutcome is the decision of a refresh.
type RefreshOutcome int

// The outcomes of a refresh; see [RefreshStep].
const (
	RefreshDone RefreshOutcome = iota
	RefreshRefused
	RefreshReused
	RefreshWider
	RefreshNoScope
)

// Refreshed is the answer to a [RefreshStep]. With [RefreshDone] the grant is as it stands after the step: its
// Generation, Seq and AccessExpires are those of the tokens to issue. With [RefreshReused] it is as it stood before.
type Refreshed struct {
	View
	Outcome RefreshOutcome
}

// Revocation names a token whose MAC has been checked.
type Revocation struct {
	ID       GrantID
	Digest   Digest // of the refresh or the access secret, as Access says
	Access   bool
	Seq      uint32 // of an access token
	Realm    string
	ClientID string
}
