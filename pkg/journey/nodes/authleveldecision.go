package nodes

import (
	"context"
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// maxAuthLevel is the highest level that a grant's record keeps.
const maxAuthLevel = 1<<16 - 1

// AuthLevelDecision asks whether the run has reached an authentication level.
type AuthLevelDecision struct {
	// Level is the lowest one that is sufficient, from 1 to 65535.
	Level int `yaml:"level" reference:"required"`
}

// Outcomes are "true" (the level or a higher one is reached) and "false".
func (*AuthLevelDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// Open fails for a level out of range; 0 would be sufficient for everybody.
func (d *AuthLevelDecision) Open(journey.Env) (journey.Node, error) {
	if d.Level < 1 || d.Level > maxAuthLevel {
		return nil, fmt.Errorf("level: must be from 1 to %d", maxAuthLevel)
	}
	return sufficient(d.Level), nil
}

type sufficient int

func (level sufficient) Run(_ context.Context, s *journey.State) (string, error) {
	return decision(s.AuthLevel() >= int(level)), nil
}
