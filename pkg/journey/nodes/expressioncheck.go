package nodes

import (
	"cmp"
	"net/netip"
	"regexp/syntax"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// The bounds of an expression. Its work is counted when the journey loads, for the largest environment and with every
// branch taken: a unit is a step of the machine, and costs a tenth of a microsecond or less.
const (
	maxNodes   = 512 // counted at each place of the tree where they hang
	maxNesting = 2   // of any, all and the like within each other
	maxPattern = 256 // bytes
	maxWork    = 100_000
)

// How many bytes are read for a unit.
const (
	comparedBytes = 64
	changedBytes  = 16 // by lower, upper, trim and len, which look at each letter
	matchedBytes  = 4  // by one instruction of a pattern
)

// builtins are the functions of the language that an expression may call; true for those that take a predicate. Not here
// are those that make texts or lists grow, that fail for some values, and that tell the time.
var builtins = map[string]bool{
	"len": false, "lower": false, "upper": false,
	"all": true, "any": true, "none": true, "one": true, "count": true, "filter": true,
}

// readable are the names that have members.
var readable = []string{"attributes", "client", "now", "owner"}

// bounds are the most that a value can be. The elements of a list share its bytes: whatever is done with each of them
// takes time in proportion to their sum.
type bounds struct {
	bytes int
	items int // 0: not a list
}

var (
	scalar    = bounds{bytes: 8}
	name      = bounds{bytes: maxNameBytes}
	value     = bounds{bytes: maxAttributeBytes} // of an attribute
	scopeList = bounds{bytes: maxScopeBytes, items: maxScopes}
)

func larger(a, b bounds) bounds { return bounds{max(a.bytes, b.bytes), max(a.items, b.items)} }

// checker judges the tree of an expression: it lets through what is on its lists, and adds up the work.
type checker struct {
	reads     map[string]bool
	variables map[string]bounds
	elements  []bounds // of the lists that the predicates around look at
	nodes     int
	work      int
}

// check wants the tree as it was parsed.
func (c *checker) check(root ast.Node, results []string) error {
	if _, err := c.visit(root, 1); err != nil {
		return err
	}
	if c.work > maxWork {
		return refuse(root, "may take too long: %d units of work, at most %d are allowed", c.work, maxWork)
	}
	if len(results) > 0 {
		return checkResults(root, results)
	}
	return nil
}

// visit judges a node that is evaluated so many times.
func (c *checker) visit(node ast.Node, times int) (bounds, error) {
	// Some parts of a tree hang in two places, so that a short text can make a tree that never ends.
	if c.nodes++; c.nodes > maxNodes {
		return bounds{}, refuse(node, "has more than %d parts", maxNodes)
	}
	c.work += times
	switch n := node.(type) {
	case *ast.BoolNode, *ast.IntegerNode:
		return scalar, nil
	case *ast.StringNode:
		return bounds{bytes: len(n.Value)}, nil
	case *ast.ArrayNode:
		return c.list(n)
	case *ast.IdentifierNode:
		return c.name(n)
	case *ast.PointerNode:
		return c.element(n)
	case *ast.MemberNode:
		return c.member(n, times)
	case *ast.UnaryNode:
		return c.unary(n, times)
	case *ast.BinaryNode:
		return c.binary(n, times)
	case *ast.ConditionalNode:
		return c.conditional(n, times)
	case *ast.VariableDeclaratorNode:
		return c.variable(n, times)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments, times)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.call(n, callee.Value, n.Arguments, times)
		}
	}
	return bounds{}, refuse(node, "%s", forbidden(node))
}

// forbidden names what an expression may not have.
func forbidden(node ast.Node) string {
	switch node.(type) {
	case *ast.NilNode:
		return "there is no nil: what is missing is empty"
	case *ast.FloatNode:
		return "numbers are whole"
	case *ast.SliceNode:
		return "a part of a text or a list can't be taken"
	case *ast.ChainNode:
		return "write . instead of ?. since nothing is nil"
	case *ast.SequenceNode:
		return "there can be only one expression"
	case *ast.MapNode:
		return "there are no maps besides attributes"
	case *ast.CallNode:
		return "nothing has methods"
	}
	return "is not allowed here"
}

