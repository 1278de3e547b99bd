package nodes

import (
	"context"
	"errors"
	"fmt"

	"github.com/ropcd/ropcd/pkg/journey"
)

// CommonPasswordDecision asks whether the collected password is one that many people use, and so one that is guessed
// first. It looks into a built-in list of more than a thousand, and into a `file` if there is one. Upper and lower case are the
// same; apart from that, only the whole password counts. It compares nothing with the owner's password, so that it fits
// behind a node that does, to lead whoever has a common password to a lower level or to a refusal.
type CommonPasswordDecision struct {
	// File is a text file with more passwords, one on each line, of at most 64 MiB. Its path is relative to the
	// configuration. Empty lines are skipped, and spaces and `#` belong to the password. It is read when the configuration
	// is loaded.
	File string `yaml:"file"`
}

const maxPasswordFile = 64 << 20

// Outcomes are "true" (it is a common one) and "false" (also if no password was collected).
func (*CommonPasswordDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// ReadsPassword is true: it looks it up.
func (*CommonPasswordDecision) ReadsPassword() bool { return true }

// Open fails for a file that can't be read, is too large or holds no password.
func (d *CommonPasswordDecision) Open(env journey.Env) (journey.Node, error) {
	lists := passwordLists{builtinPasswords()}
	if d.File == "" {
		return lists, nil
	}
	text, err := readFile(env, d.File)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	if len(text) > maxPasswordFile {
		return nil, fmt.Errorf("file: has %d bytes, at most %d are allowed", len(text), maxPasswordFile)
	}
	more := newPasswordSet(text)
	if len(more) == 0 {
		return nil, errors.New("file: holds no password")
	}
	return append(lists, more), nil
}

type passwordLists []passwordSet

// Run looks into every list, whatever the first one says.
func (l passwordLists) Run(_ context.Context, s *journey.State) (string, error) {
	password, ok := s.Password()
	if !ok {
		return outcomeFalse, nil
	}
	common := false
	for _, set := range l {
		if set.contains(password) {
			common = true
		}
	}
	return decision(common), nil
}
