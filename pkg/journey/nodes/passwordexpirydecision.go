package nodes

import (
	"context"
	"errors"
	"time"

	"github.com/ropcd/ropcd/pkg/journey"
)

// PasswordExpiryDecision asks whether the owner's password, as it is kept here, is older than it may be. Where it is not
// known when the password was set, as with an imported hash, the making of the account counts.
type PasswordExpiryDecision struct {
	// MaxAge is how old a password may be, such as 90d.
	MaxAge time.Duration `yaml:"max_age" reference:"required"`
}

// Outcomes are "true" (the password has expired) and "false" (it has not, or there is none here).
func (*PasswordExpiryDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// Open fails without an age.
func (d *PasswordExpiryDecision) Open(journey.Env) (journey.Node, error) {
	if d.MaxAge < time.Second {
		return nil, errors.New("max_age: say how old a password may be, such as 90d")
	}
	return maxAge(d.MaxAge), nil
}

type maxAge time.Duration

func (most maxAge) Run(_ context.Context, s *journey.State) (string, error) {
	since, ok := s.PasswordSet()
	old := ok && s.Now().Sub(since) > time.Duration(most)
	if old {
		s.SetReason(journey.ReasonExpired)
	}
	return decision(old), nil
}
