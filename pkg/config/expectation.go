package config

import (
	"maps"
	"slices"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/journey"
)

// What a request comes to.
const (
	testSuccess = "success"
	testFailure = "failure"
	testRefused = "refused" // before any journey ran
)

// expectation is compared as far as it is given.
type expectation struct {
	Outcome   string            `yaml:"outcome"`
	Journey   string            `yaml:"journey"`
	Rule      string            `yaml:"rule"`
	Reason    string            `yaml:"reason"`
	AuthLevel *int              `yaml:"auth_level"`
	Scope     string            `yaml:"scope"`
	Session   map[string]string `yaml:"session"` // as redacted as the settings that it comes from
}

// testReasons are the reasons that an outcome can have, as the audit log has them.
func testReasons(outcome string) []string {
	switch outcome {
	case testFailure:
		return journey.Reasons()
	case testRefused:
		return []string{audit.Request, audit.Scope, audit.JourneyRefused}
	}
	return nil
}

// checkExpectation holds that what is expected can come about.
func (l *loader) checkExpectation(at strict.Path, e *expectation) {
	if e.Outcome == "" {
		l.Report(at.With("outcome"), "say what is expected: success, failure or refused")
	} else {
		l.oneOf(at.With("outcome"), e.Outcome, testSuccess, testFailure, testRefused)
	}
	if e.Rule != "" {
		l.oneOf(at.With("rule"), e.Rule, string(journey.RuleAuthChain), string(journey.RuleProvider), string(journey.RuleRealm))
	}
	if e.Reason != "" {
		l.checkReason(at.With("reason"), e)
	}
	if e.Outcome != testFailure && e.Outcome != testRefused {
		return
	}
	given := map[string]bool{"auth_level": e.AuthLevel != nil, "scope": e.Scope != "", "session": len(e.Session) > 0}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if given[key] {
			l.Report(at.With(key), "only a success has one; the expected outcome is %s", e.Outcome)
		}
	}
}

// checkReason holds that a reason exists, and that the outcome can have it.
func (l *loader) checkReason(at strict.Path, e *expectation) {
	own := testReasons(e.Outcome)
	if e.Outcome == testSuccess {
		l.Report(at, "a success has no reason")
		return
	}
	for _, other := range []string{testFailure, testRefused} {
		if own != nil && other != e.Outcome && slices.Contains(testReasons(other), e.Reason) {
			l.Bad(at, "is a reason of the outcome %s; the expected outcome is %s", other, e.Outcome)
			return
		}
	}
	if own == nil { // there is no such outcome
		own = slices.Concat(testReasons(testFailure), testReasons(testRefused))
	}
	l.oneOf(at, e.Reason, own...)
}
