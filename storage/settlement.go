package storage

import (
	"errors"
	"fmt"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Outcome is how an attempt ended.
type Outcome int

const (
	// Void: no wrong password was evaluated. The account of attempts is as if Begin had not been called.
	Void Outcome = iota
	// Failure: a wrong password was evaluated.
	Failure
	// Success: the owner was authenticated. Failures, locks and the consecutive count of the account that judged are
	// cleared, but wrong one-time codes only by a success with a CodeStep, and the source is known from now on; see
	// [Settlement.Introduces].
	Success
)

// Settlement is the end of an attempt. On a name that belongs to nobody all but Reservation and Outcome is without
// effect.
type Settlement struct {
	Reservation Reservation
	Outcome     Outcome

	// Owner replaces the administrative part of the owner's record, with any outcome but Void, if not nil and the record
	// is still exactly what Begin read; else the record is left as it is. Realm, Username, ID, Created, Version and Login
	// of it are ignored. No grant outlives an earlier Expires of it. It is a copy: Reservation.User stays as it was read.
	Owner *realm.User
	// EndGrants makes Owner an administrative change: when it is written, Version is counted up, and the owner's grants are
	// ended, and all sources forgotten, before Grant is created and this one's source is known. Without it Version stays,
	// and an UpdateUser of what was read before replaces Owner.
	EndGrants bool
	// CountLogin counts Login.Logins up, on success.
	CountLogin bool
	// CodeStep is the time step of a one-time code that was right in this attempt; 0: there was none. With any outcome but
	// Void it is remembered as used: neither it nor an earlier one is good for another success, which is [ErrCodeUsed].
	CodeStep uint64
	// WrongCode: the Failure is that of a one-time code, as is a CodeStep that was used. See realm.Login.CodeFailures.
	WrongCode bool
	// Unverified: the Success follows no credential. It clears nothing, and makes no source known.
	Unverified bool
	// Grant is created on success, if not nil. Finish fills in its epochs.
	Grant *Grant
	// GrantLimit is what Grant has to fit into: see [Logins.Finish].
	GrantLimit realm.GrantLimit
	// Evicted, if not nil, is where Finish puts the grants that it has ended for want of room, oldest login first.
	Evicted *[]GrantID
}

// The settlements that no record can hold.
var (
	errForeignGrant = errors.New("finish: the grant is not of the reservation's owner")
	errCodeStep     = errors.New("finish: no such time step of a one-time code")
)

// Effective is the settlement without what its outcome, or a name that belongs to nobody, makes ineffective. An Owner is
// completed: it is a copy, to be written as it is. Grant is the caller's own. An error means that the grant is of
// somebody else, or that a record can't hold what is asked for; it is none of the store's answers.
func (s Settlement) Effective() (Settlement, error) {
	if s.Outcome != Success {
		s.Grant, s.CountLogin = nil, false
	}
	if s.Outcome != Failure {
		s.WrongCode = false
	}
	if s.Grant == nil {
		s.GrantLimit = realm.GrantLimit{}
	}
	if s.Outcome == Void || s.Reservation.User == nil {
		s.Owner, s.CountLogin, s.CodeStep, s.WrongCode = nil, false, 0, false
	}
	if s.Owner == nil {
		s.EndGrants = false
	} else {
		s.Owner = s.nextOwner()
		if _, err := EncodeUser(s.Owner); err != nil {
			return Settlement{}, fmt.Errorf("finish: %w", err)
		}
	}
	if s.CodeStep > MaxCodeStep {
		return Settlement{}, errCodeStep
	}
	if s.Grant != nil && !s.Reservation.owns(s.Grant) {
		return Settlement{}, errForeignGrant
	}
	return s, nil
}

// Introduces reports whether a success from a source that is not known makes it known. Where the owner has a one-time code,
// a login without one does not: who knows the password alone would have a fresh account to guess codes in from each place.
func (s *Settlement) Introduces() bool {
	u := s.Reservation.User
	return !s.Unverified && u != nil && s.Reservation.Source != (Source{}) && (len(u.Seed) == 0 || s.CodeStep != 0)
}

// nextOwner is the owner as Begin read it, with the administrative part of s.Owner.
func (s *Settlement) nextOwner() *realm.User {
	read, next := s.Reservation.User, s.Owner.Clone()
	next.Realm, next.Username, next.ID, next.Created = read.Realm, read.Username, read.ID, read.Created
	next.Version, next.Login = read.Version, read.Login
	if s.EndGrants {
		next.Version++
	}
	return next
}

// owns reports whether a grant is of the reservation's owner.
func (r *Reservation) owns(g *Grant) bool {
	return g.Realm == r.Realm && g.Username == r.Username && g.ID.Bucket() == Bucket(r.Realm, r.Username)
}
