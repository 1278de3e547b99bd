package nodes

import "github.com/ropcd/ropcd/pkg/journey"

// Held is how many bytes the passwords of a CommonPasswordDecision's file take.
func Held(n journey.Node) int { return 8 * cap(n.(passwordLists)[1]) }