// list lets constants of one kind through: all values keep a kind that is known.
func (c *checker) list(n *ast.ArrayNode) (bounds, error) {
	if len(n.Nodes) == 0 || len(n.Nodes) > maxScopes {
		return bounds{}, refuse(n, "a list has 1 to %d elements", maxScopes)
	}
	out := bounds{items: len(n.Nodes)}
	for _, node := range n.Nodes {
		_, text := n.Nodes[0].(*ast.StringNode)
		switch element := node.(type) {
		case *ast.StringNode:
			if out.bytes += len(element.Value); text {
				continue
			}
		case *ast.IntegerNode:
			if out.bytes += scalar.bytes; !text {
				continue
			}
		}
		return bounds{}, refuse(node, "a list holds texts or numbers, as constants and not both")
	}
	return out, nil
}

func (c *checker) name(n *ast.IdentifierNode) (bounds, error) {
	if b, ok := c.variables[n.Value]; ok {
		return b, nil
	}
	c.reads[n.Value] = true
	switch n.Value {
	case "$env": // all of the environment, in the language
		return bounds{}, refuse(n, "unknown name $env")
	case "attributes":
		return bounds{}, refuse(n, "attributes can only be looked up, one by its name")
	case "scopes":
		return scopeList, nil
	}
	return name, nil
}

func (c *checker) element(n *ast.PointerNode) (bounds, error) {
	if n.Name != "" || len(c.elements) == 0 {
		return bounds{}, refuse(n, "unknown name #%s", n.Name)
	}
	return c.elements[len(c.elements)-1], nil
}

func (c *checker) member(n *ast.MemberNode, times int) (bounds, error) {
	of, ok := n.Node.(*ast.IdentifierNode)
	if !ok || !slices.Contains(readable, of.Value) {
		return bounds{}, refuse(n, "only attributes, client, now and owner have members")
	}
	c.reads[of.Value] = true
	key, err := c.visit(n.Property, times)
	if err != nil {
		return bounds{}, err
	}
	c.work += times * key.bytes / comparedBytes
	if of.Value == "attributes" {
		return value, nil
	}
	return name, nil
}

func (c *checker) unary(n *ast.UnaryNode, times int) (bounds, error) {
	if n.Operator == "+" {
		return bounds{}, refuse(n, "there is no arithmetic")
	}
	return c.visit(n.Node, times)
}

func (c *checker) conditional(n *ast.ConditionalNode, times int) (bounds, error) {
	if _, err := c.visit(n.Cond, times); err != nil {
		return bounds{}, err
	}
	yes, err := c.visit(n.Exp1, times)
	if err != nil {
		return bounds{}, err
	}
	no, err := c.visit(n.Exp2, times)
	return larger(yes, no), err
}

// variable leaves the name known afterwards: two of the same name are as large as the larger one.
func (c *checker) variable(n *ast.VariableDeclaratorNode, times int) (bounds, error) {
	value, err := c.visit(n.Value, times)
	if err != nil {
		return bounds{}, err
	}
	c.variables[n.Name] = larger(value, c.variables[n.Name])
	return c.visit(n.Expr, times)
}

func (c *checker) binary(n *ast.BinaryNode, times int) (bounds, error) {
	left, err := c.visit(n.Left, times)
	if err != nil {
		return bounds{}, err
	}
	if of, ok := n.Right.(*ast.IdentifierNode); ok && n.Operator == "in" && of.Value == "attributes" {
		c.reads[of.Value] = true
		c.work += times * left.bytes / comparedBytes
		return scalar, nil
	}
	right, err := c.visit(n.Right, times)
	if err != nil {
		return bounds{}, err
	}
	switch n.Operator {
	case "and", "&&", "or", "||":
	case "==", "!=", "<", "<=", ">", ">=", "contains", "startsWith", "endsWith":
		c.work += times * (max(left.items, right.items) + (left.bytes+right.bytes)/comparedBytes)
	case "in":
		c.work += times * (right.items + (left.bytes*max(right.items, 1)+right.bytes)/comparedBytes)
	case "matches":
		instructions, err := pattern(n.Right)
		if err != nil {
			return bounds{}, err
		}
		c.work += times * (instructions + left.bytes*instructions/matchedBytes)
	case "+", "-", "*", "/", "%", "**", "^":
		return bounds{}, refuse(n, "there is no arithmetic and no joining of texts")
	default:
		return bounds{}, refuse(n, "the operator %s is not allowed", n.Operator)
	}
	return scalar, nil
}

