package nodes

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// checker judges the tree of an expression: it lets through what is on lists. Types are left to the language, and so is
// adding up the work.
type checker struct {
	source *ast.SourceInfo
	reads  map[string]bool
	locals map[string]bool // the names of elements, within a macro
	prices *prices
}

// refuse is an error at a part of the expression.
func (c *checker) refuse(e ast.Expr, format string, arguments ...any) error {
	at := c.source.GetStartLocation(e.ID())
	return placed(fmt.Sprintf(format, arguments...), at.Line(), at.Column())
}

// visit wants the tree as it was parsed.
func (c *checker) visit(e ast.Expr) error {
	switch e.Kind() {
	case ast.LiteralKind:
		return c.literal(e)
	case ast.IdentKind, ast.SelectKind:
		return c.name(e)
	case ast.CallKind:
		return c.call(e)
	case ast.ListKind:
		return c.list(e)
	case ast.ComprehensionKind:
		return c.macro(e)
	case ast.MapKind:
		return c.refuse(e, "there are no maps besides attributes")
	default:
		return c.refuse(e, "is not allowed here")
	}
}

func (c *checker) literal(e ast.Expr) error {
	switch value := e.AsLiteral().(type) {
	case types.Bool, types.Int:
		return nil
	case types.String:
		c.measure(string(value))
		return nil
	case types.Null:
		return c.refuse(e, "there is no null: what is missing is empty")
	case types.Double, types.Uint:
		return c.refuse(e, "numbers are whole, such as 12")
	}
	return c.refuse(e, "is not allowed here")
}

// measure notes how long the letters of a constant are.
func (c *checker) measure(text string) {
	for _, r := range text {
		c.prices.letter = max(c.prices.letter, uint64(utf8.RuneLen(r))) //nolint:gosec // 1 to 4
	}
}

// dotted is the name that an expression is, such as "client.id"; false if it is none.
func dotted(e ast.Expr) (string, bool) {
	if e.Kind() == ast.IdentKind {
		return e.AsIdent(), true
	}
	if e.Kind() != ast.SelectKind {
		return "", false
	}
	of, ok := dotted(e.AsSelect().Operand())
	return of + "." + e.AsSelect().FieldName(), ok
}

func (c *checker) name(e ast.Expr) error {
	name, ok := dotted(e)
	if !ok {
		return c.refuse(e, "only attributes, client, now and owner have members")
	}
	first, rest, _ := strings.Cut(name, ".")
	_, known := names[name]
	switch {
	case known:
	case c.locals[first] && rest != "":
		return c.refuse(e, "only attributes, client, now and owner have members")
	case c.locals[first]:
		return nil
	case first == attributesName && rest == "":
		return c.refuse(e, "attributes can only be looked up, one by its name")
	case first == attributesName && strings.Contains(rest, "."):
		return c.refuse(e, "an attribute has no members; write attributes[%q]", rest)
	case first == attributesName:
	case slices.Contains(readable, name):
		return c.refuse(e, "%s is not a value, but its members are", name)
	default:
		return c.refuse(e, "unknown name %s", name)
	}
	c.reads[first] = true
	return nil
}

// list lets constants of one kind through.
func (c *checker) list(e ast.Expr) error {
	elements := e.AsList().Elements()
	if len(elements) == 0 || len(elements) > maxScopes {
		return c.refuse(e, "a list has 1 to %d elements", maxScopes)
	}
	for _, element := range elements {
		if element.Kind() == ast.LiteralKind {
			kind := element.AsLiteral().Type()
			if (kind == types.StringType || kind == types.IntType) && kind == elements[0].AsLiteral().Type() {
				if text, ok := constant(element); ok {
					c.measure(text)
				}
				continue
			}
		}
		return c.refuse(element, "a list holds texts or numbers, as constants and not both")
	}
	return nil
}

// macro judges what the author of a macro wrote; the language has written the rest.
func (c *checker) macro(e ast.Expr) error {
	m := e.AsComprehension()
	if err := c.visit(m.IterRange()); err != nil {
		return err
	}
	name := m.IterVar()
	if _, known := names[name]; known || name == attributesName || slices.Contains(readable, name) || c.locals[name] {
		return c.refuse(e, "the name %s is taken", name)
	}
	// x || condition, x && condition, or condition ? another x : x
	step := m.LoopStep().AsCall()
	condition := step.Args()[0]
	if step.FunctionName() != operators.Conditional {
		condition = step.Args()[1]
	}
	c.locals[name] = true
	err := c.visit(condition)
	delete(c.locals, name)
	return err
}

