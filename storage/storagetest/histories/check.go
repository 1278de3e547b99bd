package histories

import (
	"errors"
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ropcd/ropcd/storage"
)

// patience is how long one history may take to be explained.
const patience = time.Minute

// errUndecided means that a history was too hard to explain: nothing is known about the store.
var errUndecided = errors.New("no explanation was found in time, and it was not shown that there is none")

// explain tells why nothing explains the history of an owner, or nil.
func explain(calls []*call) error {
	if err := successors(calls); err != nil {
		return err
	}
	switch decide(calls, patience) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("%w: %d calls", errUndecided, len(calls))
	}
	short := shorten(calls)
	return fmt.Errorf("no order of these %d calls, of %d, explains the answers; before the last of them came, one did:\n%s",
		len(short), len(calls), lines(short))
}

func decide(calls []*call, within time.Duration) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(model(), operations(calls), within)
}

// operations are the calls as porcupine takes them.
func operations(calls []*call) (out []porcupine.Operation) {
	add := func(c *call, a answer, returned int64) {
		out = append(out, porcupine.Operation{ClientId: c.caller, Input: c, Output: a, Call: c.called, Return: returned})
	}
	for _, c := range calls {
		switch {
		case c.answer.unknown && c.silent():
			continue
		case c.kind == begin:
			with := *c // a search that was given up may still read the calls
			with.slack = slack(c, calls)
			c = &with
		case c.fault == Twice:
			add(c, answer{unknown: true}, c.returned)
		}
		if c.answer.unknown && c.kind == refresh && c.grace > 0 && c.grace < long { // nobody knows if the grace was over
			never := *c
			never.grace = 0
			add(&never, c.answer, pending)
		}
		add(c, c.answer, c.returned)
	}
	return out
}

// slack is how many calls beside an attempt may be seen half done: a settlement that is counted before its place is free,
// and an attempt that is delivered again or given back.
func slack(c *call, calls []*call) (n int) {
	for _, other := range calls {
		half := other.kind == finish || (other.kind == begin && (other.answer.unknown || other.fault == Twice))
		if half && other != c && other.called <= c.returned && c.called <= other.returned {
			n++
		}
	}
	return n
}

// successors checks what needs no order: no refresh token had two successors, and none was made twice.
func successors(calls []*call) error {
	type token struct {
		grant      int
		generation uint32
	}
	first := map[token]*call{}
	for _, c := range calls {
		if c.kind != refresh || c.answer.unknown || c.answer.outcome != storage.RefreshDone || !c.rotate {
			continue
		}
		of := token{c.grant, c.generation}
		if first[of] == nil {
			first[of] = c
		}
		a, b := first[of].answer, c.answer
		if b.generation != c.generation+1 || a.seq != b.seq || !a.refreshed.Equal(b.refreshed) {
			return fmt.Errorf("a refresh token has two successors, or a wrong one:\n%s", lines([]*call{first[of], c}))
		}
	}
	return nil
}
