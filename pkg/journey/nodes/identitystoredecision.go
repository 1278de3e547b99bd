package nodes

import (
	"context"

	"github.com/ropcd/ropcd/pkg/journey"
)

// IdentityStoreDecision compares the collected password like [DataStoreDecision], and tells locked and expired owners from
// the others. It does so for the journey and the audit log. A client learns nothing of it: whoever is locked, disabled or
// expired gets no token and the usual answer, wherever the outcomes lead.
//
// Unlike in AM, the kind of "no" does not depend on the password, and AM's outcome "cancelled" of an interactive change
// of password does not exist. So lead "false", "locked" and "expired" to the same work: a directory that is asked on one
// way only would tell them apart by its time.
type IdentityStoreDecision struct{}

// Outcomes are "true" (right), "locked" (too many wrong passwords for the name, whether it is anybody's or not; or, as in
// AM, the owner is disabled), "expired" (the owner's time is over) and "false" (anything else: wrong, missing, unknown).
func (*IdentityStoreDecision) Outcomes() []string {
	return []string{outcomeTrue, outcomeFalse, outcomeLocked, outcomeExpired}
}

const (
	outcomeLocked  = "locked"
	outcomeExpired = "expired"
)

// ReadsPassword is true: it compares it.
func (*IdentityStoreDecision) ReadsPassword() bool { return true }

// Verifies is "true".
func (*IdentityStoreDecision) Verifies() []string { return []string{outcomeTrue} }

// Open never fails.
func (*IdentityStoreDecision) Open(journey.Env) (journey.Node, error) { return identityStore{}, nil }

type identityStore struct{}

// Run compares first, so that every outcome costs a comparison.
func (identityStore) Run(ctx context.Context, s *journey.State) (string, error) {
	right, err := s.Verify(ctx)
	if err != nil {
		return "", err
	}
	if right {
		return outcomeTrue, nil
	}
	reason := inactive(s, journey.ReasonWrongPassword)
	if s.Locked() {
		reason = journey.ReasonLocked
	}
	s.SetReason(reason)
	switch reason {
	case journey.ReasonLocked, journey.ReasonDisabled:
		return outcomeLocked, nil
	case journey.ReasonExpired:
		return outcomeExpired, nil
	}
	return outcomeFalse, nil
}
