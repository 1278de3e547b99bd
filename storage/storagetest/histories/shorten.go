package histories

import (
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ropcd/ropcd/storage"
)

// haste is how long one attempt to shorten a history may take, and all of them together.
const haste, allHaste = time.Second / 2, 3 * time.Second

// shorten leaves out of a history that nothing explains what does not matter: what began after the first answer that
// can't be explained, and calls whose absence can't make a right history wrong.
func shorten(calls []*call) []*call {
	end := time.Now().Add(allHaste)
	wrong := func(some []*call) bool { return time.Now().Before(end) && decide(some, haste) == porcupine.Illegal }
	calls = cut(calls, wrong)
	for _, drop := range droppable() {
		if some := slices.DeleteFunc(slices.Clone(calls), drop); len(some) < len(calls) && wrong(some) {
			calls = some
		}
	}
	for i := len(calls) - 1; i >= 0; i-- {
		if some := slices.Delete(slices.Clone(calls), i, i+1); calls[i].silent() && wrong(some) {
			calls = some
		}
	}
	if slices.ContainsFunc(calls, func(c *call) bool { return c.kind == begin && c.answer.standing == storage.Busy }) {
		return calls
	}
	for _, drop := range voids(calls) { // nobody was told to wait for them
		if some := slices.DeleteFunc(slices.Clone(calls), drop); wrong(some) {
			calls = some
		}
	}
	return calls
}

// cut is the history until its first moment that nothing explains.
func cut(calls []*call, wrong func([]*call) bool) []*call {
	moments := make([]int64, 0, len(calls))
	for _, c := range calls {
		moments = append(moments, c.returned)
	}
	slices.Sort(moments)
	n, _ := slices.BinarySearchFunc(moments, true, func(moment int64, _ bool) int {
		if wrong(until(calls, moment)) {
			return 0
		}
		return -1
	})
	if n == len(moments) {
		return calls
	}
	return until(calls, moments[n])
}

// until is the history as it was known at a moment.
func until(calls []*call, moment int64) (out []*call) {
	for _, c := range calls {
		switch {
		case c.called > moment:
		case c.returned > moment:
			open := *c
			open.answer, open.returned, open.early = answer{unknown: true}, pending, true
			out = append(out, &open)
		default:
			out = append(out, c)
		}
	}
	return out
}

// droppable are sets of calls on which no other ones depend: all silent ones, and those of one grant, but for the login,
// with the lists of grants.
func droppable() (sets []func(*call) bool) {
	sets = append(sets, (*call).silent)
	for n := range maxGrants {
		sets = append(sets, func(c *call) bool {
			ofGrant := c.kind == inspect || c.kind == inspectOwner || c.kind == refresh || c.kind == revoke || c.kind == endGrant
			return c.kind == list || (ofGrant && c.grant == n)
		})
	}
	return sets
}

// voids are the attempts that were given back, one by one: the lives of their reservations.
func voids(calls []*call) (sets []func(*call) bool) {
	for _, given := range calls {
		if given.kind == finish && given.outcome == storage.Void {
			sets = append(sets, func(c *call) bool {
				reserved := c.kind == begin && !c.answer.unknown && c.answer.standing == storage.Reserved
				return c.reservation == given.reservation && (c.kind == finish || reserved)
			})
		}
	}
	return sets
}
