package nodes

import (
	"context"
	"errors"
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// ModifyAuthLevel changes the authentication level that the run has reached. It counts only if the journey succeeds, and
// stays within 0 and 65535 whatever is added.
type ModifyAuthLevel struct {
	// Add is added to the level; negative numbers lower it. From -65535 to 65535, but not 0.
	Add *int `yaml:"add"`
	// Set, instead of `add`, is the new level, from 0 to 65535. One of the two must be given.
	Set *int `yaml:"set"`
}

// Outcomes is "outcome" alone.
func (*ModifyAuthLevel) Outcomes() []string { return []string{outcomeOnly} }

// Open fails unless there is either add or set, and for one out of range.
func (m *ModifyAuthLevel) Open(journey.Env) (journey.Node, error) {
	switch {
	case m.Add != nil && m.Set != nil:
		return nil, errors.New("`add` and `set` exclude each other")
	case m.Add != nil:
		if *m.Add == 0 || *m.Add < -maxAuthLevel || *m.Add > maxAuthLevel {
			return nil, fmt.Errorf("add: must be from -%d to %d and not 0", maxAuthLevel, maxAuthLevel)
		}
		return levelChange{keep: true, by: *m.Add}, nil
	case m.Set != nil:
		if *m.Set < 0 || *m.Set > maxAuthLevel {
			return nil, fmt.Errorf("set: must be from 0 to %d", maxAuthLevel)
		}
		return levelChange{by: *m.Set}, nil
	}
	return nil, errors.New("say either `add` or `set`")
}

type levelChange struct {
	keep bool // what was reached, and change it; else start from 0
	by   int
}

func (c levelChange) Run(_ context.Context, s *journey.State) (string, error) {
	level := 0
	if c.keep {
		level = inRange(s.AuthLevel()) // a node from outside may have set any
	}
	s.SetAuthLevel(inRange(level + c.by))
	return outcomeOnly, nil
}

func inRange(level int) int { return min(max(level, 0), maxAuthLevel) }
