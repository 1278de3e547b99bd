package nodes

import (
	"context"

	"github.com/ropcd/ropcd/pkg/journey"
)

// PasswordCollector takes the password from the grant's parameters. It compares nothing: that is for a node after it.
type PasswordCollector struct{}

// Outcomes is "outcome" alone, also if there is no password.
func (*PasswordCollector) Outcomes() []string { return []string{outcomeOnly} }

// Collects is true: it may stand on a page.
func (*PasswordCollector) Collects() bool { return true }

// Gathers is the password alone.
func (*PasswordCollector) Gathers() (username, password bool) { return false, true }

// Open never fails.
func (*PasswordCollector) Open(journey.Env) (journey.Node, error) { return password{}, nil }

type password struct{}

func (password) Run(_ context.Context, s *journey.State) (string, error) {
	s.CollectPassword()
	return outcomeOnly, nil
}
