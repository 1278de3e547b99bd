package nodes

import (
	"context"
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// RetryLimitDecision lets a run pass a number of times, then no more: it bounds a loop. Unlike in AM it counts within the run only, which has one
// password from start to end: wrong passwords over many requests are counted by the realm's lockout.
type RetryLimitDecision struct {
	// Limit is how often the outcome is "retry", from 1 to 100; 3 if it is left out.
	Limit int `yaml:"limit"`
}

const (
	defaultRetries = 3
	maxRetries     = 100 // a loop of up to eight more nodes stays within journey.MaxSteps

	outcomeRetry  = "retry"
	outcomeReject = "reject"
)

// Outcomes are "retry" (as often as the limit says) and "reject" (from then on).
func (*RetryLimitDecision) Outcomes() []string { return []string{outcomeRetry, outcomeReject} }

// BoundsLoop is true: a loop through "retry" ends.
func (*RetryLimitDecision) BoundsLoop() bool { return true }

// Open fails for a limit out of range.
func (d *RetryLimitDecision) Open(journey.Env) (journey.Node, error) {
	if d.Limit < 1 || d.Limit > maxRetries {
		return nil, fmt.Errorf("limit: must be from 1 to %d", maxRetries)
	}
	return retries(d.Limit), nil
}

type retries int

func (limit retries) Run(_ context.Context, s *journey.State) (string, error) {
	if s.Visits() <= int(limit) {
		return outcomeRetry, nil
	}
	return outcomeReject, nil
}
