package journey

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Set is the journeys of one realm, built and checked. It is immutable and safe for concurrent use; nil has none.
type Set struct {
	journeys   map[string]*Journey
	broken     map[string]bool // defined, but with errors
	names      []string
	parameters []string
	closers    []io.Closer
}

// Close frees what the nodes hold, such as connections. Runs under way may fail, and none may follow. For a Set that has
// been replaced.
func (s *Set) Close() error {
	if s == nil {
		return nil
	}
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Journey is the journey of that name; names are compared with case.
func (s *Set) Journey(name string) (*Journey, bool) {
	if s == nil {
		return nil, false
	}
	j, ok := s.journeys[name]
	return j, ok
}

// Names are the names of its journeys, sorted.
func (s *Set) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.names)
}

// Parameters are the request parameters that any of its journeys declares beyond username and password, sorted.
func (s *Set) Parameters() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.parameters)
}

// CheckDefaults checks the names that a realm configures for [Select]. The effective one (the provider's if it is set,
// else the realm's) must be a journey that can be chosen. What is wrong with a realm's name that the provider's hides is
// a warning, and so is having none. The paths are ["provider"] and ["realm"].
func (s *Set) CheckDefaults(provider, realm string) []Problem {
	var problems []Problem
	_, rule := Select("", provider, realm)
	if rule == "" {
		return []Problem{{
			Path: []string{string(RuleRealm)}, Warning: true,
			Message: "no journey is configured: a request without auth_chain will fail",
		}}
	}
	if isSet(provider) && !s.isBroken(provider) { // what is broken was told by Build
		if message := s.Fault(provider); message != "" {
			problems = append(problems, Problem{Path: []string{string(RuleProvider)}, Message: message})
		}
	}
	if isSet(realm) && !s.isBroken(realm) {
		if message := s.Fault(realm); message != "" {
			problems = append(problems, Problem{
				Path: []string{string(RuleRealm)}, Message: message, Warning: rule != RuleRealm,
			})
		}
	}
	return problems
}

// isBroken reports whether there is such a journey, with errors that Build has told.
func (s *Set) isBroken(name string) bool { return s != nil && s.broken[name] }

// Fault is why a journey can't run for a request, for people; empty: it can. It says more than a client may be told.
func (s *Set) Fault(name string) string {
	j, ok := s.Journey(name)
	switch {
	case !ok && s != nil && s.broken[name]:
		return fmt.Sprintf("the journey %q has problems of its own", name)
	case !ok:
		return fmt.Sprintf("there is no journey %q%s", name, didYouMean(name, s.Names()))
	case !j.Enabled():
		return fmt.Sprintf("the journey %q is disabled", name)
	case j.InnerOnly():
		return fmt.Sprintf("the journey %q runs only inside other journeys (inner_only)", name)
	case j.interactive != "":
		return fmt.Sprintf("the journey %q needs user interaction (node %q)", name, j.interactive)
	}
	return ""
}

// Unavailable is [Set.Fault], or that the name is not among a client's allowed journeys; see [Set.Choose].
func (s *Set) Unavailable(name string, allowed func(name string) bool) string {
	if fault := s.Fault(name); fault != "" || allowed(name) {
		return fault
	}
	return fmt.Sprintf("the journey %q is not among the client's allowed_journeys", name)
}

// seal fills what is derived from the journeys.
func (s *Set) seal() {
	s.names = slices.Sorted(maps.Keys(s.journeys))
	for _, j := range s.journeys {
		s.parameters = append(s.parameters, j.parameters...)
	}
	slices.Sort(s.parameters)
	s.parameters = slices.Compact(s.parameters)
}
