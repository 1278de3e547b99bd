package bolt

import (
	order "container/list"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/storage"
)

// maxLimited is how many parties a layer remembers.
const maxLimited = 1 << 16

// limits are the rate limits, in memory. Layers have tables of their own, so that a flood of names pushes no address out.
type limits struct {
	mu     sync.Mutex
	most   int // parties in a layer
	layers map[storage.Layer]*parties
}

// parties are those of one layer that may have taken places.
type parties struct {
	byID   map[[16]byte]*order.Element
	oldest *order.List // of *party, by the time of the last charge
}

type party struct {
	id   [16]byte
	free time.Time // see guard.Rate
}

func (l *limits) init() {
	l.most, l.layers = maxLimited, map[storage.Layer]*parties{}
}

// layer is a layer's table. The caller has the lock.
func (l *limits) layer(name storage.Layer) *parties {
	p := l.layers[name]
	if p == nil {
		p = &parties{byID: map[[16]byte]*order.Element{}, oldest: order.New()}
		l.layers[name] = p
	}
	return p
}

func (p *parties) free(id [16]byte) time.Time {
	if e := p.byID[id]; e != nil {
		return e.Value.(*party).free
	}
	return time.Time{}
}

// keep remembers a party. For a new one too many the one goes that was charged longest ago.
func (p *parties) keep(id [16]byte, free time.Time, most int) {
	if e := p.byID[id]; e != nil {
		e.Value.(*party).free = free
		p.oldest.MoveToBack(e)
		return
	}
	if len(p.byID) >= most {
		p.forget(p.oldest.Front())
	}
	p.byID[id] = p.oldest.PushBack(&party{id: id, free: free})
}

func (p *parties) forget(e *order.Element) {
	delete(p.byID, p.oldest.Remove(e).(*party).id)
}

// sweep forgets the parties all of whose places are free.
func (l *limits) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.layers {
		for e := p.oldest.Front(); e != nil; {
			next := e.Next()
			if !e.Value.(*party).free.After(now) {
				p.forget(e)
			}
			e = next
		}
	}
}

// Charge implements [storage.Limits], exactly, for as long as the process lives.
func (s *Store) Charge(ctx context.Context, charges ...storage.Charge) (v storage.Verdict, err error) {
	if err := ctx.Err(); err != nil {
		return storage.Verdict{}, unavailable(err)
	}
	now := s.clock()
	charges = slices.DeleteFunc(slices.Clone(charges), func(c storage.Charge) bool { return !c.Limit.On() })
	ids, next := make([][16]byte, len(charges)), make([]time.Time, len(charges))
	for i, c := range charges {
		ids[i] = s.limitID(c)
	}
	l := &s.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, c := range charges {
		rate, free := guard.RateOf(c.Limit), l.layer(c.Layer).free(ids[i])
		if c.Mode == storage.Count {
			free = rate.Count(free, now)
			l.layer(c.Layer).keep(ids[i], free, l.most)
		}
		var wait time.Duration
		if next[i], wait = rate.Take(free, now); wait > 0 {
			v = v.Worse(storage.Verdict{Over: c.Layer, Retry: wait})
		}
	}
	for i, c := range charges {
		if c.Mode == storage.Take && !v.Refused() {
			l.layer(c.Layer).keep(ids[i], next[i], l.most)
		}
	}
	return v, nil
}

// Known implements [storage.Limits]: this process knows everything.
func (s *Store) Known(c storage.Charge) storage.Verdict {
	c.Mode = storage.Look
	v, _ := s.Charge(context.Background(), c) // fails only with its context
	return v
}

// limitID names a party in little memory, and so that nobody outside can make two parties meet.
func (s *Store) limitID(c storage.Charge) [16]byte {
	h := hmac.New(sha256.New, s.ringKey[:])
	h.Write(key("limit", string(c.Layer), c.Realm, c.Party, c.Username))
	return [16]byte(h.Sum(nil))
}
