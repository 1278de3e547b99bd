package nodes

import (
	"context"

	"github.com/ropcd/ropcd/pkg/journey"
)

// DataStoreDecision compares the collected password with that of the realm's own resource owner.
type DataStoreDecision struct{}

// Outcomes are "true" (right) and "false" (anything else: wrong, missing, unknown, locked, disabled or expired owner).
func (*DataStoreDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// ReadsPassword is true: it compares it.
func (*DataStoreDecision) ReadsPassword() bool { return true }

// Verifies is "true".
func (*DataStoreDecision) Verifies() []string { return []string{outcomeTrue} }

// Open never fails.
func (*DataStoreDecision) Open(journey.Env) (journey.Node, error) { return dataStore{}, nil }

type dataStore struct{}

func (dataStore) Run(ctx context.Context, s *journey.State) (string, error) {
	right, err := s.Verify(ctx)
	if err != nil {
		return "", err
	}
	if !right {
		s.SetReason(inactive(s, journey.ReasonWrongPassword))
	}
	return decision(right), nil
}
