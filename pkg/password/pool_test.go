package password_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/password"
)

// job is a hash of a known cost: inside a synctest bubble it takes no real time.
func job(cost time.Duration) func() {
	return func() { time.Sleep(cost) }
}

func admit(tb testing.TB, p *password.Pool, client string) *password.Ticket {
	tb.Helper()
	ticket, err := p.Admit(client)
	if err != nil {
		tb.Fatalf("admit %s: %v", client, err)
	}
	return ticket
}

// fill takes tickets for client until the pool is busy.
func fill(tb testing.TB, p *password.Pool, client string) []*password.Ticket {
	tb.Helper()
	var all []*password.Ticket
	for range 10_000 {
		ticket, err := p.Admit(client)
		if errors.Is(err, password.ErrBusy) {
			return all
		}
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, ticket)
	}
	tb.Fatal("the pool is never busy")
	return nil
}

func release(tickets []*password.Ticket) {
	for _, t := range tickets {
		t.Release()
	}
}

func stats(p *password.Pool) string {
	workers, running, waiting := p.Stats()
	return fmt.Sprintf("%d workers, %d running, %d waiting", workers, running, waiting)
}

func TestPoolRunsAtMostWorkersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := password.NewPool(password.PoolOptions{Workers: 3, MaxWait: time.Hour})
		var wg sync.WaitGroup
		var mu sync.Mutex
		now, most, ran := 0, 0, 0
		for i := range 50 {
			ticket := admit(t, p, fmt.Sprint("client", i%4))
			wg.Go(func() {
				defer ticket.Release()
				_ = ticket.Do(t.Context(), func() {
					mu.Lock()
					now++
					ran++
					most = max(most, now)
					mu.Unlock()
					time.Sleep(time.Millisecond)
					mu.Lock()
					now--
					mu.Unlock()
				})
			})
		}
		synctest.Wait()
		if got := stats(p); got != "3 workers, 3 running, 47 waiting" {
			t.Errorf("stats: %s", got)
		}
		start := time.Now()
		wg.Wait()
		if took := time.Since(start); ran != 50 || most != 3 || took != 17*time.Millisecond {
			t.Errorf("%d jobs ran, %d at once, in %v", ran, most, took)
		}
		if got := stats(p); got != "3 workers, 0 running, 0 waiting" {
			t.Errorf("stats: %s", got)
		}
	})
}

func TestAdmitRefusesWhoWouldWaitTooLong(t *testing.T) {
	tests := []struct {
		name string
		opts password.PoolOptions
		want int // tickets for a lone client
	}{
		{"500 ms, 2 workers, 100 ms each", password.PoolOptions{Workers: 2, MaxWait: 500 * time.Millisecond, Cost: 100 * time.Millisecond}, 11},
		{"the defaults", password.PoolOptions{Workers: 1}, 6},
		{"idle workers are always given away", password.PoolOptions{Workers: 4, MaxWait: time.Millisecond, Cost: time.Hour}, 4},
		{"cheap jobs", password.PoolOptions{Workers: 4, MaxTickets: 20, Cost: time.Nanosecond}, 20},
		{"fewer tickets than workers", password.PoolOptions{Workers: 4, MaxTickets: 1}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := password.NewPool(tt.opts)
			tickets := fill(t, p, "a")
			if len(tickets) != tt.want {
				t.Fatalf("admitted %d, want %d", len(tickets), tt.want)
			}
			tickets[0].Release() // without Do
			tickets[0].Release() // a second time frees nothing more
			if got := fill(t, p, "a"); len(got) != 1 {
				t.Errorf("after one release %d more were admitted", len(got))
			}
		})
	}
}

func TestJobsThatRunAreAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := password.NewPool(password.PoolOptions{Workers: 2, MaxWait: 500 * time.Millisecond, Cost: 100 * time.Millisecond})
		for range 2 {
			go func() { _ = admit(t, p, "a").Do(context.Background(), job(time.Second)) }()
		}
		synctest.Wait()
		if got := fill(t, p, "b"); len(got) != 9 {
			t.Errorf("admitted %d behind two that run, want 9", len(got))
		}
		time.Sleep(time.Minute) // lets the jobs end
	})
}

func TestDoWithAnEndedContextRunsNothing(t *testing.T) {
	p := password.NewPool(password.PoolOptions{Workers: 1})
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	err := admit(t, p, "a").Do(ctx, func() { t.Error("ran") })
	if got := stats(p); !errors.Is(err, context.Canceled) || got != "1 workers, 0 running, 0 waiting" {
		t.Errorf("Do: %v; %s", err, got)
	}
}

func TestAdmittedWaitNoLongerThanMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cost, maxWait = 40 * time.Millisecond, 500 * time.Millisecond
		p := password.NewPool(password.PoolOptions{Workers: 2, MaxWait: maxWait, Cost: cost})
		start := time.Now()
		var wg sync.WaitGroup
		var mu sync.Mutex
		var longest time.Duration
		for _, ticket := range fill(t, p, "a") {
			wg.Go(func() {
				defer ticket.Release()
				_ = ticket.Do(t.Context(), func() {
					mu.Lock()
					longest = max(longest, time.Since(start))
					mu.Unlock()
					time.Sleep(cost)
				})
			})
		}
		wg.Wait()
		if longest > maxWait || longest < maxWait/2 {
			t.Errorf("the longest wait was %v", longest)
		}
	})
}

func TestAdmitLearnsTheCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := password.NewPool(password.PoolOptions{Workers: 1, MaxWait: time.Second, Cost: 100 * time.Millisecond})
		capacity := func() int {
			all := fill(t, p, "a")
			release(all) // unused tickets teach nothing
			return len(all)
		}
		var got []int
		for _, cost := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 10 * time.Millisecond} {
			for range 100 {
				ticket := admit(t, p, "a")
				for range 2 { // a ticket costs what all its jobs cost
					if err := ticket.Do(t.Context(), job(cost/2)); err != nil {
						t.Fatal(err)
					}
				}
				ticket.Release()
			}
			got = append(got, capacity())
		}
		if diff := cmp.Diff([]int{11, 6, 100}, got); diff != "" {
			t.Errorf("capacities (-want +got):\n%s", diff)
		}
	})
}

func TestHangingUpFreesThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := password.NewPool(password.PoolOptions{Workers: 1})
		go func() { _ = admit(t, p, "a").Do(context.Background(), job(time.Second)) }()
		synctest.Wait()
		tickets := fill(t, p, "b")
		ctx, hangUp := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- tickets[0].Do(ctx, func() { t.Error("ran after hanging up") }) }()
		synctest.Wait()
		if got, err := p.Admit("b"); err == nil {
			t.Fatalf("admitted %v to a full pool", got)
		}
		hangUp()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("Do: %v", err)
		}
		if got := fill(t, p, "b"); len(got) != 1 {
			t.Errorf("%d places were free, want 1", len(got))
		}
		if err := tickets[0].Do(t.Context(), func() {}); !errors.Is(err, password.ErrTicket) {
			t.Errorf("Do after hanging up: %v", err)
		}
		if err := tickets[1].Do(ctx, func() { t.Error("ran after hanging up") }); !errors.Is(err, context.Canceled) {
			t.Errorf("Do with an ended context: %v", err)
		}
		tickets[0].Release()
		tickets[1].Release()
		if got := fill(t, p, "b"); len(got) != 1 {
			t.Errorf("%d places were free, want 1", len(got))
		}
		time.Sleep(2 * time.Second) // the one in front ends, and nobody takes the worker
		if got := stats(p); !strings.HasPrefix(got, "1 workers, 0 running") {
			t.Errorf("stats: %s", got)
		}
	})
}

// Contexts end at the very moment at which workers become free.
func TestHangingUpWhenAWorkerComesLosesNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := password.NewPool(password.PoolOptions{Workers: 2, MaxWait: time.Hour})
		var wg sync.WaitGroup
		for i := range 200 {
			ticket := admit(t, p, fmt.Sprint(i%3))
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*time.Millisecond)
			wg.Go(func() {
				defer cancel()
				defer ticket.Release()
				_ = ticket.Do(ctx, job(time.Millisecond))
			})
		}
		wg.Wait()
		if got := stats(p); got != "2 workers, 0 running, 0 waiting" {
			t.Errorf("stats: %s", got)
		}
	})
}

func TestClientsAreServedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := password.NewPool(password.PoolOptions{Workers: 1, MaxWait: time.Hour})
		var wg sync.WaitGroup
		var order []string
		queue := []string{"a1", "a2", "a3", "a4", "b1", "b2", "c1"}
		for _, name := range queue {
			ticket := admit(t, p, name[:1])
			wg.Go(func() {
				defer ticket.Release()
				_ = ticket.Do(t.Context(), func() {
					order = append(order, name)
					time.Sleep(time.Millisecond)
				})
			})
			synctest.Wait() // queued in this order
		}
		wg.Wait()
		want := []string{"a1", "a2", "b1", "c1", "a3", "b2", "a4"}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

func TestFloodDoesNotStarveOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const cost, maxWait = 50 * time.Millisecond, 500 * time.Millisecond
		p := password.NewPool(password.PoolOptions{Workers: 2, MaxWait: maxWait, Cost: cost})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		flooded := 0
		wg.Go(func() {
			for ctx.Err() == nil {
				for {
					ticket, err := p.Admit("flood")
					if err != nil {
						break
					}
					flooded++
					wg.Go(func() {
						defer ticket.Release()
						_ = ticket.Do(t.Context(), job(cost))
					})
				}
				time.Sleep(time.Millisecond)
			}
		})
		synctest.Wait()
		for i := range 100 {
			start := time.Now()
			ticket, err := p.Admit("quiet")
			if err != nil {
				t.Fatalf("login %d: %v", i, err)
			}
			var waited time.Duration
			if err := ticket.Do(t.Context(), func() { waited = time.Since(start); time.Sleep(cost) }); err != nil {
				t.Fatal(err)
			}
			ticket.Release()
			if waited > 2*cost {
				t.Errorf("login %d waited %v behind the flood", i, waited)
			}
		}
		stop()
		wg.Wait()
		if flooded < 100 {
			t.Errorf("only %d of the flood were served", flooded)
		}
	})
}

func TestQueueIsSharedEqually(t *testing.T) {
	p := password.NewPool(password.PoolOptions{Workers: 2, MaxWait: 500 * time.Millisecond, Cost: 10 * time.Millisecond})
	var got []int
	a := fill(t, p, "a")
	b := fill(t, p, "b")
	c := fill(t, p, "c")
	got = append(got, len(a), len(b), len(c))
	release(a)
	again := fill(t, p, "a")
	got = append(got, len(again))
	// 101 places: alone all of them, the second a half, the third a third, and
	// who comes back no more than that.
	if diff := cmp.Diff([]int{101, 50, 33, 34}, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestPanicIsTheCallersAndTheWorkerLives(t *testing.T) {
	p := password.NewPool(password.PoolOptions{Workers: 1})
	ticket := admit(t, p, "a")
	func() {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("recovered %v", got)
			}
		}()
		_ = ticket.Do(t.Context(), func() { panic("boom") })
	}()
	if got := stats(p); got != "1 workers, 0 running, 1 waiting" {
		t.Errorf("stats: %s", got)
	}
	ran := false
	if err := ticket.Do(t.Context(), func() { ran = true }); err != nil || !ran {
		t.Errorf("the next job: %t, %v", ran, err)
	}
}

func TestTicketIsForOneGoroutineUntilReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := password.NewPool(password.PoolOptions{Workers: 1})
		ticket := admit(t, p, "a")
		go func() { _ = ticket.Do(t.Context(), job(time.Second)) }()
		synctest.Wait()
		if err := ticket.Do(t.Context(), func() {}); !errors.Is(err, password.ErrTicket) {
			t.Errorf("Do during Do: %v", err)
		}
		ticket.Release()
		if got := stats(p); got != "1 workers, 1 running, 0 waiting" {
			t.Errorf("released while it runs: %s", got)
		}
		time.Sleep(2 * time.Second)
		if got := stats(p); got != "1 workers, 0 running, 0 waiting" {
			t.Errorf("after its job: %s", got)
		}
		if err := ticket.Do(t.Context(), func() {}); !errors.Is(err, password.ErrTicket) {
			t.Errorf("Do after Release: %v", err)
		}
	})
}

func TestCloseEndsWaitingAndLetsRunningFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := password.NewPool(password.PoolOptions{Workers: 1})
		idle, front, behind := admit(t, p, "a"), admit(t, p, "a"), admit(t, p, "b")
		finished := false
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := front.Do(t.Context(), func() { time.Sleep(time.Second); finished = true }); err != nil {
				t.Errorf("running: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if err := behind.Do(t.Context(), func() { t.Error("ran after Close") }); !errors.Is(err, password.ErrClosed) {
				t.Errorf("waiting: %v", err)
			}
		})
		synctest.Wait()
		p.Close()
		if !finished {
			t.Error("Close returned while a job ran")
		}
		wg.Wait()
		p.Close()
		if _, err := p.Admit("a"); !errors.Is(err, password.ErrClosed) {
			t.Errorf("Admit: %v", err)
		}
		if err := idle.Do(t.Context(), func() { t.Error("ran after Close") }); !errors.Is(err, password.ErrClosed) {
			t.Errorf("Do: %v", err)
		}
		release([]*password.Ticket{idle, front, behind, idle})
		if got := stats(p); got != "1 workers, 0 running, 0 waiting" {
			t.Errorf("stats: %s", got)
		}
	})
}

func TestPoolIsSafeForConcurrentUse(t *testing.T) {
	p := password.NewPool(password.PoolOptions{Workers: 2, MaxWait: time.Hour, MaxTickets: 8 * 200}) // releases may come late
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				ticket, err := p.Admit(fmt.Sprint(i % 3))
				if err != nil {
					t.Error(err)
					return
				}
				ctx, cancel := context.WithCancel(context.Background())
				if j%3 == 0 {
					go cancel()
				}
				_ = ticket.Do(ctx, func() {})
				go ticket.Release()
				cancel()
				p.Stats()
			}
		})
	}
	wg.Wait()
	p.Close()
}
