package nodes

import (
	"net/http"

	"github.com/expr-lang/expr/parser"

	"github.com/ropcd/ropcd/pkg/journey"
)

// MaxWork is what [Work] may be at most.
const MaxWork = maxWork

// Work is how much work an expression is counted for, allowed or not.
func Work(text string) int {
	tree, err := parser.Parse(text)
	if err != nil {
		panic(err)
	}
	c := &checker{reads: map[string]bool{}, variables: map[string]bounds{}}
	if _, err := c.visit(tree.Node, 1); err != nil {
		panic(err)
	}
	return c.work
}

// Held is how many bytes the passwords of a CommonPasswordDecision's file take.
func Held(n journey.Node) int { return 8 * cap(n.(passwordLists)[1]) }

// Stopped is the fault of a machine that failed.
var Stopped = stopped

// Transport is how an HTTPDecision reaches its service.
func Transport(n journey.Node) *http.Transport { return n.(*httpService).transport }
