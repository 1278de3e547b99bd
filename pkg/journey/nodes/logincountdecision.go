package nodes

import (
	"context"
	"errors"
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// LoginCountDecision asks whether the owner has logged in a number of times. Logins are those that [IncrementLoginCount] has
// counted, with the one under way if it is counted before this node.
type LoginCountDecision struct {
	// Interval is "at" (the default) for that number alone, or "every" for each multiple of it.
	Interval string `yaml:"interval"`
	// Amount is the number of logins, at least 1.
	Amount int `yaml:"amount" reference:"required"`
}

const (
	intervalAt    = "at"
	intervalEvery = "every"
)

// Outcomes are "true" (it is that number, or a multiple) and "false" (also if there is no such owner).
func (*LoginCountDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// Open fails without an amount, and for an unknown interval.
func (d *LoginCountDecision) Open(journey.Env) (journey.Node, error) {
	if d.Amount < 1 {
		return nil, errors.New("amount: must be at least 1")
	}
	switch d.Interval {
	case "", intervalAt:
		return loginCount{amount: d.Amount}, nil
	case intervalEvery:
		return loginCount{amount: d.Amount, every: true}, nil
	}
	return nil, fmt.Errorf("interval: must be at or every, not %q", d.Interval)
}

type loginCount struct {
	amount int
	every  bool
}

func (c loginCount) Run(_ context.Context, s *journey.State) (string, error) {
	n := s.Logins()
	return decision(s.User() != nil && (n == c.amount || (c.every && n > 0 && n%c.amount == 0))), nil
}
