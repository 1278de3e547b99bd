package nodes

import (
	"errors"
	"fmt"
	"time"

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

// checkTimeout refuses the time of an outside source that no request could wait for: its own would be over first.
func checkTimeout(timeout time.Duration) error {
	switch {
	case timeout <= 0:
		return errors.New("timeout: must be longer than 0s")
	case timeout >= journey.RequestTime:
		return fmt.Errorf("timeout: must be shorter than the %s a request has", journey.RequestTime)
	}
	return nil
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

// linked is the identity of an outside source, and for whose accounts it may say yes.
type linked struct {
	name string
	any  bool
}

// Name implements journey.Source.
func (l linked) Name() string { return l.name }

// LinksAny implements journey.Linker.
func (l linked) LinksAny() bool { return l.any }

// linksAny reads the setting `link`.
func linksAny(link string) (bool, error) {
	switch link {
	case "", "own":
		return false, nil
	case "any":
		return true, nil
	}
	return false, fmt.Errorf("link: must be own or any, not %q", link)
}
