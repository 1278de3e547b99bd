package nodes

import (
	"context"

	"github.com/ropcd/ropcd/pkg/journey"
)

// AccountActiveDecision asks whether the resource owner exists in the realm, is enabled and has not expired. A lockout
// does not count: that is a matter of attempts, not of the account.
type AccountActiveDecision struct{}

// Outcomes are "true" (active) and "false".
func (*AccountActiveDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// Open never fails.
func (*AccountActiveDecision) Open(journey.Env) (journey.Node, error) { return accountActive{}, nil }

type accountActive struct{}

func (accountActive) Run(_ context.Context, s *journey.State) (string, error) {
	reason := inactive(s, "")
	if reason != "" {
		s.SetReason(reason)
	}
	return decision(reason == ""), nil
}

// inactive is the reason why the owner's account may not be used, or the other one.
func inactive(s *journey.State, otherwise string) string {
	if reason := journey.Barred(s.User(), s.Now()); reason != "" {
		return reason
	}
	return otherwise
}
