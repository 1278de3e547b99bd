package nodes

import (
	"math"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// How many bytes are read for a unit.
const (
	comparedBytes = 64
	changedBytes  = 16 // by lowerAscii, upperAscii, trim and size, which look at each letter
	matchedBytes  = 4  // by one instruction of a pattern
)

// prices tell the language what a call costs, both when it estimates and when it counts. The language adds up the calls,
// takes loops and branches into account, and knows the price of the rest. Its own prices of these calls won't do: they
// don't see that a{100} is long, that size looks at each letter, nor that lists hold texts, and to count it measures each
// text letter by letter.
type prices struct {
	instructions map[string]uint64 // of the expression's patterns
	letter       uint64            // bytes that a letter of a constant has at most
}

// size is the most that a value can be, or what it is.
type size struct {
	bytes uint64 // of a list those of all elements
	items uint64 // 0: not a list
}

// scalar is the size of a number, a truth value, and a map, of which only the names are looked at.
var scalar = size{bytes: 8}

// huge is more than anything that is priced can have, and little enough not to overflow.
const huge = 1 << 24

// price is what a call costs; false if the language knows.
func (p *prices) price(function string, sizes []size, pattern string) (uint64, bool) {
	total := size{}
	for _, s := range sizes {
		if s.bytes > huge || s.items > huge {
			return math.MaxUint64, true
		}
		total.bytes += s.bytes
		total.items += s.items
	}
	switch function {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater,
		operators.GreaterEquals, overloads.Contains, overloads.StartsWith, overloads.EndsWith, operators.Index:
		return 1 + total.items + total.bytes/comparedBytes, true
	case operators.In:
		return 1 + total.items + (sizes[0].bytes*sizes[1].items+total.bytes)/comparedBytes, true
	case overloads.Size:
		if total.items > 0 {
			return 1, true
		}
		return 1 + total.bytes/changedBytes, true
	case lowerASCII, upperASCII, trimSpace, inNetwork:
		return 1 + total.bytes/changedBytes, true
	case overloads.Matches:
		instructions, known := p.instructions[pattern]
		if !known {
			return math.MaxUint64, true
		}
		return 1 + instructions + sizes[0].bytes*instructions/matchedBytes, true
	}
	return 0, false
}

// EstimateCallCost is the price of a call with the largest values that its arguments can have.
func (p *prices) EstimateCallCost(function, _ string, target *cost.AstNode, args []cost.AstNode) *cost.CallEstimate {
	if target != nil {
		args = append([]cost.AstNode{*target}, args...)
	}
	sizes, pattern := make([]size, len(args)), ""
	for i, arg := range args {
		sizes[i] = p.largest(arg)
		if arg.Expr().Kind() == ast.LiteralKind {
			pattern, _ = constant(arg.Expr())
		}
	}
	units, ok := p.price(function, sizes, pattern)
	if !ok {
		return nil
	}
	estimate := cost.NewCallEstimate(cost.FixedCostEstimate(units), nil)
	switch function {
	case lowerASCII, upperASCII, trimSpace:
		estimate.ResultSize = &cost.SizeEstimate{Max: sizes[0].bytes}
	}
	return estimate
}

// largest is the most that a value can be. The language measures constants, and what is made of them, in letters.
func (p *prices) largest(node cost.AstNode) size {
	s, letter := cost.EstimateSize(p, node), p.letter
	if known := p.EstimateSize(node); known != nil {
		s, letter = *known, 1
	}
	switch kind := node.Type().Kind(); {
	case kind == types.StringKind:
		return size{bytes: cost.SafeMultiply(s.Max, letter)}
	case kind != types.ListKind:
		return scalar
	case s.Max == 0:
		return size{}
	case s.Elem == nil:
		return size{bytes: math.MaxUint64}
	}
	return size{bytes: cost.SafeMultiply(cost.SafeMultiply(s.Max, s.Elem.Max), letter), items: s.Max}
}

// EstimateSize is how large what an expression reads can be: [expression.variables] sees to it.
func (p *prices) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	path := node.Path()
	if len(path) == 0 {
		return nil
	}
	if kind := node.Type(); kind != nil && kind.Kind() == types.ListKind {
		return &cost.SizeEstimate{Max: maxScopes, Elem: &cost.SizeEstimate{Max: maxNameBytes}}
	}
	if path[0] == attributesName {
		return &cost.SizeEstimate{Max: maxAttributeBytes}
	}
	return &cost.SizeEstimate{Max: maxNameBytes}
}

// CallCost is the price of a call that was made.
func (p *prices) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	var known [2]size
	sizes, pattern := known[:0], ""
	for _, arg := range args {
		switch value := arg.(type) {
		case types.String:
			sizes, pattern = append(sizes, size{bytes: uint64(len(value))}), string(value)
		case traits.Lister:
			sizes = append(sizes, held(value))
		default:
			sizes = append(sizes, scalar)
		}
	}
	units, ok := p.price(function, sizes, pattern)
	if !ok {
		return nil
	}
	return &units
}

// held is the size of a list, which has few elements.
func held(list traits.Lister) size {
	items := int64(list.Size().(types.Int))
	s := size{items: uint64(items)} //nolint:gosec // a length
	for i := range items {
		if text, ok := list.Get(types.Int(i)).(types.String); ok {
			s.bytes += uint64(len(text))
		}
	}
	return s
}

// estimate is how much work an expression makes at most.
func estimate(checked *cel.Ast, p *prices) (uint64, error) {
	env, err := language()
	if err != nil {
		return 0, err
	}
	e, err := env.EstimateCost(checked, p)
	return e.Max, err
}

// units writes a number for people: what nobody will wait for has no exact one.
func units(work uint64) string {
	if work > huge {
		return "millions of"
	}
	return strconv.FormatUint(work, 10)
}
