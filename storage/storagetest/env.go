package storagetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ropcd/ropcd/storage"
)

// env is what a case works with: the store, a deadline and a realm that nobody else uses. Its methods stop the case when
// what they expect does not hold.
type env struct {
	storage.Store
	ctx   context.Context
	realm string
}

func unique() string { return strings.ToLower(rand.Text()[:16]) }

func (e *env) fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// ok stops the case when err is not nil.
func (e *env) ok(what string, err error) {
	if err != nil {
		e.fatalf("%s: %v", what, err)
	}
}

// is stops the case when err is not the wanted one.
func (e *env) is(what string, err, want error) {
	if !errors.Is(err, want) {
		e.fatalf("%s: error %v, want %v", what, err, want)
	}
}

// equal stops the case when two values differ; nil and empty lists and maps are the same.
func (e *env) equal(what string, got, want any) {
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		e.fatalf("%s (-want +got):\n%s", what, d)
	}
}

func (e *env) that(what string, holds bool) {
	if !holds {
		e.fatalf("%s: it is not so", what)
	}
}

// until polls until cond holds, and stops the case when it does not within the time.
func (e *env) until(what string, within time.Duration, cond func() bool) {
	end := time.Now().Add(within)
	for !cond() {
		if time.Now().After(end) {
			e.fatalf("%s: not within %v", what, within)
		}
		time.Sleep(time.Millisecond)
	}
}

// past waits until a moment of the store's clock is over; r knows that clock.
func (e *env) past(r storage.Reservation, t time.Time) {
	e.until("the clock goes on", 10*time.Second, func() bool { return r.Clock().After(t.Add(2 * time.Millisecond)) })
}

// parallel calls f n times at once, and stops the case with the first failure when all have returned.
func (e *env) parallel(n int, f func(i int)) {
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = e.run(func(*env) { f(i) })
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			panic(failure{err})
		}
	}
}

// in is the same store seen from another realm.
func (e *env) in(realmKey string) *env {
	other := *e
	other.realm = realmKey
	return &other
}
