package directory

import (
	"context"
	"slices"
	"sync"
	"time"
)

// idleLimit is how long a connection is kept that nobody uses.
const idleLimit = time.Minute

// pool bounds how many checks run at once, and keeps their searching connections for the next ones. Kept ones and those
// in use are never more than there are places. Safe for concurrent use.
type pool struct {
	places chan struct{}

	mu     sync.Mutex
	idle   []*conn // the longest unused one first
	timer  *time.Timer
	closed bool
}

func newPool(places int) *pool { return &pool{places: make(chan struct{}, places)} }

// Enter takes a place, and waits for it until ctx ends. Leave gives it back.
func (p *pool) Enter(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return &stepError{step: "wait for other checks", reason: ctx.Err().Error(), cause: ctx.Err()}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		<-p.places
		return &stepError{step: "check", reason: "it is closed"}
	}
	return nil
}

func (p *pool) Leave() { <-p.places }

// Take answers a kept connection to s, the latest used one; nil: make one, there is room for it. Only who has a place may
// take one, and only one.
func (p *pool) Take(s *server) *conn {
	c, gone := p.take(s)
	if gone != nil {
		gone.close()
	}
	return c
}

// take also answers a connection to close: a new one takes the place of another server's.
func (p *pool) take(s *server) (c, gone *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, c := range slices.Backward(p.idle) {
		if c.server != s {
			continue
		}
		p.idle = slices.Delete(p.idle, i, i+1)
		if !c.IsClosing() {
			return c, nil
		}
	}
	if len(p.idle) > 0 {
		gone = p.idle[0]
		p.idle = slices.Delete(p.idle, 0, 1)
	}
	return nil, gone
}

// Keep takes a connection back that is good for another search.
func (p *pool) Keep(c *conn) {
	if !p.keep(c) {
		c.close()
	}
}

func (p *pool) keep(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	c.since = time.Now()
	p.idle = append(p.idle, c)
	if p.timer == nil {
		p.timer = time.AfterFunc(idleLimit, p.sweep)
	}
	return true
}

// sweep closes what was not used for long.
func (p *pool) sweep() {
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].since) >= idleLimit {
		n++
	}
	gone := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.timer = nil
	if len(p.idle) > 0 {
		p.timer = time.AfterFunc(idleLimit-time.Since(p.idle[0].since), p.sweep)
	}
	p.mu.Unlock()
	for _, c := range gone {
		c.close()
	}
}

// Close closes what is kept. What is in use is closed when it comes back, and nobody may enter any more.
func (p *pool) Close() {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	gone := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range gone {
		c.close()
	}
}
