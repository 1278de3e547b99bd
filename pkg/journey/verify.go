package journey

import (
	"context"
	"errors"
	"fmt"
)

// Source is where credentials are compared outside of the store, such as a directory. Implementations MUST be safe for
// concurrent use and MUST stop when ctx ends.
type Source interface {
	// Name names what is asked, not the node that asks: nodes for one directory have one name. It is never empty.
	Name() string
	// Check asks whether the password is that user's. A "no" is an Answer; an error is a fault, of the kind
	// [ErrUnavailable] if it passes by itself. It must not tell by its time whether there is such a user.
	Check(ctx context.Context, username, password string) (Answer, error)
	// Refuse takes the time of a "no" and asks nobody about anybody: the attempt must not be evaluated.
	Refuse(ctx context.Context) error
}

// Answer is what a source said.
type Answer struct {
	Right bool
	// Reason is one of the Reason constants for a "no"; empty counts as [ReasonWrongPassword].
	Reason string
	// Attributes are what a source that said yes knows of the user, for the owner's record: an empty value removes one.
	Attributes map[string]string
}

// ErrSent is part of a fault's chain when the source may have evaluated the password although its answer did not come. It
// counts as a guess: whoever gets a fast yes and no answer for a no would guess for nothing.
var ErrSent = errors.New("the password was sent, and may have been evaluated")

// ErrUnavailable is the fault of a source that does not answer now: asking again later is right.
var ErrUnavailable = errors.New("credential source unavailable")

// errNoRight is a programmer's mistake, so a fault and not a "no".
var errNoRight = errors.New("the node does not declare that it reads the password")

// local is the name of the source that Input.Verify stands for.
const local = ""

// given is what a source answered, kept so that it is asked only once.
type given struct {
	source string
	answer Answer
	err    error
}

// Verify compares the collected password with the local owner's. Within a run only the first call evaluates it; all
// others get the same answer. Without a collected user name and password it is false. The node must be a
// [PasswordReader]. An error is a fault, to be returned by the node.
func (s *State) Verify(ctx context.Context) (bool, error) {
	a, err := s.ask(local, func() (Answer, error) {
		if s.in.Verify == nil {
			return Answer{}, errors.New("the run has no local passwords")
		}
		right, err := s.in.Verify(ctx, s.in.Password)
		return Answer{Right: right}, err
	})
	return a.Right, err
}

// VerifyWith is Verify against another source, which is asked at most once per run however many nodes have it. Who it
// says yes to need not have an owner's record yet: see [Result.Source]. The answer of an attempt that is locked is a
// "no" for the reason [ReasonLocked], and nobody was asked.
func (s *State) VerifyWith(ctx context.Context, source Source) (Answer, error) {
	name := source.Name()
	if name == local {
		return Answer{}, errors.New("a credential source needs a name")
	}
	return s.ask(name, func() (answer Answer, err error) {
		if s.in.Rehearsal != nil && !s.in.Locked {
			return s.in.Rehearsal.answer(s.running())
		}
		s.away(func() {
			if s.in.Rehearsal != nil {
				return // nobody waits for a locked attempt of a test
			}
			if s.in.Locked {
				err = source.Refuse(ctx)
			} else {
				// A caller who hangs up does not stop the evaluation: its answer is what the attempt is settled by. The
				// source's own time-out bounds it.
				answer, err = source.Check(context.WithoutCancel(ctx), s.in.Username, s.in.Password)
				answer = s.belonging(source, answer, err)
			}
		})
		return answer, err
	})
}

// Linker is what a Source implements that may say yes for owners whom it has not made.
type Linker interface{ LinksAny() bool }

// belonging turns a yes about an owner's name into a no when the owner was made by somebody else: two people of one name in
// two places must not be one owner.
func (s *State) belonging(source Source, a Answer, err error) Answer {
	if err != nil || !a.Right || s.in.User == nil || s.in.User.Source == source.Name() {
		return a
	}
	if l, ok := source.(Linker); ok && l.LinksAny() {
		return a
	}
	return Answer{Reason: ReasonOtherSource}
}

func (s *State) away(wait func()) {
	if s.in.Away == nil {
		wait()
		return
	}
	s.in.Away(wait)
}

func (s *State) ask(source string, evaluate func() (Answer, error)) (Answer, error) {
	if !s.rights.password {
		return Answer{}, errNoRight
	}
	if !s.hasUsername || !s.hasPassword {
		return Answer{}, nil
	}
	for _, g := range s.given {
		if g.source == source {
			return g.answer, g.err
		}
	}
	answer, err := evaluate()
	switch {
	case err != nil:
		answer = Answer{}
	case s.in.Locked:
		answer = Answer{Reason: ReasonLocked}
	}
	s.given = append(s.given, given{source, answer, err})
	if err == nil || errors.Is(err, ErrSent) {
		s.evaluated = true
	}
	if answer.Right {
		s.verified, s.reason = true, ""
		if source != local {
			s.vouch(source, answer.Attributes)
		}
	}
	return answer, err
}

// vouch remembers what an outside source knows of the user. What a later one says of an attribute counts.
func (s *State) vouch(source string, attributes map[string]string) {
	if s.source == "" {
		s.source = source
	}
	for k, v := range attributes {
		if s.attributes == nil {
			s.attributes = make(map[string]string, len(attributes))
		}
		s.attributes[k] = v
	}
}

// spend does the work of a wrong password for a refusal that came before any source was asked, so that its time does
// not tell which node refused. The answer is dropped.
func (s *State) spend(ctx context.Context) error {
	if len(s.given) > 0 || s.in.Password == "" || s.in.Verify == nil {
		return nil
	}
	if _, err := s.in.Verify(ctx, s.in.Password); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	s.evaluated = true
	return nil
}
