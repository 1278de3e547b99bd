package storage

import (
	"context"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Logins is the account of attempts to log in: reserve before a password is evaluated, settle afterwards.
//
// However many processes ask at once, no more than the policy's threshold of wrong passwords are evaluated for one
// (realm, user name) per lock. A reservation that is never settled counts as a failure once its hold is over. Names that
// belong to nobody are counted in the same way, with the same work, in a bounded number of accounts.
//
// An owner has a general account, and one more for each known source, of which there are at most [MaxSources]: all of
// this holds for each of them, and what fails under one leaves the others alone. A source is known once a success from it
// was settled while the owner's record was the version that Begin read. It is forgotten when others have succeeded more
// recently, or when the owner's grants are ended by a change of the record.
type Logins interface {
	// Begin reads the owner and reserves one attempt, in one step. Only [Reserved] allows a password to be evaluated. The
	// account that judges is that of a.Source if it is known, else the general one.
	Begin(ctx context.Context, a Attempt) (Begun, error)
	// Finish settles a reservation, once, with all that the settlement asks for in the same step: settling again, or
	// settling what was refused, changes nothing.
	//
	// What is charged or cleared is the account that judged the attempt. If that was a source's which has been forgotten
	// since, a failure is charged to the general account, and a success clears none.
	//
	// A [Success] whose one-time code was used by another attempt is settled as a [Failure] instead: [ErrCodeUsed]. With
	// s.Grant the owner's record must still be the version that Begin read ([ErrConflict] otherwise, with the reservation
	// given back and nothing else changed). Without a reservation (settled, refused, counted as a failure, or its owner
	// deleted) a grant is [ErrConflict] too, unless this very settlement created it; a settlement that was answered
	// [ErrCodeUsed] or [ErrTooManyGrants] may have that answer again.
	//
	// With s.GrantLimit the owner never has more grants that are alive than it allows, however many log in at once: unless
	// the grant fits in, the oldest logins are ended in the same step until it does, or the answer is [ErrTooManyGrants]. Dead
	// grants don't count: not those that have expired, and not those of an epoch that has moved on, more than a second ago.
	// A settlement that ends the owner's grants has room. An owner who had more than [MaxEvicted] grants when the limit came
	// loses them over many logins: one looks at no more than so many, those that expire first, and takes all others for alive.
	//
	// Whatever Begin's standing was, and whichever account judged, Finish costs the same. A settlement that no record can hold (see
	// [Settlement.Effective]) is an error, and nothing has happened.
	Finish(ctx context.Context, s Settlement) error
}

// MaxEvicted is how many grants a settlement with a GrantLimit looks at, and so may end, at most.
const MaxEvicted = 1000

// Attempt asks for one evaluation of a password.
type Attempt struct {
	Realm    string // the realm's key
	Username string // canonical
	Policy   realm.Lockout
	Hold     time.Duration // how long the reservation may stay unsettled
	Source   Source        // where it comes from; zero: nowhere that could be known
}

// Standing is what Begin decided.
type Standing int

const (
	// Reserved: evaluate one password, then Finish.
	Reserved Standing = iota
	// Busy: so many attempts are under way that one more could exceed the threshold. Nothing was reserved; ask again.
	Busy
	// Locked: failures have reached the threshold, for now.
	Locked
	// Stopped: too many consecutive failures; only an administrator unlocks.
	Stopped
)

// Begun is Begin's answer.
type Begun struct {
	Standing    Standing
	User        *realm.User // nil: no such owner
	Reservation Reservation
}

// Reservation is one attempt under way. Hand it to Finish unchanged.
type Reservation struct {
	Realm    string
	Username string
	Policy   realm.Lockout
	Source   Source
	Nonce    [16]byte    // all zero: nothing was reserved
	User     *realm.User // as read by Begin, nil: no such owner

	// Now is the store's clock when Begin ran, Begun the local one.
	Now, Begun time.Time
}

// Clock is the store's time now, as far as this process can tell.
func (r *Reservation) Clock() time.Time { return r.Now.Add(time.Since(r.Begun)) }

// Bound is the earlier of t and the end of the owner's account. A zero time never comes.
func (r *Reservation) Bound(t time.Time) time.Time {
	if r.User == nil || r.User.Expires.IsZero() {
		return t
	}
	return Earlier(t, r.User.Expires)
}

// Earlier is the earlier of two times of which the zero one never comes.
func Earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
