package nodes

import (
	"errors"

	"github.com/ropcd/ropcd/pkg/journey"
)

// sourceOutcome is the outcome of a node that asked an outside source, and leaves the reason of a "no" with the run.
func sourceOutcome(s *journey.State, a journey.Answer) string {
	if a.Right {
		return outcomeTrue
	}
	reason := a.Reason
	if reason == "" {
		reason = journey.ReasonWrongPassword
	}
	s.SetReason(reason)
	switch reason {
	case journey.ReasonLocked, journey.ReasonDisabled:
		return outcomeLocked
	case journey.ReasonExpired:
		return outcomeExpired
	}
	return outcomeFalse
}

var errNoFiles = errors.New("there are no files here")

// readFile reads a file that settings name.
func readFile(env journey.Env, path string) ([]byte, error) {
	if env.File == nil {
		return nil, errNoFiles
	}
	return env.File(path)
}

// readSecret reads a secret that settings name.
func readSecret(env journey.Env, path string) (string, error) {
	if env.Secret == nil {
		return "", errNoFiles
	}
	return env.Secret(path)
}
