package nodes

import (
	"context"

	"github.com/ropcd/ropcd/pkg/journey"
)

// MigrateCredential keeps the password here once an outside source has said yes to it and the journey succeeds. It is hashed
// like any other, so that the source, the directory of a [LDAPDecision] for example, can be switched off some day. `ropcd
// user migration` shows how far it is. Where no outside source said yes it does nothing.
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
