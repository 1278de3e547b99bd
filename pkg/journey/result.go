package journey

import (
	"slices"
	"time"
)

// Reasons of a refusal, for the audit log only: a client never learns them.
const (
	ReasonFailed        = "journey_failed" // no node gave a finer one
	ReasonWrongPassword = "wrong_password"
	ReasonWrongCode     = "wrong_code"
	ReasonNoCode        = "no_code"   // the request has no one-time code
	ReasonCodeUsed      = "code_used" // the one-time code, or a later one, was used before
	ReasonUnknownUser   = "unknown_user"
	ReasonOtherSource   = "other_source" // right, but the owner of that name was made by somebody else
	ReasonLocked        = "locked"
	ReasonDisabled      = "disabled"
	ReasonExpired       = "expired"
)

// Reasons are all of them. That they are few keeps them countable: they become labels of metrics.
func Reasons() []string {
	return []string{
		ReasonWrongPassword, ReasonWrongCode, ReasonNoCode, ReasonCodeUsed, ReasonUnknownUser, ReasonOtherSource, ReasonLocked, ReasonDisabled, ReasonExpired, ReasonFailed,
	}
}

func knownReason(reason string) bool { return slices.Contains(Reasons(), reason) }

// Result is how a run ended.
type Result struct {
	// Success is where the journey led. It is no proof of anything: [Journey.Decide] says whether a token may follow.
	Success bool
	// Verified: a credential source said yes in this run.
	Verified bool
	// Evaluated: a credential source answered in this run, yes or no, or may have evaluated the password without its answer
	// having come ([ErrSent]), so that a guess was spent.
	Evaluated bool
	// WrongCode: a one-time code was evaluated and found wrong.
	WrongCode bool
	// Reason is one of the Reason constants; empty on success.
	Reason     string
	AuthLevel  int
	Properties map[string]string // for the session; nil if there are none, or no success
	Trail      []Step

	// Source is the outside source that verified the credential first; empty without one, or without success. If the user
	// has no owner's record, one is to be made; Attributes are what it, or a later source, knows for the record.
	Source     string
	Attributes map[string]string
	// Migrate: the password is to be kept in the owner's record, see [State.MigrateCredential].
	Migrate bool
	// CountLogin: the login is to be counted in the owner's record.
	CountLogin bool
	// Enabled, if not nil, is to become the state of the owner's account, also after a refusal.
	Enabled *bool
	// CodeStep is the time step of a one-time code that was right, 0: there was none. It is used up, also by a refusal.
	CodeStep uint64
}

// Step is the visit to one node.
type Step struct {
	Journey  string // the inner journey's name inside one
	Node     string
	Type     string
	Outcome  string // empty if the node faulted
	Duration time.Duration
}
