package main_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// throughProxy has a bad network between the processes and a single Redis for some seconds.
func throughProxy(bad weather) rigging {
	return func(t *testing.T, silent time.Duration) (string, func(n *tally) func()) {
		t.Helper()
		p := before(t, redistest.Start(t).Addr())
		return fmt.Sprintf("addrs: [%q]", p.addr), func(*tally) func() {
			p.turn(bad)
			rest(silent)
			p.turn(weather{})
			return nothing
		}
	}
}

var (
	repliesLost = weather{lost: true, after: 4000}
	cutOff      = weather{hang: true}
	tooLate     = weather{late: 500 * time.Millisecond}
)
