package nodes

import (
	"net/http"

	"github.com/ropcd/ropcd/pkg/journey"
)

// MaxWork is what [Work] may be at most.
const MaxWork = maxWork

// Work is how much work an expression is estimated at, allowed or not.
func Work(text string, results ...string) uint64 {
	checked, c, err := checkExpression(text, results)
	if err != nil {
		panic(err)
	}
	work, err := estimate(checked, c.prices)
	if err != nil {
		panic(err)
	}
	return work
}

// Stops is the node of an expression that is let run only for so much work, whatever its estimate is.
func Stops(text string, limit uint64) journey.Node {
	checked, c, err := checkExpression(text, nil)
	if err != nil {
		panic(err)
	}
	program, err := plan(checked, c.prices, limit)
	if err != nil {
		panic(err)
	}
	return &scripted{expression: expression{program: program, reads: c.reads}}
}

// Held is how many bytes the passwords of a CommonPasswordDecision's file take.
func Held(n journey.Node) int { return 8 * cap(n.(passwordLists)[1]) }

// Stopped is the fault of a program that failed.
var Stopped = stopped

// Transport is how an HTTPDecision reaches its service.
func Transport(n journey.Node) *http.Transport { return n.(*httpService).transport }
