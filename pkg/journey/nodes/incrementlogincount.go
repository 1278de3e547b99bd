package nodes

import (
	"context"

	"github.com/ropcd/ropcd/pkg/journey"
)

// IncrementLoginCount counts the login in the owner's record, for [LoginCountDecision]. It counts once a login, and only if
// the journey succeeds.
type IncrementLoginCount struct{}

// Outcomes is "outcome" alone.
func (*IncrementLoginCount) Outcomes() []string { return []string{outcomeOnly} }

// Open never fails.
func (*IncrementLoginCount) Open(journey.Env) (journey.Node, error) { return countLogin{}, nil }

type countLogin struct{}

func (countLogin) Run(_ context.Context, s *journey.State) (string, error) {
	s.CountLogin()
	return outcomeOnly, nil
}
