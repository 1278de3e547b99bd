package directory_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ropcd/ropcd/pkg/directory"
)

// pipes makes connections to servers that say nothing.
type pipes struct {
	servers map[string]*directory.Server
	ends    []net.Conn
}

func (p *pipes) connect(server string) *directory.Conn {
	here, there := net.Pipe()
	p.ends = append(p.ends, there)
	return directory.NewConn(here, p.servers, server)
}

func (p *pipes) close() {
	for _, end := range p.ends {
		_ = end.Close()
	}
}

func TestPoolClosesWhatNobodyUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := &pipes{servers: map[string]*directory.Server{}}
		defer made.close()
		pool := directory.NewPool(4)
		defer pool.Close()
		old, young := made.connect("a"), made.connect("a")
		pool.Keep(old)
		time.Sleep(directory.IdleLimit / 2)
		pool.Keep(young)
		time.Sleep(directory.IdleLimit/2 - 1)
		synctest.Wait()
		if old.IsClosing() {
			t.Error("closed too early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if !old.IsClosing() || young.IsClosing() {
			t.Errorf("after the limit: old closed %v, young closed %v", old.IsClosing(), young.IsClosing())
		}
		time.Sleep(directory.IdleLimit / 2)
		synctest.Wait()
		if !young.IsClosing() {
			t.Error("the young one is never closed")
		}
	})
}

func TestPoolAnswersLivingConnectionsOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := &pipes{servers: map[string]*directory.Server{}}
		defer made.close()
		pool := directory.NewPool(4)
		defer pool.Close()
		first, broken, other := made.connect("a"), made.connect("a"), made.connect("b")
		pool.Keep(first)
		pool.Keep(broken)
		pool.Keep(other)
		_ = made.ends[1].Close()
		synctest.Wait()
		if got := pool.Take(made.servers["a"]); got != first {
			t.Error("the one that lives is not taken")
		}
		if got := pool.Take(made.servers["a"]); got != nil {
			t.Error("one is taken that should not be there")
		}
		if synctest.Wait(); !other.IsClosing() {
			t.Error("there is a new connection, and none of another server has made room for it")
		}
	})
}

func TestPoolMakesOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := directory.NewPool(1)
		if err := pool.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := pool.Enter(ctx)
		if !errors.Is(err, directory.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		pool.Leave()
		if err := pool.Enter(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestClosedPoolKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := &pipes{servers: map[string]*directory.Server{}}
		defer made.close()
		pool := directory.NewPool(2)
		kept, used := made.connect("a"), made.connect("a")
		pool.Keep(kept)
		pool.Close()
		pool.Close() // again
		pool.Keep(used)
		synctest.Wait()
		if !kept.IsClosing() || !used.IsClosing() {
			t.Errorf("kept closed %v, used closed %v", kept.IsClosing(), used.IsClosing())
		}
		for range 5 {
			if err := pool.Enter(t.Context()); !errors.Is(err, directory.ErrUnavailable) {
				t.Errorf("enter: %v", err)
			}
		}
	})
}
