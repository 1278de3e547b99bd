package nodes

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/interpreter"
)

// The bounds of an expression. Its work is estimated when the journey loads, for the largest environment and with every
// branch taken, and is counted again when it runs: a unit costs a tenth of a microsecond or less.
const (
	maxExpression = 4 << 10 // bytes
	maxNodes      = 512     // with those that macros make
	maxPattern    = 256     // bytes
	maxWork       = 100_000
)

// expression is one that is checked and compiled. Any number of runs may use it at once.
type expression struct {
	program cel.Program
	reads   map[string]bool // the first parts of the names that it reads
}

// compileExpression makes an expression that yields one of the results, or true or false if there are none. The error
// says in one line what is wrong, and where.
func compileExpression(text string, results []string) (e *expression, err error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("has %d bytes, at most %d are allowed", len(text), maxExpression)
	}
	defer func() {
		if p := recover(); p != nil {
			e, err = nil, fmt.Errorf("can't be compiled: panic of %T", p)
		}
	}()
	checked, c, err := checkExpression(text, results)
	if err != nil {
		return nil, err
	}
	work, err := estimate(checked, c.prices)
	if err != nil {
		return nil, err
	}
	if work > maxWork {
		return nil, c.refuse(checked.NativeRep().Expr(), "may take too long: up to %s units of work, at most %d are allowed", units(work), maxWork)
	}
	program, err := plan(checked, c.prices, maxWork)
	if err != nil {
		return nil, err
	}
	return &expression{program: program, reads: c.reads}, nil
}

// checkExpression parses an expression and judges all but its work.
func checkExpression(text string, results []string) (*cel.Ast, *checker, error) {
	env, err := language()
	if err != nil {
		return nil, nil, err
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, nil, place(issues)
	}
	c := &checker{
		source: parsed.NativeRep().SourceInfo(), reads: map[string]bool{}, locals: map[string]bool{},
		prices: &prices{instructions: map[string]uint64{}, letter: 1},
	}
	if err := c.visit(parsed.NativeRep().Expr()); err != nil {
		return nil, nil, err
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, nil, place(issues)
	}
	root, want := checked.NativeRep().Expr(), cel.BoolType
	if len(results) > 0 {
		want = cel.StringType
	}
	if got := checked.OutputType(); !got.IsExactType(want) {
		return nil, nil, c.refuse(root, "yields %s and has to yield %s", got, want)
	}
	if len(results) > 0 {
		err = c.checkResults(root, results)
	}
	return checked, c, err
}

// plan makes a program that stops after so much work.
func plan(checked *cel.Ast, p *prices, limit uint64) (cel.Program, error) {
	env, err := language()
	if err != nil {
		return nil, err
	}
	// constant patterns are compiled here, once
	return env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostTracking(p), cel.CostLimit(limit))
}

// noOverload is how the language says that a function doesn't take such values.
var noOverload = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)

// place makes one printable line of the language's first complaint, which may go on for pages.
func place(issues *cel.Issues) error {
	first := issues.Errors()[0]
	message, _, _ := strings.Cut(first.Message, " expecting ")
	if parts := noOverload.FindStringSubmatch(message); parts != nil {
		name := parts[1]
		if operator, ok := operators.FindReverse(name); ok && operator != "" {
			name = operator
		} else if name == operators.Conditional {
			name = "? :"
		}
		message = fmt.Sprintf("%s does not take %s", name, parts[2])
	}
	if rest, ok := strings.CutPrefix(message, "Syntax error: "); ok {
		message = "syntax error: " + rest
	}
	return placed(message, first.Location.Line(), first.Location.Column())
}

func placed(message string, line, column int) error {
	message = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, message)
	message = strings.Join(strings.Fields(message), " ")
	if line < 1 {
		return errors.New(message)
	}
	return fmt.Errorf("%s (line %d, column %d)", message, line, column+1)
}

// stopped is the fault of an expression that could not go on. The language's own message may hold what it read.
func stopped(err error) error {
	var cancelled interpreter.EvalCancelledError
	if errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded {
		return fmt.Errorf("expression: stopped after %d units of work", maxWork)
	}
	return errors.New("expression: stopped")
}
