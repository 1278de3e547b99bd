package password

import (
	"context"
	"time"
)

// Ticket is a place in a pool. One goroutine at a time may call Do; Release may
// come from any.
type Ticket struct {
	pool  *Pool
	share *share

	// The rest is guarded by pool.mu.
	state   state
	leaving bool          // Release was called during Do
	ready   chan struct{} // closed when a waiting ticket gets a worker, or the pool is closed
	spent   time.Duration // with a worker, in all Do calls
}

type state int

const (
	stateIdle state = iota
	stateWaiting
	stateRunning
	stateAway
	stateReleased
)

// Do waits for a worker and runs f, on the caller's goroutine. Clients are
// served in turn, and the tickets of one client in the order of their Do calls.
//
// When ctx ends first, f is not run, the ticket is released and Do answers
// ctx.Err(). Once f runs, nothing interrupts it. A panic of f frees the worker
// and goes on to the caller. A ticket may be used for several calls, one after
// the other; [ErrTicket] says that it was released or is in use, [ErrClosed]
// that the pool was closed before f ran.
func (t *Ticket) Do(ctx context.Context, f func()) error {
	if err := t.acquire(ctx); err != nil {
		return err
	}
	start := time.Now()
	defer func() {
		t.pool.mu.Lock()
		defer t.pool.mu.Unlock()
		t.spent += time.Since(start)
		t.pool.stop(t)
		if t.leaving {
			t.pool.release(t)
		}
	}()
	f()
	return nil
}

// acquire returns nil when t has a worker.
func (t *Ticket) acquire(ctx context.Context) error {
	if err := t.join(); err != nil {
		return err
	}
	select {
	case <-t.ready:
	case <-ctx.Done():
	}
	p := t.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	err := ctx.Err() // the caller may hang up just when a worker comes
	if err == nil && t.state == stateRunning {
		return nil
	}
	if t.state == stateRunning {
		p.stop(t)
	} else {
		p.leave(t)
	}
	if err != nil || t.leaving {
		p.release(t)
	}
	if err != nil {
		return err
	}
	return ErrClosed
}

// join puts t in the queue and lets the pool serve it.
func (t *Ticket) join() error {
	p := t.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case t.state != stateIdle || t.leaving:
		return ErrTicket
	case p.closed:
		return ErrClosed
	}
	p.enqueue(t)
	p.dispatch()
	return nil
}

// Away runs f, on the caller's goroutine, while the ticket does not count: for
// waiting on somebody else than the pool, such as a directory, which must not
// keep others from being admitted, as long as not too many wait. Afterwards the ticket counts again: who was
// admitted is not refused later. A ticket that is not idle just runs f.
func (t *Ticket) Away(f func()) {
	if !t.depart() {
		f()
		return
	}
	defer t.comeBack()
	f()
}

func (t *Ticket) depart() bool {
	p := t.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.state != stateIdle || t.leaving {
		return false
	}
	t.state = stateAway
	p.away++
	t.share.away++
	p.uncount(t.share)
	return true
}

func (t *Ticket) comeBack() {
	p := t.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	t.state = stateIdle
	p.away--
	t.share.away--
	p.count(t.share.client)
	if t.leaving {
		p.release(t)
	}
}

// Release gives the place back; during a Do or Away, when that returns. Safe to call
// more than once.
func (t *Ticket) Release() {
	t.pool.mu.Lock()
	defer t.pool.mu.Unlock()
	switch t.state {
	case stateIdle:
		t.pool.release(t)
	case stateWaiting, stateRunning, stateAway:
		t.leaving = true
	case stateReleased:
	}
}
