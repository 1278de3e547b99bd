package provider_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// newClients is a Clients on a fake store.
func newClients(t *testing.T, s *store, static ...*realm.Client) (*provider.Clients, *atomic.Pointer[provider.Realms]) {
	var current atomic.Pointer[provider.Realms]
	current.Store(realms(t, static...))
	return &provider.Clients{Store: s, Realms: &current}, &current
}

func lookup(t *testing.T, c *provider.Clients, id string) *realm.Client {
	t.Helper()
	client, err := c.Lookup(t.Context(), "/alpha", id)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestLookupRemembersForOneSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		c, _ := newClients(t, s)
		old := confidential("c", "secret")
		s.put(old)
		lookup(t, c, "c")
		changed := old
		changed.Enabled = false
		s.put(changed)
		time.Sleep(time.Second)
		if !lookup(t, c, "c").Enabled || s.reads.Load() != 1 {
			t.Errorf("forgotten early: %d reads", s.reads.Load())
		}
		time.Sleep(time.Nanosecond)
		if lookup(t, c, "c").Enabled || s.reads.Load() != 2 {
			t.Errorf("remembered too long: %d reads", s.reads.Load())
		}
	})
}

func TestLookupDoesNotRememberWhatIsNotThere(t *testing.T) {
	s := &store{}
	c, _ := newClients(t, s)
	if _, err := c.Lookup(t.Context(), "/alpha", "c"); !errors.Is(err, storage.ErrNotFound) {
		t.Fatal(err)
	}
	s.put(confidential("c", "secret"))
	lookup(t, c, "c")
	if _, err := c.Lookup(t.Context(), "/beta", "c"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("found in another realm: %v", err)
	}
}

func TestLookupDoesNotRememberAFault(t *testing.T) {
	s := &store{}
	c, _ := newClients(t, s)
	s.put(confidential("c", "secret"))
	s.fail(storage.ErrUnavailable)
	if _, err := c.Lookup(t.Context(), "/alpha", "c"); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatal(err)
	}
	s.fail(nil)
	lookup(t, c, "c")
}

// The second is one of the truth, not of grace: when it is over and the store is away, that is a fault.
func TestLookupDoesNotServeTheOldWhenTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		c, _ := newClients(t, s)
		s.put(confidential("c", "secret"))
		lookup(t, c, "c")
		s.fail(storage.ErrUnavailable)
		time.Sleep(time.Second + 1)
		if _, err := c.Lookup(t.Context(), "/alpha", "c"); !errors.Is(err, storage.ErrUnavailable) {
			t.Error(err)
		}
	})
}

func TestForgetIsAtOnce(t *testing.T) {
	s := &store{}
	c, _ := newClients(t, s)
	s.put(confidential("c", "secret"))
	s.put(confidential("other", "secret"))
	lookup(t, c, "c")
	lookup(t, c, "other")
	c.Forget("/beta", "c")
	c.Forget("/alpha", "c")
	lookup(t, c, "c")
	lookup(t, c, "other")
	if s.reads.Load() != 3 {
		t.Errorf("%d reads", s.reads.Load())
	}
}

func TestStaticClientWinsUntilItIsRemoved(t *testing.T) {
	s := &store{}
	static := &realm.Client{Realm: "/alpha", ID: "c", Static: true, Enabled: true}
	c, current := newClients(t, s, static)
	s.put(confidential("c", "stored"))
	if got := lookup(t, c, "c"); got != static || s.reads.Load() != 0 {
		t.Errorf("got %+v, %d reads", got, s.reads.Load())
	}
	if _, err := c.Lookup(t.Context(), "/beta", "c"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("in another realm: %v", err)
	}
	current.Store(realms(t))
	if got := lookup(t, c, "c"); got.Static {
		t.Error("removed, and still there")
	}
}

func TestLookupMemoryIsBounded(t *testing.T) {
	s := &store{}
	c, _ := newClients(t, s)
	for i := range 10001 {
		id := fmt.Sprintf("c%d", i)
		s.put(confidential(id, "secret"))
		lookup(t, c, id)
	}
	before := s.reads.Load()
	lookup(t, c, "c0")
	if s.reads.Load() == before {
		t.Error("the first of 10001 is still remembered")
	}
}

func TestSwapUnderLoad(t *testing.T) {
	static := confidential("static", "secret")
	s := newSite(t, &static)
	s.store.put(confidential("stored", "secret"))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, id := range []string{"static", "stored"} {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := s.login(t, "/alpha", id, "secret"); err != nil {
					t.Errorf("%s: %v", id, err)
					return
				}
			}
		})
	}
	for range 50 {
		s.Swap(realms(t, &static))
	}
	close(done)
	wg.Wait()
	gone := realms(t)
	s.Swap(gone)
	if s.Current() != gone {
		t.Error("another snapshot is current")
	}
	if err := s.login(t, "/alpha", "static", "secret"); !errors.Is(err, provider.ErrInvalidClient) {
		t.Errorf("a static client that was removed: %v", err)
	}
}
