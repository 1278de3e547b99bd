package nodes

import (
	"context"

	"github.com/ropcd/ropcd/pkg/journey"
)

// ZeroPageLoginCollector takes the user name and the password from the grant's parameters. Unlike AM's node of that name
// it never looks at headers.
type ZeroPageLoginCollector struct{}

// Outcomes are "has_credentials" and "no_credentials", the latter if either is missing.
func (*ZeroPageLoginCollector) Outcomes() []string {
	return []string{hasCredentials, noCredentials}
}

const (
	hasCredentials = "has_credentials"
	noCredentials  = "no_credentials"
)

// Gathers is both.
func (*ZeroPageLoginCollector) Gathers() (username, password bool) { return true, true }

// Open never fails.
func (*ZeroPageLoginCollector) Open(journey.Env) (journey.Node, error) { return zeroPage{}, nil }

type zeroPage struct{}

func (zeroPage) Run(_ context.Context, s *journey.State) (string, error) {
	username, password := s.CollectUsername(), s.CollectPassword()
	if username && password {
		return hasCredentials, nil
	}
	return noCredentials, nil
}