// pattern is how many instructions a pattern has: each is tried for each byte, at worst.
func pattern(node ast.Node) (int, error) {
	constant, ok := node.(*ast.StringNode)
	if !ok {
		return 0, refuse(node, "the pattern must be a constant")
	}
	if len(constant.Value) > maxPattern {
		return 0, refuse(node, "the pattern has more than %d bytes", maxPattern)
	}
	parsed, err := syntax.Parse(constant.Value, syntax.Perl)
	if err != nil {
		return 0, refuse(node, "the pattern: %s", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, refuse(node, "the pattern: %s", err)
	}
	return len(program.Inst), nil
}

func (c *checker) call(n ast.Node, function string, arguments []ast.Node, times int) (bounds, error) {
	predicate, known := builtins[function]
	switch {
	case function == "inNetwork" && len(arguments) == 2:
		return c.inNetwork(arguments, times)
	case known && predicate && len(arguments) == 2:
		return c.predicate(function, arguments, times)
	case (known && !predicate || function == "trim") && len(arguments) == 1:
		text, err := c.visit(arguments[0], times)
		if text.items == 0 {
			c.work += times * text.bytes / changedBytes
		}
		text.bytes *= 2 // a few letters are longer in their other case
		return text, err
	case known || function == "trim" || function == "inNetwork":
		return bounds{}, refuse(n, "wrong number of arguments for %s", function)
	}
	return bounds{}, refuse(n, "there is no function %s", function)
}

// predicate judges a function that looks at each element of a list.
func (c *checker) predicate(function string, arguments []ast.Node, times int) (bounds, error) {
	list, err := c.visit(arguments[0], times)
	if err != nil {
		return bounds{}, err
	}
	body, ok := arguments[1].(*ast.PredicateNode)
	if !ok {
		return bounds{}, refuse(arguments[1], "%s needs a condition", function)
	}
	if len(c.elements) == maxNesting {
		return bounds{}, refuse(body, "%s is nested too deep, at most %d may be in each other", function, maxNesting)
	}
	items := cmp.Or(list.items, maxScopes)
	c.elements = append(c.elements, bounds{bytes: (list.bytes + items - 1) / items})
	_, err = c.visit(body.Node, times*items)
	c.elements = c.elements[:len(c.elements)-1]
	if function != "filter" {
		list = scalar
	}
	return list, err
}

func (c *checker) inNetwork(arguments []ast.Node, times int) (bounds, error) {
	if _, err := c.visit(arguments[0], times); err != nil {
		return bounds{}, err
	}
	network, ok := arguments[1].(*ast.StringNode)
	if !ok {
		return bounds{}, refuse(arguments[1], "the network must be a constant")
	}
	prefix, err := netip.ParsePrefix(network.Value)
	if err != nil {
		return bounds{}, refuse(network, "the network must be in CIDR notation")
	}
	if err := checkNetwork(prefix); err != nil {
		return bounds{}, refuse(network, "the network %s", err)
	}
	c.work += times * name.bytes / changedBytes
	return scalar, nil
}

// checkResults refuses an expression with a constant result that is none of the results.
func checkResults(node ast.Node, results []string) error {
	switch n := node.(type) {
	case *ast.ConditionalNode:
		if err := checkResults(n.Exp1, results); err != nil {
			return err
		}
		return checkResults(n.Exp2, results)
	case *ast.VariableDeclaratorNode:
		return checkResults(n.Expr, results)
	case *ast.StringNode:
		if !slices.Contains(results, n.Value) {
			return refuse(n, "its result %q is none of the outcomes", n.Value)
		}
	}
	return nil
}
