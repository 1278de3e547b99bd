package nodes

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"unicode"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

const maxExpression = 4 << 10 // bytes

// expression is one that is checked and compiled. Any number of runs may use it at once.
type expression struct {
	program *vm.Program
	reads   map[string]bool // the names of the environment
}

// compileExpression makes an expression that yields one of the results, or true or false if there are none. The error
// says in one line what is wrong, and where.
//
// The text is judged before the language's own checks see it: these take exponential time for some trees. Nothing is
// optimized afterwards, so that what runs is what was judged.
func compileExpression(text string, results []string) (e *expression, err error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("has %d bytes, at most %d are allowed", len(text), maxExpression)
	}
	defer func() {
		if p := recover(); p != nil {
			e, err = nil, fmt.Errorf("can't be compiled: panic of %T", p)
		}
	}()
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, place(err)
	}
	c := &checker{reads: map[string]bool{}, variables: map[string]bounds{}}
	if err := c.check(tree.Node, results); err != nil {
		return nil, bind(err, text)
	}
	program, err := expr.Compile(text, options(len(results) > 0)...)
	if err != nil {
		return nil, place(err)
	}
	if node := mixed(program.Node()); node != nil {
		return nil, bind(refuse(node, "both ways must yield the same kind of value"), text)
	}
	return &expression{program: program, reads: c.reads}, nil
}

func options(text bool) []expr.Option {
	kind := expr.AsBool()
	if text {
		kind = expr.AsKind(reflect.String)
	}
	options := []expr.Option{
		expr.Env(&environment{}), kind, expr.WarnOnAny(), expr.Optimize(false), expr.MaxNodes(maxNodes),
		expr.DisableAllBuiltins(),
		expr.Function("inNetwork", inNetwork, new(func(string, string) bool)),
		// the language's own has two signatures, and tries the argument for each: twice the time with each level
		expr.Function("trim", trim, new(func(string) string)),
	}
	for name := range builtins {
		options = append(options, expr.EnableBuiltin(name))
	}
	return options
}

// inNetwork is false for an address that is not known. Its network was checked with the expression.
func inNetwork(arguments ...any) (any, error) {
	address, network := arguments[0].(string), arguments[1].(string)
	prefix, err := netip.ParsePrefix(network)
	if err != nil {
		return nil, err
	}
	return networks{prefix}.contain(address), nil
}

func trim(arguments ...any) (any, error) { return strings.TrimSpace(arguments[0].(string)), nil }

// mixed is a choice between values of two kinds, which would fail only when it runs. It wants a checked tree.
func mixed(root ast.Node) ast.Node {
	return ast.Find(root, func(node ast.Node) bool {
		_, ok := node.(*ast.ConditionalNode)
		return ok && node.Type().Kind() == reflect.Interface
	})
}

// refuse is an error at a node, to be bound to the text.
func refuse(node ast.Node, format string, arguments ...any) error {
	return &file.Error{Location: node.Location(), Message: fmt.Sprintf(format, arguments...)}
}

func bind(err error, text string) error {
	var at *file.Error
	if errors.As(err, &at) {
		err = at.Bind(file.NewSource(text))
	}
	return place(err)
}

// documented puts the names that operators know in the place of those of the environment's types.
var documented = func() *strings.Replacer {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[environment]()) {
		if field.Type.Kind() == reflect.Struct {
			names = append(names, field.Type.String(), field.Tag.Get("expr"))
		}
	}
	return strings.NewReplacer(names...)
}()

// place makes one printable line of an error of the language, which has several and draws an arrow.
func place(err error) error {
	message, suffix := err.Error(), ""
	var at *file.Error
	if errors.As(err, &at) {
		message, suffix = at.Message, fmt.Sprintf(" (line %d, column %d)", at.Line, at.Column+1)
	}
	message = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, message)
	return errors.New(documented.Replace(strings.Join(strings.Fields(message), " ")) + suffix)
}

// stopped is the fault of an expression that could not go on. The language's own message may hold what it read.
func stopped(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return errors.New("expression: stopped")
	}
	return fmt.Errorf("expression: stopped at line %d, column %d", at.Line, at.Column+1)
}
