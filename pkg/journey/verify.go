package journey

import (
	"context"
	"errors"
	"fmt"
)

// errNoRight is a programmer's mistake, so a fault and not a "no".
var errNoRight = errors.New("the node does not declare that it reads the password")

// local is the source that Input.Verify stands for.
const local = ""

// answer is what a source said, kept so that it is asked only once.
type answer struct {
	source string
	ok     bool
	err    error
}

// Verify compares the collected password with the local owner's. Within a run only the first call evaluates it; all
// others get the same answer. Without a collected user name and password it is false. The node must be a
// [PasswordReader]. An error is a fault, to be returned by the node.
func (s *State) Verify(ctx context.Context) (bool, error) {
	return s.ask(ctx, local, s.verifyLocally)
}

// VerifyWith is Verify against another source, such as a directory: check is called at most once per source and run.
// The source names what is asked, not the node that asks, so that two nodes for one directory are one source; it must
// not be empty.
func (s *State) VerifyWith(ctx context.Context, source string, check func(ctx context.Context, username, password string) (bool, error)) (bool, error) {
	if source == local {
		return false, errors.New("a credential source needs a name")
	}
	return s.ask(ctx, source, func(ctx context.Context) (bool, error) {
		if s.in.Locked {
			_, err := s.Verify(ctx)
			return false, err
		}
		return check(ctx, s.in.Username, s.in.Password)
	})
}

func (s *State) ask(ctx context.Context, source string, evaluate func(context.Context) (bool, error)) (bool, error) {
	if !s.rights.password {
		return false, errNoRight
	}
	if !s.hasUsername || !s.hasPassword {
		return false, nil
	}
	for _, a := range s.answers {
		if a.source == source {
			return a.ok, a.err
		}
	}
	ok, err := evaluate(ctx)
	ok = ok && err == nil && !s.in.Locked
	s.answers = append(s.answers, answer{source, ok, err})
	if err == nil {
		s.evaluated = true
	}
	if ok {
		s.verified, s.reason = true, ""
	}
	return ok, err
}

func (s *State) verifyLocally(ctx context.Context) (bool, error) {
	if s.in.Verify == nil {
		return false, errors.New("the run has no local passwords")
	}
	return s.in.Verify(ctx, s.in.Password)
}

// spend does the work of a wrong password for a refusal that came before any source was asked, so that its time does
// not tell which node refused. The answer is dropped.
func (s *State) spend(ctx context.Context) error {
	if len(s.answers) > 0 || s.in.Password == "" || s.in.Verify == nil {
		return nil
	}
	if _, err := s.in.Verify(ctx, s.in.Password); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	s.evaluated = true
	return nil
}