func (c *checker) call(e ast.Expr) error {
	function := e.AsCall().FunctionName()
	if !functions[function] {
		return c.refuse(e, "%s", forbidden(function))
	}
	arguments := operands(e.AsCall())
	if len(arguments) == 2 {
		switch {
		case function == operators.Index && isAttributes(arguments[0]):
			c.reads[attributesName] = true
			return c.visit(arguments[1])
		case function == operators.In && isAttributes(arguments[1]):
			c.reads[attributesName] = true
			return c.visit(arguments[0])
		}
		if err := c.constants(e, function, arguments[1]); err != nil {
			return err
		}
		if err := errors.Join(c.moments(arguments[0], arguments[1]), c.moments(arguments[1], arguments[0])); err != nil {
			return err
		}
	}
	for _, argument := range arguments {
		if err := c.visit(argument); err != nil {
			return err
		}
	}
	return nil
}

func isAttributes(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == attributesName }

// constants judges the last argument of functions that want a constant there.
func (c *checker) constants(e ast.Expr, function string, last ast.Expr) error {
	switch function {
	case operators.Index:
		return c.refuse(e, "only attributes can be looked up with [ ]")
	case overloads.Matches:
		return c.pattern(last)
	case inNetwork:
		return c.network(last)
	}
	return nil
}

// layouts are how moments are written. They are compared as texts, so that one in another form would mean another moment.
var layouts = map[string]string{"now.time": "15:04", "now.date": time.DateOnly}

// moments judges the constants that a moment is compared with.
func (c *checker) moments(name, with ast.Expr) error {
	dots, _ := dotted(name)
	layout, ok := layouts[dots]
	if !ok {
		return nil
	}
	list := []ast.Expr{with}
	if with.Kind() == ast.ListKind {
		list = with.AsList().Elements()
	}
	for _, e := range list {
		text, ok := constant(e)
		if _, err := time.Parse(layout, text); ok && (err != nil || len(text) != len(layout)) {
			return c.refuse(e, "%s is never so; write %q", dots, map[string]string{"now.time": "07:30", "now.date": "2026-01-02"}[dots])
		}
	}
	return nil
}

// operands are what a function is called with, first what it is called on.
func operands(call ast.CallExpr) []ast.Expr {
	if call.IsMemberFunction() {
		return append([]ast.Expr{call.Target()}, call.Args()...)
	}
	return call.Args()
}

// forbidden names what an expression may not have.
func forbidden(function string) string {
	switch function {
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo, operators.Negate:
		return "there is no arithmetic and no joining of texts"
	case operators.Has:
		return `there is no has; write "mail" in attributes`
	}
	return "there is no function " + function
}

// pattern lets a constant through that compiles, and keeps how many instructions it has: each is tried for each byte, at
// worst.
func (c *checker) pattern(e ast.Expr) error {
	text, ok := constant(e)
	if !ok {
		return c.refuse(e, "the pattern must be a constant")
	}
	if len(text) > maxPattern {
		return c.refuse(e, "the pattern has more than %d bytes", maxPattern)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return c.refuse(e, "the pattern: %s", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return c.refuse(e, "the pattern: %s", err)
	}
	c.prices.instructions[text] = uint64(len(program.Inst))
	return nil
}

func (c *checker) network(e ast.Expr) error {
	text, ok := constant(e)
	if !ok {
		return c.refuse(e, "the network must be a constant")
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return c.refuse(e, "the network must be in CIDR notation")
	}
	if err := checkNetwork(prefix); err != nil {
		return c.refuse(e, "the network %s", err)
	}
	return nil
}

func constant(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}

// checkResults refuses an expression with a constant result that is none of the results.
func (c *checker) checkResults(e ast.Expr, results []string) error {
	if text, ok := constant(e); ok && !slices.Contains(results, text) {
		return c.refuse(e, "its result %q is none of the outcomes", text)
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Conditional {
		for _, way := range e.AsCall().Args()[1:] {
			if err := c.checkResults(way, results); err != nil {
				return err
			}
		}
	}
	return nil
}
