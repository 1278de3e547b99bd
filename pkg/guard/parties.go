package guard

import (
	"container/list"
	"time"
)

// digest stands for a party, or a name, of which nothing else is kept.
type digest [16]byte

// party is what a [Watch] knows of an address or a client in one window.
type party struct {
	id     digest
	began  time.Time // the window
	raised bool      // an alarm, in this window
	names  []uint64  // of an address: beginnings of digests of the user names denied there
	grants int       // of a client
	denied int       // of these
}

// over reports whether the party's window has ended. Requests under way at once come in any order, so one from a little
// before the window is within it; one from long before tells that the clock was set back.
func (p *party) over(now time.Time) bool { return now.Sub(p.began).Abs() >= AlarmWindow }

// parties are the ones that something came from last. It is not safe for concurrent use.
type parties struct {
	most int
	byID map[digest]*list.Element
	last *list.List // of *party; the latest is in front
}

func newParties(most int) parties {
	return parties{most: most, byID: map[digest]*list.Element{}, last: list.New()}
}

// at is the party in the window of a time, from now on the latest. If there is no room for it, it takes the place of the
// one from which nothing has come for the longest time; early is true when that one's window was not over.
func (a *parties) at(id digest, now time.Time) (p *party, early bool) {
	if e, ok := a.byID[id]; ok {
		a.last.MoveToFront(e)
		p = e.Value.(*party)
		if p.over(now) {
			*p = party{id: id, began: now}
		}
		return p, false
	}
	if a.last.Len() >= a.most {
		oldest := a.last.Remove(a.last.Back()).(*party)
		delete(a.byID, oldest.id)
		early = !oldest.over(now)
	}
	p = &party{id: id, began: now}
	a.byID[id] = a.last.PushFront(p)
	return p, early
}
