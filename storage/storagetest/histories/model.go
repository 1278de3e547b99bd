package histories

import (
	"math/bits"

	"github.com/anishathalye/porcupine"

	"github.com/ropcd/ropcd/storage"
)

const (
	threshold  = 3  // wrong passwords until an owner is locked; only a success or UnlockUser ends the lock
	maxGrants  = 16 // of one owner in one history
	maxNumbers = 60 // of access tokens of one grant, and of reservations: each is one bit
)

// owner is all that the contract says of one owner with its grants: what every call of a history reads and changes, in one
// step. It is comparable, and copied by each step.
type owner struct {
	view
	flying uint64 // reservations under way, by number
	lost   int    // attempts that may be under way, because nobody heard of what Begin did
	grants [maxGrants]grant
}

// grant is one grant; the zero value was not made yet.
type grant struct {
	made, alive bool
	generation  uint32
	seq         uint32
	request     uint32 // that made the newest tokens
	ender       uint32 // the request that ended the grant with a spent token
	revoked     uint64 // access tokens, by number
}

// model is the sequential specification of one owner.
func model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return owner{view: view{version: 1, enabled: true}} },
		Step: func(state, input, output any) (bool, any) {
			next, ok := state.(owner).step(input.(*call), output.(answer))
			return ok, next
		},
	}
}

// step is the owner after a call, and whether the answer is right. No answer is right whatever happened. s is a copy.
func (s owner) step(c *call, a answer) (next owner, right bool) {
	switch c.kind {
	case begin:
		return s.begin(c, a)
	case finish:
		return s.finish(c, a)
	case look:
		return s, a.unknown || a.owner == s.view
	case update:
		return s.update(c, a)
	case unlock:
		s.failures, s.consecutive, s.locked = 0, 0, false
		return s, a.is(nil)
	case inspect, inspectOwner:
		return s, s.inspected(c, a)
	case list:
		return s, a.unknown || a.live == s.live()
	case refresh:
		return s.refresh(c, a)
	case revoke:
		return s.revoke(c, a)
	case endGrant:
		right = s.found(c.grant, a)
		s.grants[c.grant].alive = false
		return s, right
	case endUser:
		s.endAll()
		return s, a.is(nil)
	}
	return s, false
}

// begin reserves one evaluation unless the owner is locked, or more could fail than the threshold. Busy is right, too,
// while attempts may be under way that nobody knows of, or settlements are half done.
func (s owner) begin(c *call, a answer) (owner, bool) {
	taken := s.failures + bits.OnesCount64(s.flying)
	free := !s.locked && taken < threshold
	if a.unknown {
		if free {
			s.lost++
		}
		return s, true
	}
	right := false
	switch a.standing {
	case storage.Reserved:
		right = free
		s.flying |= 1 << c.reservation
	case storage.Busy:
		right = !s.locked && taken+s.lost+c.slack >= threshold
	case storage.Locked:
		right = s.locked
	}
	return s, right && a.owner == s.view
}

// finish settles a reservation once. A success clears the account and makes the grant, if the owner is the version that
// Begin read.
func (s owner) finish(c *call, a answer) (owner, bool) {
	g := &s.grants[c.grant]
	mine := uint64(1) << c.reservation
	if s.flying&mine == 0 {
		if c.outcome != storage.Success {
			return s, a.is(nil)
		}
		return s, g.made && a.is(nil) || !g.alive && a.is(storage.ErrConflict)
	}
	s.flying &^= mine
	switch {
	case c.outcome == storage.Void:
		return s, a.is(nil)
	case c.outcome == storage.Failure:
		s.failures++
		s.consecutive++
		s.locked = s.locked || s.failures >= threshold
		return s, a.is(nil)
	case c.version != s.version:
		return s, a.is(storage.ErrConflict)
	}
	s.failures, s.consecutive, s.locked = 0, 0, false
	if c.counting {
		s.logins++
	}
	*g = grant{made: true, alive: true, seq: 1}
	return s, a.is(nil)
}

// update changes the version that was read and no other.
func (s owner) update(c *call, a answer) (owner, bool) {
	if c.version != s.version {
		return s, a.is(storage.ErrConflict)
	}
	s.version++
	s.enabled = c.enabled
	if c.ending {
		s.endAll()
	}
	return s, a.is(nil)
}

// refresh is [storage.RefreshStep] for the right secret, client and scopes.
func (s owner) refresh(c *call, a answer) (owner, bool) {
	g := &s.grants[c.grant]
	is := func(o storage.RefreshOutcome) bool { return a.unknown || (a.err == nil && a.outcome == o) }
	switch {
	case !g.alive: // the very request that ended it may hear so again
		return s, is(storage.RefreshRefused) || (c.request == g.ender && is(storage.RefreshReused))
	case c.generation > g.generation:
		return s, is(storage.RefreshRefused)
	}
	spent := c.generation < g.generation
	predecessor := c.generation+1 == g.generation
	repeated := c.request == g.request && (predecessor || !spent)
	switch {
	case spent && !repeated && (!predecessor || !a.within(c.grace)):
		g.alive, g.ender = false, c.request
		return s, is(storage.RefreshReused)
	case !spent && !repeated:
		g.seq++
		g.request = c.request
		if c.rotate {
			g.generation++
		}
	}
	return s, is(storage.RefreshDone) && (a.unknown || (a.generation == g.generation && a.seq == g.seq))
}

// revoke ends a grant, or one access token of it.
func (s owner) revoke(c *call, a answer) (owner, bool) {
	right := s.found(c.grant, a)
	if g := &s.grants[c.grant]; !c.access {
		g.alive = false
	} else if g.alive {
		g.revoked |= 1 << c.seq
	}
	return s, right
}

func (s *owner) inspected(c *call, a answer) bool {
	g := s.grants[c.grant]
	if !s.found(c.grant, a) || !g.alive || a.unknown {
		return s.found(c.grant, a)
	}
	return a.generation == g.generation && a.seq == g.seq && a.revoked == g.revoked && (c.kind == inspect || a.owner == s.view)
}

// found reports whether the answer fits a call that needs the grant alive.
func (s *owner) found(grant int, a answer) bool {
	if s.grants[grant].alive {
		return a.is(nil)
	}
	return a.is(storage.ErrNotFound)
}

func (s *owner) endAll() {
	for i := range s.grants {
		s.grants[i].alive = false
	}
}

func (s *owner) live() (numbers uint64) {
	for i, g := range s.grants {
		if g.alive {
			numbers |= 1 << i
		}
	}
	return numbers
}
