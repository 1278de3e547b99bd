package password

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

var (
	// ErrBusy says that whoever comes now would have to wait too long. Nothing
	// was counted or evaluated: answer 503 and charge nobody.
	ErrBusy = errors.New("hashing pool is busy")

	// ErrClosed says that the pool is closed.
	ErrClosed = errors.New("hashing pool is closed")

	// ErrTicket says that a ticket was released before, or is in use by
	// another goroutine.
	ErrTicket = errors.New("ticket is not usable")
)

// PoolOptions are the bounds of a pool. Every zero value is usable.
type PoolOptions struct {
	// Workers is how many jobs run at once. 0: GOMAXPROCS.
	Workers int

	// MaxWait is how long the last one in the queue may have to wait. 0: 500 ms.
	MaxWait time.Duration

	// MaxTickets bounds the tickets however cheap a job is. 0: 1024.
	MaxTickets int

	// MaxAway bounds the tickets of one client that are away: beyond it the client
	// is not admitted. All clients' are bounded by MaxTickets. 0: 64.
	MaxAway int

	// Cost is what a ticket is expected to take before any was observed.
	// 0: 100 ms.
	Cost time.Duration
}

// Pool bounds how many hashes run at once and how long anybody has to wait for
// them. It is safe for concurrent use and has no goroutines of its own: jobs run
// on their callers'.
type Pool struct {
	opts PoolOptions

	mu      sync.Mutex
	cost    time.Duration // moving average of what a ticket takes
	held    int           // tickets that count: not released, not away
	away    int
	running int // jobs that run, ≤ opts.Workers
	clients map[string]*share
	ring    []*share      // clients with waiting tickets, in turn
	quiet   chan struct{} // closed when the pool is closed and no job runs
	closed  bool
}

// share is one client's part of the pool; it exists while it has tickets.
type share struct {
	client  string
	held    int
	away    int
	running int
	waiting []*Ticket // first in, first out
}

// NewPool makes a pool. Close it when nobody needs it any more.
func NewPool(o PoolOptions) *Pool {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 500 * time.Millisecond
	}
	if o.MaxTickets <= 0 {
		o.MaxTickets = 1024
	}
	if o.MaxAway <= 0 {
		o.MaxAway = 64
	}
	if o.Cost <= 0 {
		o.Cost = 100 * time.Millisecond
	}
	return &Pool{opts: o, cost: o.Cost, clients: make(map[string]*share), quiet: make(chan struct{})}
}

// Admit takes a ticket, or answers [ErrBusy] at once when its holder would
// have to wait longer than MaxWait, or too many are away. Release the ticket soon after its last Do:
// until then it counts.
//
// While fewer tickets are held than there are workers, Admit always succeeds.
// Otherwise the wait is (tickets ahead) × (moving average of a ticket's cost) /
// workers. Ahead are all that run and, because clients are served in turn, of
// each other client's tickets no more than the newcomer's own client would
// have; tickets that are admitted and not yet in Do count. Hence a lone client
// has the whole queue, clients that compete have equal parts of it, and who
// floods waits longer itself instead of keeping others out. This needs a queue: where
// one job takes longer than MaxWait × workers / (workers + 1), only idle workers are
// given away, to whoever comes first.
func (p *Pool) Admit(client string) (*Ticket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if s := p.clients[client]; p.away >= p.opts.MaxTickets || (s != nil && s.away >= p.opts.MaxAway) {
		return nil, ErrBusy
	}
	if p.held >= p.opts.Workers && (p.held >= p.opts.MaxTickets || p.wait(client) > p.opts.MaxWait) {
		return nil, ErrBusy
	}
	return &Ticket{pool: p, share: p.count(client)}, nil
}

// count and uncount add and take away a ticket of a client. Call them with the
// lock held.
func (p *Pool) count(client string) *share {
	s := p.clients[client]
	if s == nil {
		s = &share{client: client}
		p.clients[client] = s
	}
	s.held++
	p.held++
	return s
}

func (p *Pool) uncount(s *share) {
	p.held--
	if s.held--; s.held+s.away == 0 {
		delete(p.clients, s.client)
	}
}

// wait estimates how long a new ticket of client would wait.
func (p *Pool) wait(client string) time.Duration {
	own := 0
	if s := p.clients[client]; s != nil {
		own = s.held - s.running
	}
	ahead := p.running + own
	for _, s := range p.clients {
		if s.client != client {
			ahead += min(s.held-s.running, own+1)
		}
	}
	return time.Duration(ahead) * p.cost / time.Duration(p.opts.Workers)
}

// Stats answers the number of workers, of jobs that run, and of tickets that
// hold a place without running, in Do or not.
func (p *Pool) Stats() (workers, running, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opts.Workers, p.running, p.held - p.running
}

// Close refuses new tickets, ends every Do that waits with [ErrClosed], and
// returns when no job runs any more. Safe to call more than once.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		for _, s := range p.ring {
			for _, t := range s.waiting {
				close(t.ready) // Do sees that no worker came with it
			}
			s.waiting = nil
		}
		p.ring = nil
		p.signalQuiet()
	}
	p.mu.Unlock()
	<-p.quiet
}

// signalQuiet lets Close return. Call it with the lock held.
func (p *Pool) signalQuiet() {
	if p.closed && p.running == 0 {
		close(p.quiet)
	}
}

// enqueue puts t behind its client's other tickets. Call it with the lock held.
func (p *Pool) enqueue(t *Ticket) {
	if len(t.share.waiting) == 0 {
		p.ring = append(p.ring, t.share)
	}
	t.share.waiting = append(t.share.waiting, t)
	t.state = stateWaiting
	t.ready = make(chan struct{})
}

// leave takes t out of the queue. Call it with the lock held.
func (p *Pool) leave(t *Ticket) {
	s := t.share
	s.waiting = slices.DeleteFunc(s.waiting, func(o *Ticket) bool { return o == t })
	if len(s.waiting) == 0 {
		p.ring = slices.DeleteFunc(p.ring, func(o *share) bool { return o == s })
	}
	t.state = stateIdle
}

// dispatch gives free workers to the next tickets. Call it with the lock held.
func (p *Pool) dispatch() {
	for p.running < p.opts.Workers && len(p.ring) > 0 {
		s := p.ring[0]
		t := s.waiting[0]
		p.ring, s.waiting = slices.Delete(p.ring, 0, 1), slices.Delete(s.waiting, 0, 1)
		if len(s.waiting) > 0 {
			p.ring = append(p.ring, s)
		}
		p.start(t)
		close(t.ready)
	}
}

// start and stop take and give back a worker. Call them with the lock held.
func (p *Pool) start(t *Ticket) {
	t.state = stateRunning
	p.running++
	t.share.running++
}

func (p *Pool) stop(t *Ticket) {
	t.state = stateIdle
	p.running--
	t.share.running--
	p.dispatch()
	p.signalQuiet()
}

// release gives t's place back. Call it with the lock held and t idle.
func (p *Pool) release(t *Ticket) {
	t.state = stateReleased
	p.uncount(t.share)
	if t.spent > 0 {
		p.cost += (t.spent - p.cost) / 8
	}
}
