package nodes

import (
	"context"

	"github.com/ropcd/ropcd/pkg/journey"
)

// UsernameCollector takes the user name from the grant's parameters.
type UsernameCollector struct{}

// Outcomes is "outcome" alone, also if there is no user name.
func (*UsernameCollector) Outcomes() []string { return []string{outcomeOnly} }

// Collects is true: it may stand on a page.
func (*UsernameCollector) Collects() bool { return true }

// Gathers is the user name alone.
func (*UsernameCollector) Gathers() (username, password bool) { return true, false }

// Open never fails.
func (*UsernameCollector) Open(journey.Env) (journey.Node, error) { return username{}, nil }

type username struct{}

func (username) Run(_ context.Context, s *journey.State) (string, error) {
	s.CollectUsername()
	return outcomeOnly, nil
}
