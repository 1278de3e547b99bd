package histories

import (
	"context"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const (
	ownerName  = "owner"
	clientName = "client"
)

// lasting locks for so long that no lock ends in a history.
var lasting = realm.Lockout{Threshold: threshold, Window: 24 * long, Duration: long, MaxDuration: long}

// drama is the history of one owner: what its callers know, and share, of the grants they have made.
type drama struct {
	*scene
	rotate       bool
	reservations int
	requests     uint32
	grants       []*known
}

// known is what callers know of a grant.
type known struct {
	number     int
	grant      *storage.Grant // as it was made
	generation uint32
	seq        uint32
}

// player is one caller of a drama.
type player struct {
	*actor
	*drama
}

// deed is something that a player does, with its weight.
type deed struct {
	weight int
	do     func(p *player)
}

var deeds = []deed{
	{20, (*player).login},
	{16, (*player).guess},
	{24, (*player).refresh},
	{10, func(p *player) { p.inspect(inspect) }},
	{6, func(p *player) { p.inspect(inspectOwner) }},
	{5, (*player).list},
	{5, func(p *player) { p.look() }},
	{5, (*player).revokeAccess},
	{3, (*player).revokeRefresh},
	{3, (*player).endGrant},
	{2, (*player).endUser},
	{4, (*player).update},
	{3, (*player).unlock},
}

// play makes the history of one owner.
func play(ctx context.Context, views []storage.Store, o Options, number uint64) ([]*call, error) {
	d := &drama{scene: newScene(ctx, views, o), rotate: number%6 != 5}
	if err := d.addUser(ownerName); err != nil {
		return nil, err
	}
	callers := o.Clients
	if number%4 == 3 {
		callers = min(callers, 2) // who are disturbed less: other things come to light
	}
	d.together(callers, o.Seed, number, func(a *actor) {
		p := &player{actor: a, drama: d}
		for range o.Operations / callers {
			if a.over() {
				return
			}
			p.act()
		}
	})
	return d.played()
}

func (p *player) act() {
	total := 0
	for _, d := range deeds {
		total += d.weight
	}
	at := p.dice.IntN(total)
	for _, d := range deeds {
		if at -= d.weight; at < 0 {
			d.do(p)
			return
		}
	}
}

// attempt begins, and does what follows a refusal now and then: an administrator's help.
func (p *player) attempt() (c *call, b storage.Begun, ok bool) {
	p.drama.mu.Lock()
	room := p.reservations+p.id < maxNumbers-16
	p.drama.mu.Unlock()
	if !room {
		return nil, b, false
	}
	c = &call{}
	b = p.begin(c, ownerName, lasting, func(c *call) {
		p.drama.mu.Lock()
		defer p.drama.mu.Unlock()
		c.reservation = p.reservations
		p.reservations++
	})
	switch {
	case c.answer.unknown:
		return c, b, false
	case b.Standing == storage.Locked && p.once(2):
		p.unlock()
	case b.Standing == storage.Reserved && !b.User.Enabled:
		p.settle(c, b, storage.Void, nil)
		if p.once(2) {
			p.update()
		}
		return c, b, false
	}
	return c, b, b.Standing == storage.Reserved
}

func (p *player) settle(c *call, b storage.Begun, o storage.Outcome, k *known) {
	s := storage.Settlement{Reservation: b.Reservation, Outcome: o}
	of := call{reservation: c.reservation}
	if k != nil {
		s.Grant, s.CountLogin = k.grant, !p.once(3)
		of.grant, of.counting = k.number, s.CountLogin
	}
	p.finish(of, s, 1+p.dice.IntN(3))
}

// login succeeds, now and then after the owner was changed meanwhile.
func (p *player) login() {
	c, b, ok := p.attempt()
	if !ok {
		return
	}
	k := p.next(b)
	if k == nil {
		p.settle(c, b, storage.Void, nil)
		return
	}
	if p.once(8) {
		p.update()
	}
	p.settle(c, b, storage.Success, k)
}

// guess fails, now and then with a grant that must not come of it, or gives up.
func (p *player) guess() {
	c, b, ok := p.attempt()
	if !ok {
		return
	}
	switch p.dice.IntN(6) {
	case 0:
		p.settle(c, b, storage.Void, nil)
	case 1:
		p.settle(c, b, storage.Failure, p.next(b))
	default:
		p.settle(c, b, storage.Failure, nil)
	}
}

// next is a grant to ask for, or nil when there were enough.
func (p *player) next(b storage.Begun) *known {
	p.drama.mu.Lock()
	defer p.drama.mu.Unlock()
	if len(p.grants) == maxGrants {
		return nil
	}
	k := &known{number: len(p.grants), grant: newGrant(b.Reservation, clientName), seq: 1}
	p.grants = append(p.grants, k)
	return k
}

// grant is one of the newest that were asked for, as it is known now.
func (p *player) grant() (k known, ok bool) {
	p.drama.mu.Lock()
	defer p.drama.mu.Unlock()
	n := len(p.grants)
	if n == 0 {
		return known{}, false
	}
	return *p.grants[max(n-1-p.dice.IntN(3), 0)], true
}

// step is which refresh comes next: of the current token or of a spent one.
func (p *player) step(k known) call {
	c := call{
		kind: refresh, grant: k.number, generation: k.generation, rotate: p.rotate,
		grace: []time.Duration{0, 0, 2 * time.Millisecond, long, long, long}[p.dice.IntN(6)],
	}
	switch n := p.dice.IntN(20); {
	case n < 6 && c.generation > 0:
		c.generation--
	case n == 6:
		c.generation = p.dice.Uint32N(c.generation + 1)
	case n == 7:
		c.generation++
	}
	p.drama.mu.Lock()
	defer p.drama.mu.Unlock()
	p.requests++
	c.request = p.requests
	return c
}

// refresh asks for new tokens, and repeats the very request now and then.
func (p *player) refresh() {
	k, ok := p.grant()
	if !ok || k.seq > maxNumbers-16 {
		return
	}
	c := p.step(k)
	p.ask(k, c)
	if p.once(4) {
		p.ask(k, c)
	}
}

func (p *player) ask(k known, c call) {
	r := storage.RefreshStep{
		ID: k.grant.ID, Generation: c.generation, Digest: k.grant.RefreshDigest, Realm: p.drama.realm, ClientID: clientName, Rotate: c.rotate,
		Grace: c.grace, AccessLifetime: long, RefreshLifetime: 24 * long, ClientScopes: k.grant.Scopes,
	}
	a := p.renew(&c, r)
	if a.unknown || a.outcome != storage.RefreshDone {
		return
	}
	p.drama.mu.Lock()
	defer p.drama.mu.Unlock()
	of := p.grants[k.number]
	of.generation, of.seq = max(of.generation, a.generation), max(of.seq, a.seq)
}
