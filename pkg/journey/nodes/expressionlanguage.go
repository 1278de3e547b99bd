package nodes

import (
	"net/netip"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// functions are what an expression may call, by the names that the language has for them; those of operators are odd. Not
// here are those that make texts or lists grow, that fail for some values, and that tell the time.
var functions = map[string]bool{
	operators.LogicalAnd: true, operators.LogicalOr: true, operators.LogicalNot: true, operators.Conditional: true,
	operators.Equals: true, operators.NotEquals: true, operators.Less: true, operators.LessEquals: true,
	operators.Greater: true, operators.GreaterEquals: true, operators.In: true, operators.Index: true,
	overloads.Size: true, overloads.Contains: true, overloads.StartsWith: true, overloads.EndsWith: true,
	overloads.Matches: true, lowerASCII: true, upperASCII: true, trimSpace: true, inNetwork: true,
}

// Our own functions. Those on texts have the names of the language's extension, which brings many more.
const (
	lowerASCII = "lowerAscii"
	upperASCII = "upperAscii"
	trimSpace  = "trim"
	inNetwork  = "inNetwork"
)

// macros are written like methods of a list, with a condition for its elements.
var macros = []string{operators.All, operators.Exists, operators.ExistsOne, operators.Filter}

// language is the part of CEL that expressions are in. It is made when the first one is met: most journeys have none.
var language = sync.OnceValues(func() (*cel.Env, error) {
	subset := env.NewLibrarySubset().AddIncludedMacros(macros...)
	for name := range functions {
		subset.AddIncludedFunctions(env.NewFunction(name))
	}
	subset.AddIncludedFunctions( // which the macros are made of
		env.NewFunction(operators.NotStrictlyFalse),
		env.NewFunction(operators.Add, env.NewOverload(overloads.AddInt64, nil, nil), env.NewOverload(overloads.AddList, nil, nil)),
	)
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(subset)), cel.ExpressionNodeLimit(maxNodes),
		changes(lowerASCII, mapASCII('A', 'Z')), changes(upperASCII, mapASCII('a', 'z')), changes(trimSpace, strings.TrimSpace),
		cel.Function(inNetwork, cel.Overload(inNetwork, []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(isInNetwork))),
		cel.Variable(attributesName, cel.MapType(cel.StringType, cel.StringType)),
	}
	for name, kind := range names {
		options = append(options, cel.Variable(name, kind))
	}
	return cel.NewCustomEnv(options...)
})

// changes is a function on a text that makes another one, which is no longer.
func changes(name string, change func(string) string) cel.EnvOption {
	return cel.Function(name, cel.MemberOverload(name, []*cel.Type{cel.StringType}, cel.StringType,
		cel.UnaryBinding(func(text ref.Val) ref.Val { return types.String(change(string(text.(types.String)))) })))
}

// mapASCII changes the case of the letters from first to last.
func mapASCII(first, last rune) func(string) string {
	return func(text string) string {
		return strings.Map(func(r rune) rune {
			if r >= first && r <= last {
				return r ^ ('a' ^ 'A')
			}
			return r
		}, text)
	}
}

// isInNetwork is false for an address that is not known. Its network was checked with the expression.
func isInNetwork(address, network ref.Val) ref.Val {
	prefix, err := netip.ParsePrefix(string(network.(types.String)))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(networks{prefix}.contain(string(address.(types.String))))
}
