package histories

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// Options say how much is tried. A zero field has the value that is named.
type Options struct {
	Seed       uint64  // of all dice; the same one repeats every caller's choices
	Owners     int     // histories of owners; 16
	Operations int     // of all callers of an owner together, at most 200; 96
	Clients    int     // callers of one owner at once, at most 16, of some owners only two; 6
	Faults     float64 // the part of writing calls whose reply is lost, or that are delivered twice; 0: none
}

const maxCallers = 16

// atOnce is how many owners have callers at the same time.
const atOnce = 4

func (o Options) complete() Options {
	if o.Owners <= 0 {
		o.Owners = 16
	}
	if o.Operations <= 0 {
		o.Operations = 96
	}
	if o.Clients <= 0 {
		o.Clients = 6
	}
	o.Operations, o.Clients = min(o.Operations, 200), min(o.Clients, maxCallers)
	return o
}

// Summary is what was checked.
type Summary struct {
	Histories int
	Calls     int
	Unheard   int // calls without a reply
	Twice     int // calls that were delivered twice
	Took      time.Duration
}

// String is the summary for a log.
func (s Summary) String() string {
	return fmt.Sprintf("%d calls in %d histories, %d without a reply, %d delivered twice, in %v", s.Calls, s.Histories, s.Unheard, s.Twice,
		s.Took.Round(time.Millisecond))
}

// join adds what was checked beside or after it.
func (s *Summary) join(other Summary) {
	s.Histories += other.Histories
	s.Calls += other.Calls
	s.Unheard += other.Unheard
	s.Twice += other.Twice
	s.Took += other.Took
}

func (s *Summary) add(calls []*call) {
	s.Histories++
	s.Calls += len(calls)
	for _, c := range calls {
		if c.answer.unknown {
			s.Unheard++
		}
		if c.fault == Twice {
			s.Twice++
		}
	}
}

// Run makes histories on a store, as one or more processes see it, and checks them. The error names the seed and shows the
// calls that the contract does not explain. All views are of the same data; what is made stays there, in realms of its own.
// With o.Faults the views must do as [FaultOf] says: see [Faulty].
//
// Run takes a little over the two seconds that the end of a client or realm needs to be seen.
func Run(ctx context.Context, views []storage.Store, o Options) (Summary, error) {
	o = o.complete()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{start: time.Now(), cancel: cancel}
	var all sync.WaitGroup
	for _, f := range []func() ([]*call, error){
		func() ([]*call, error) { return ends(ctx, views, o, endClient) },
		func() ([]*call, error) { return ends(ctx, views, o, endRealm) },
		func() ([]*call, error) { return guesses(ctx, views, o) },
	} {
		all.Go(func() { r.checked(f()) })
	}
	numbers := make(chan uint64)
	for range atOnce {
		all.Go(func() {
			for n := range numbers {
				calls, err := play(ctx, views, o, n)
				if err == nil {
					err = explain(calls)
				}
				r.checked(calls, err)
			}
		})
	}
	for n := range uint64(o.Owners) {
		select {
		case numbers <- n:
		case <-ctx.Done():
		}
	}
	close(numbers)
	all.Wait()
	r.Took = time.Since(r.start)
	if r.err != nil {
		return r.Summary, fmt.Errorf("histories with seed %d: %w", o.Seed, r.err)
	}
	return r.Summary, nil
}

// run gathers what has been checked, and the first failure.
type run struct {
	mu sync.Mutex
	Summary
	start  time.Time
	cancel context.CancelFunc
	err    error
}

func (r *run) checked(calls []*call, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(calls)
	if r.err == nil && err != nil {
		r.err = err
		r.cancel()
	}
}
