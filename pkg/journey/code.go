package journey

import (
	"crypto/subtle"
	"errors"
	"fmt"
)

// errNoSeedRight is a programmer's mistake, like errNoRight.
var errNoSeedRight = errors.New("the node does not declare that it reads the seed")

// Code is how a one-time code was judged.
type Code int

const (
	// CodeWrong: anything that is not right.
	CodeWrong Code = iota
	// CodeUsed: it was right once, and it, or a later one, was used.
	CodeUsed
	// CodeRight: it is the owner's, and was not used before. Only one attempt can succeed with it: see [Result.CodeStep].
	CodeRight
	// CodeNone: the owner has no seed for one-time codes, or there is no such owner.
	CodeNone
)

// VerifyCode judges the collected user's one-time code, once per run: a second call has the first one's answer. match
// gets the owner's seed and tells the time step that the code is of; it must compare in constant time and not keep the
// seed. A code of the step that was used last, or of an earlier one, is not good again. The node must be a [SeedReader]. An error
// is a fault, to be returned by the node.
func (s *State) VerifyCode(code string, match func(seed []byte) (step uint64, ok bool)) (Code, error) {
	if !s.rights.seed {
		return CodeWrong, errNoSeedRight
	}
	if s.code != nil {
		return *s.code, nil
	}
	judged, err := s.judgeCode(code, match)
	if err != nil {
		return CodeWrong, err
	}
	s.code = &judged
	return judged, nil
}

func (s *State) judgeCode(code string, match func(seed []byte) (step uint64, ok bool)) (Code, error) {
	if !s.hasUsername || s.in.User == nil {
		return CodeNone, nil
	}
	if r := s.in.Rehearsal; r != nil {
		return r.judge(code, s.in.Locked), nil
	}
	if s.in.Seed == nil {
		return CodeNone, nil
	}
	seed, err := s.in.Seed()
	if err != nil {
		return CodeWrong, fmt.Errorf("seed of one-time codes: %w", err)
	}
	if len(seed) == 0 {
		return CodeNone, nil
	}
	step, ok := match(seed)
	s.evaluated = true
	switch {
	case !ok || s.in.Locked || step == 0:
		return CodeWrong, nil
	case step <= s.in.User.Login.CodeStep:
		return CodeUsed, nil
	}
	s.codeStep = step
	return CodeRight, nil
}

// Rehearsal answers what a run would ask outside, for tests of a journey: no directory, service or seed is touched.
type Rehearsal struct {
	// Sources are what the outside sources answer, by the id of the node that asks.
	Sources map[string]Answer
	// Code is the one-time code that is right; empty: the owner has no seed.
	Code string
}

// answer is what the source of a node answers. None is a fault: a test must not pass by what it does not say.
func (r *Rehearsal) answer(node string) (Answer, error) {
	a, ok := r.Sources[node]
	if !ok {
		return Answer{}, fmt.Errorf("nothing is said of what the source of node %q answers", node)
	}
	return a, nil
}

func (r *Rehearsal) judge(code string, locked bool) Code {
	switch {
	case r.Code == "":
		return CodeNone
	case locked:
	case subtle.ConstantTimeCompare([]byte(code), []byte(r.Code)) == 1:
		return CodeRight
	}
	return CodeWrong
}
