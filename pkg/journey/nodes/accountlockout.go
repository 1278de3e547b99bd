package nodes

import (
	"context"
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// AccountLockout disables the owner's account, or enables it again, when the attempt is settled. A disabled one loses its
// grants, is refused in the same run, and stays disabled until `ropcd user enable`, or until a journey unlocks it. To unlock
// takes a source outside that has said yes before, such as a directory: the password of a disabled account here is never
// compared. It counts from the next login on. Whoever can reach a node that locks,
// by a wrong password for example, can keep its owners out: the realm's lockout, which ends by itself, is the better
// answer to guessing.
type AccountLockout struct {
	// Action is "lock" (the default) or "unlock".
	Action string `yaml:"action"`
}

const (
	actionLock   = "lock"
	actionUnlock = "unlock"
)

// Outcomes is "outcome" alone, also if there is no such owner.
func (*AccountLockout) Outcomes() []string { return []string{outcomeOnly} }

// Open fails for an unknown action.
func (l *AccountLockout) Open(journey.Env) (journey.Node, error) {
	switch l.Action {
	case "", actionLock:
		return setEnabled(false), nil
	case actionUnlock:
		return setEnabled(true), nil
	}
	return nil, fmt.Errorf("action: must be lock or unlock, not %q", l.Action)
}

type setEnabled bool

func (enabled setEnabled) Run(_ context.Context, s *journey.State) (string, error) {
	s.SetEnabled(bool(enabled))
	return outcomeOnly, nil
}
