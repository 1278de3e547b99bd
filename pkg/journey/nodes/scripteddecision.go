package nodes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"github.com/ropcd/ropcd/pkg/journey"
)

// ScriptedDecision decides by an expression in CEL (https://cel.dev), the language of Kubernetes' and Envoy's policies.
// Unlike AM's script it only looks and compares: it changes nothing, calls nothing, and never sees the password or a
// parameter. It is checked when the journey loads, so that one that is misspelt, or that could take long, is refused then.
//
// It may read these names:
//
//   - `username` is the canonical user name, empty until a node has collected it.
//   - `realm` is the realm, such as "/alpha".
//   - `client.id` is the id of the client that asks, and `client.public` says whether it has no secret.
//   - `scopes` is the list of the scopes that are asked for, or of the defaults if none were named.
//   - `address` is the end user's address, empty if it is not known.
//   - `authLevel` is the authentication level reached so far.
//   - `owner.exists`, `owner.enabled` and `owner.expired` say what is known of the resource owner. All three are false if
//     there is no such owner.
//   - `attributes` are the owner's attributes, as in `attributes["mail"]` or `attributes.mail`, with what an outside source
//     that said yes before has told in their place. One that the owner does not have is empty.
//   - `now` is the time in UTC: `now.hour` is 0 to 23, `now.weekday` is 1 (Monday) to 7 (Sunday), `now.date` is a text such
//     as "2026-01-02" and `now.time` one such as "15:04". Texts of the same kind can be compared: `now.time < "17:30"`.
//
// It may use a part of CEL: `&&`, `||`, `!`, `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `a ? b : c`, and lists of constants. It
// may call:
//
//   - on a text, `contains`, `startsWith`, `endsWith`, `size`, `lowerAscii`, `upperAscii`, `trim`, and `matches` with a
//     constant pattern in the syntax of RE2, as in `attributes.mail.lowerAscii().endsWith("@example.org")`.
//   - on a list (`scopes`, or one of constants), `size`, and with a name for an element and a condition `all`, `exists`,
//     `exists_one` and `filter`, as in `scopes.exists(s, s.startsWith("mail"))`. `==`, `!=` and `in` take lists, too.
//   - `inNetwork(address, "10.0.0.0/8")`.
//
// There is no arithmetic, no joining of texts, and no other function of CEL. At most 100,000 units of work are allowed, which
// are some milliseconds: they are estimated when the journey loads, for the largest input (64 scopes, attributes of 4096
// bytes, 256 bytes of anything else), and counted when it runs.
type ScriptedDecision struct {
	// Expression is the expression, of at most 4096 bytes. It yields true or false, or, with `outcomes`, one of them.
	Expression string `yaml:"expression" reference:"required"`
	// Results are the outcomes, each at most once. With them the expression must yield a text. A text that is none of them
	// ends the run with a fault. Without them the outcomes are "true" and "false".
	Results []string `json:"outcomes" yaml:"outcomes"`
}

// Outcomes are those that the settings list, else "true" and "false".
func (d *ScriptedDecision) Outcomes() []string {
	switch {
	case len(d.Results) > 0:
		return slices.Clone(d.Results)
	case d.Expression == "":
		return nil // the settings may not have been decoded
	}
	return []string{outcomeTrue, outcomeFalse}
}

// Open fails without an expression, for one that is wrong, reads what it may not, or could take too long, and for
// outcomes that are empty or listed twice.
func (d *ScriptedDecision) Open(journey.Env) (journey.Node, error) {
	for i, outcome := range d.Results {
		switch {
		case outcome == "":
			return nil, fmt.Errorf("outcomes[%d]: is empty", i)
		case slices.Index(d.Results, outcome) < i:
			return nil, fmt.Errorf("outcomes[%d]: %q is listed twice", i, outcome)
		}
	}
	if strings.TrimSpace(d.Expression) == "" {
		return nil, errors.New("expression: write one")
	}
	e, err := compileExpression(d.Expression, d.Results)
	if err != nil {
		return nil, fmt.Errorf("expression: %w", err)
	}
	return &scripted{expression: *e, outcomes: slices.Clone(d.Results)}, nil
}

type scripted struct {
	expression
	outcomes []string // nil: true and false
}

// Run shares the program with other runs. It keeps nothing of what it was given.
func (d *scripted) Run(_ context.Context, s *journey.State) (string, error) {
	values, err := d.variables(s)
	if err != nil {
		return "", fmt.Errorf("expression: %w", err)
	}
	result, _, err := d.program.Eval(values)
	if err != nil {
		return "", stopped(err)
	}
	switch result := result.(type) {
	case types.Bool:
		return decision(bool(result)), nil
	case types.String:
		if slices.Contains(d.outcomes, string(result)) {
			return string(result), nil
		}
	}
	return "", errors.New("expression: its result is none of the outcomes")
}
