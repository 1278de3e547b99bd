package journey

import (
	"slices"
	"time"
)

// Reasons of a refusal, for the audit log only: a client never learns them.
const (
	ReasonFailed        = "journey_failed" // no node gave a finer one
	ReasonWrongPassword = "wrong_password"
	ReasonUnknownUser   = "unknown_user"
	ReasonLocked        = "locked"
	ReasonDisabled      = "disabled"
	ReasonExpired       = "expired"
)

// knownReason keeps reasons countable: they become labels of metrics.
func knownReason(reason string) bool {
	return slices.Contains([]string{
		ReasonFailed, ReasonWrongPassword, ReasonUnknownUser, ReasonLocked, ReasonDisabled, ReasonExpired,
	}, reason)
}

// Result is how a run ended.
type Result struct {
	// Success is where the journey led. It is no proof of anything: whether a token may follow without Verified is the
	// caller's decision.
	Success bool
	// Verified: a credential source said yes in this run.
	Verified bool
	// Evaluated: a credential source answered in this run, yes or no, so that a guess was spent.
	Evaluated bool
	// Reason is one of the Reason constants; empty on success.
	Reason     string
	AuthLevel  int
	Properties map[string]string // for the session; nil if there are none, or no success
	Trail      []Step
}

// Step is the visit to one node.
type Step struct {
	Journey  string // the inner journey's name inside one
	Node     string
	Type     string
	Outcome  string // empty if the node faulted
	Duration time.Duration
}
