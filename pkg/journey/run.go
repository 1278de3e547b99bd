package journey

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// MaxSteps is how many nodes a run visits at most, inner journeys included. One more is a fault.
const MaxSteps = 1000

// errSteps is the fault of a run that is too long.
var errSteps = fmt.Errorf("more than %d steps", MaxSteps)

// Run runs the journey. A refusal is a Result; an error is a fault: the run reached no decision. The Result of a fault
// says only what was evaluated and which way it went. When ctx ends, the run ends before its next node with ctx's error.
//
// A refusal that no credential source was asked for costs as much as a wrong password, if the journey has a node that
// reads passwords: Run calls in.Verify once and drops the answer.
func (j *Journey) Run(ctx context.Context, in Input) (Result, error) {
	// 1. A journey that needs its user never starts: there is nobody to ask.
	if j.interactive != "" {
		return Result{}, fmt.Errorf("journey %q: %w", j.name, ErrInteractive)
	}

	// 2. All that belongs to this run is in its State, and gone with it.
	s := &State{in: in, trail: make([]Step, 0, min(len(j.nodes), 16))}
	defer s.close()

	// 3. From node to node, until one end is reached.
	success, err := j.walk(ctx, s)

	// 4. An attempt that was refused before the run stays refused.
	success = success && !in.Locked

	// 5. A refusal costs the same wherever it came from.
	if err == nil && !success && j.password {
		err = s.spend(ctx)
	}

	// 6. What it leaves behind; most of it only after a success.
	result := Result{Success: success && err == nil, Verified: s.verified, Evaluated: s.evaluated, Trail: s.trail}
	s.effects(&result)
	switch {
	case err != nil:
		return result, fmt.Errorf("journey %q: %w", j.name, err)
	case !success:
		result.Reason = s.refusal()
	}
	return result, nil
}

// RunInner runs the journey as a part of another one's run, for a node that names it ([Inner]). It shares the run's
// State, trail and step bound. The error is a fault, to be returned by the node.
func (j *Journey) RunInner(ctx context.Context, s *State) (success bool, err error) {
	if j.interactive != "" {
		return false, fmt.Errorf("inner journey %q: %w", j.name, ErrInteractive)
	}
	if success, err = j.walk(ctx, s); err != nil {
		return false, fmt.Errorf("inner journey %q: %w", j.name, err)
	}
	return success, nil
}

func (j *Journey) walk(ctx context.Context, s *State) (success bool, err error) {
	for n := j.entry; ; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if len(s.trail) >= MaxSteps {
			return false, errSteps
		}
		next, err := j.visit(ctx, s, n)
		if err != nil {
			return false, fmt.Errorf("node %q: %w", n.id, err)
		}
		if next == successEnd || next == failureEnd {
			return next == successEnd, nil
		}
		n = next
	}
}

// visit runs one node. Its step takes its place in the trail first, so that an inner journey's steps come after it.
func (j *Journey) visit(ctx context.Context, s *State, n *node) (*node, error) {
	at, before := len(s.trail), s.at
	s.trail = append(s.trail, Step{Journey: j.name, Node: n.id, Type: n.kind})
	s.at = at
	defer func() { s.at = before }()
	start := time.Now()
	outcome, err := n.Run(ctx, s)
	s.trail[at].Duration = time.Since(start)
	if err != nil {
		return nil, err
	}
	next := n.follow(outcome)
	if next == nil {
		return nil, errors.New("an outcome that its type does not declare")
	}
	s.trail[at].Outcome = outcome
	return next, nil
}

// Run runs the node with its own rights and no others, and turns a panic into a fault.
func (n *node) Run(ctx context.Context, s *State) (outcome string, err error) {
	before := s.rights
	s.rights = n.rights
	defer func() {
		s.rights = before
		if p := recover(); p != nil {
			// The value may hold anything, a password too, so only its type and place are told.
			outcome, err = "", fmt.Errorf("panic of %T at %s", p, panicPlace())
		}
	}()
	return n.opened.Run(ctx, s)
}

// panicPlace is the line that panicked, for the deferred function that recovered.
func panicPlace() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") && frame.File != "" {
			return fmt.Sprintf("%s:%d", frame.File[strings.LastIndexByte(frame.File, '/')+1:], frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// refusal is the reason of a run that failed.
func (s *State) refusal() string {
	switch {
	case s.in.Locked:
		return ReasonLocked
	case s.reason == "":
		return ReasonFailed
	}
	return s.reason
}
