package password_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
)

// Who waits for a directory keeps nobody out, and is hashed afterwards however full the pool is by then.
func TestAwayTicketsDoNotCount(t *testing.T) {
	p := password.NewPool(password.PoolOptions{Workers: 1, MaxTickets: 11, Cost: time.Nanosecond})
	defer p.Close()
	var away []*password.Ticket
	back := make(chan struct{})
	var wg sync.WaitGroup
	for range 10 {
		ticket, err := p.Admit("a")
		if err != nil {
			t.Fatalf("after %d that are away: %v", len(away), err)
		}
		away = append(away, ticket)
		gone := make(chan struct{})
		wg.Go(func() {
			ticket.Away(func() {
				close(gone)
				<-back
			})
			if err := ticket.Do(context.Background(), func() {}); err != nil {
				t.Error(err)
			}
		})
		<-gone
	}
	for range 11 {
		if _, err := p.Admit("b"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Admit("b"); !errors.Is(err, password.ErrBusy) {
		t.Errorf("a twelfth ticket: %v", err)
	}
	close(back)
	wg.Wait()
	for _, ticket := range away {
		ticket.Release()
	}
	if _, running, waiting := p.Stats(); running != 0 || waiting != 11 {
		t.Errorf("%d running, %d waiting", running, waiting)
	}
}

// The attack: many logins that wait on a directory, which holds what each of them holds.
func TestNotManyAreAway(t *testing.T) {
	p := password.NewPool(password.PoolOptions{Workers: 8, MaxTickets: 5, MaxAway: 3})
	defer p.Close()
	back := make(chan struct{})
	var wg sync.WaitGroup
	leave := func(client string, n int) {
		t.Helper()
		for range n {
			ticket, err := p.Admit(client)
			if err != nil {
				t.Fatal(err)
			}
			gone := make(chan struct{})
			wg.Go(func() {
				defer ticket.Release()
				ticket.Away(func() {
					close(gone)
					<-back
				})
			})
			<-gone
		}
	}
	leave("a", 3)
	if _, err := p.Admit("a"); !errors.Is(err, password.ErrBusy) {
		t.Errorf("one client's fourth: %v", err)
	}
	leave("b", 2)
	if _, err := p.Admit("c"); !errors.Is(err, password.ErrBusy) {
		t.Errorf("the sixth of all: %v", err)
	}
	close(back)
	wg.Wait()
	for _, client := range []string{"a", "b", "c"} {
		ticket, err := p.Admit(client)
		if err != nil {
			t.Fatalf("%s, when all are back: %v", client, err)
		}
		ticket.Release()
	}
}

// A ticket that is released while it is away, or is not idle, counts no more and no less.
func TestAwayAndRelease(t *testing.T) {
	p := password.NewPool(password.PoolOptions{Workers: 1})
	defer p.Close()
	ticket, err := p.Admit("a")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	ticket.Away(func() {
		ticket.Away(func() { ran++ })
		if err := ticket.Do(t.Context(), func() { ran++ }); !errors.Is(err, password.ErrTicket) {
			t.Errorf("Do of a ticket that is away: %v", err)
		}
		ticket.Release()
	})
	ticket.Away(func() { ran++ })
	ticket.Release()
	if _, running, waiting := p.Stats(); running+waiting != 0 || ran != 2 {
		t.Errorf("%d running, %d waiting, %d ran", running, waiting, ran)
	}
}
