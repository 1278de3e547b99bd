package nodes

import (
	"context"

	"github.com/ropcd/ropcd/pkg/journey"
)

// MigrateCredential keeps the password here, hashed like any other, once an outside source such as LDAPDecision or
// HTTPDecision has said yes to it and the journey succeeds: so the source can be switched off some day. `ropcd user
// migration` shows how far it is. Where no outside source said yes it does nothing.
type MigrateCredential struct{}

// Outcomes is "outcome" alone.
func (*MigrateCredential) Outcomes() []string { return []string{outcomeOnly} }

// Open never fails.
func (*MigrateCredential) Open(journey.Env) (journey.Node, error) { return migrate{}, nil }

type migrate struct{}

func (migrate) Run(_ context.Context, s *journey.State) (string, error) {
	s.MigrateCredential()
	return outcomeOnly, nil
}
