package pace

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Pace knows how long the latest wrong passwords took, and lets other refusals take as long. The zero value is usable.
// Safe for concurrent use.
type Pace struct {
	mu    sync.Mutex
	times [32]time.Duration
	seen  int // how many were added, ever
}

// Add remembers how long it took to find out that a password is wrong.
func (p *Pace) Add(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.times[p.seen%len(p.times)] = took
	p.seen++
}

// Known reports whether there is a time to wait for.
func (p *Pace) Known() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen > 0
}

// Wait returns when as long has gone by since start as one of the latest wrong passwords took, chosen at random; at once
// if none is known. When ctx ends before, its error is returned.
func (p *Pace) Wait(ctx context.Context, start time.Time) error {
	return Until(ctx, start.Add(p.pick()))
}

// Until returns at that time, or with ctx's error when ctx ends before.
func Until(ctx context.Context, end time.Time) error {
	t := time.NewTimer(time.Until(end))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (p *Pace) pick() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == 0 {
		return 0
	}
	return p.times[rand.N(min(p.seen, len(p.times)))]
}
