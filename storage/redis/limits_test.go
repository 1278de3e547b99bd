package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

func decide(t *testing.T, s *redis.Store, charges ...storage.Charge) storage.Verdict {
	t.Helper()
	v, err := s.Charge(t.Context(), charges...)
	ok(t, "charge", err)
	return v
}

func TestKeysOfLimitsNameNobody(t *testing.T) {
	server := redistest.Start(t)
	c, s := raw(t, server.Addr()), open(t, server.Addr())
	names := append([]string{strings.Repeat("x", 10000)}, hostile...)
	for _, name := range names {
		for _, charge := range []storage.Charge{
			{Layer: storage.LayerAddress, Realm: alpha, Party: "of " + name},
			{Layer: storage.LayerUserClient, Realm: alpha, Party: clientID, Username: "of " + name},
		} {
			charge.Limit = realm.Limit{Requests: 1, Per: time.Hour}
			if decide(t, s, charge).Refused() {
				t.Errorf("%q shares a limit", name)
			}
		}
	}
	keys, err := c.Keys(t.Context(), "*").Result()
	ok(t, "keys", err)
	if len(keys) != 2*len(names) {
		t.Errorf("%d keys for %d limits", len(keys), 2*len(names))
	}
	for _, k := range keys {
		v, err := c.Get(t.Context(), k).Result()
		ok(t, "get", err)
		if strings.Contains(k, "of ") || len(k) > 80 || len(v) != 15 {
			t.Errorf("key %q holds %q", k, v)
		}
	}
}

func TestLimitIsNoLongerThereWhenAllItsPlacesAreFree(t *testing.T) {
	server := redistest.Start(t)
	c, s := raw(t, server.Addr()), open(t, server.Addr())
	client, user, address := limits()
	client.Limit.Per = 100 * time.Millisecond
	decide(t, s, client)
	until(t, "its key has gone", func() bool { return c.DBSize(t.Context()).Val() == 0 })
	address.Limit.Requests = 1
	decide(t, s, address)
	if !decide(t, s, user, address).Refused() {
		t.Fatal("allowed")
	}
	until(t, "a place that was given back leaves no key", func() bool { return c.DBSize(t.Context()).Val() == 1 })
}

func TestDamagedLimitIsNoticed(t *testing.T) {
	server := redistest.Start(t)
	c, s := raw(t, server.Addr()), open(t, server.Addr())
	client, _, address := limits()
	decide(t, s, client)
	key := c.Keys(t.Context(), "*").Val()[0]
	for what, spoil := range map[string]func() error{
		"garbage":    func() error { return c.Set(t.Context(), key, "garbage", 0).Err() },
		"wrong type": func() error { c.Del(t.Context(), key); return c.RPush(t.Context(), key, "x").Err() },
	} {
		ok(t, what, spoil())
		for _, charges := range [][]storage.Charge{{client}, {client, address}} {
			if _, err := s.Charge(t.Context(), charges...); !errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("%s: error %v, want ErrDamaged", what, err)
			}
		}
	}
}

func TestReplyOfNoScriptDecidesNoLimit(t *testing.T) {
	client, _, address := limits()
	for _, reply := range []string{
		":7\r\n", "$-1\r\n", "*0\r\n", "*2\r\n:0\r\n:9\r\n", "*2\r\n:1\r\n:0\r\n", "*2\r\n:9\r\n:9\r\n", "*2\r\n:-1\r\n:0\r\n", "+OK\r\n",
	} {
		s := open(t, stub(t, reply), timeout(250*time.Millisecond))
		for _, charges := range [][]storage.Charge{{client}, {client, address}} {
			if _, err := s.Charge(t.Context(), charges...); !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("%q: %v", reply, err)
			}
		}
	}
}

func TestLimitsOfSeveralPartiesHoldWhenScriptsAreFlushed(t *testing.T) {
	server := redistest.Start(t)
	c, s := raw(t, server.Addr()), open(t, server.Addr())
	client, user, address := limits()
	for i, want := range []bool{false, false, true} {
		ok(t, "flush", c.ScriptFlush(t.Context()).Err())
		if got := decide(t, s, client, user, address).Refused(); got != want {
			t.Errorf("request %d: refused %v", i+1, got)
		}
	}
}

// A process that has seen a refusal asks no more until it ends; one that has not seen it asks once.
func TestFloodOverALimitCostsNoRoundTrips(t *testing.T) {
	server := redistest.Start(t)
	first, second := open(t, server.Addr(), prefix("p")), open(t, server.Addr(), prefix("p"))
	client, user, _ := limits()
	for range 3 {
		decide(t, first, client, user)
	}
	for _, s := range []*redis.Store{first, second} {
		ok(t, "connect", s.Ready(t.Context()))
		c := &counter{}
		s.AddHook(c.hook())
		asked := c.of(func() {
			for range 100 {
				if !decide(t, s, client, user).Refused() {
					t.Fatal("allowed")
				}
			}
		})
		if want := map[*redis.Store]int{first: 0, second: 1}[s]; asked != want {
			t.Errorf("%d round trips, want %d", asked, want)
		}
	}
}

// What is beyond a limit because processes don't know each other's refusals is counted, and waited for.
func TestProcessesThatDontKnowTogetherKeepTheRate(t *testing.T) {
	server := redistest.Start(t)
	_, _, c := limits()
	c.Limit, c.Mode = realm.Limit{Requests: 4, Per: 400 * time.Millisecond}, storage.Count
	start := time.Now()
	var failures atomic.Int32
	var processes sync.WaitGroup
	for range 4 {
		s := open(t, server.Addr(), prefix("p"))
		processes.Go(func() {
			for time.Since(start) < 2*time.Second && t.Context().Err() == nil {
				if v := s.Known(c); v.Refused() {
					time.Sleep(min(v.Retry, 5*time.Millisecond)) // as who asks again and again
					continue
				}
				failures.Add(1)
				if _, err := s.Charge(t.Context(), c); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	processes.Wait()
	took := time.Since(start)
	if most := int32(4 + 4 + 4 + took/(100*time.Millisecond)); failures.Load() > most {
		t.Errorf("%d failures in %v, at most %d", failures.Load(), took, most)
	}
}

func TestRefusalsRememberedAreBounded(t *testing.T) {
	s := open(t, stub(t, "*2\r\n:1\r\n:60000000\r\n"))
	for i := range redis.MaxRefusals + 100 {
		_, _, c := limits()
		c.Party = fmt.Sprint(i)
		decide(t, s, c)
		if !s.Known(c).Refused() {
			t.Fatal("the newest is not known")
		}
	}
	if n := s.Refusals(); n != redis.MaxRefusals {
		t.Errorf("%d refusals remembered", n)
	}
}

// A pipeline whose one half fails is a fault as a whole.
func TestFaultOfOnePartyIsAFault(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr())
	client, _, address := limits()
	decide(t, s, client, address)
	s.AddHook(failing{})
	if _, err := s.Charge(t.Context(), client, address); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
}

// failing spoils the last command of each pipeline.
type failing struct{ hook }

func (failing) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		err := next(ctx, cmds)
		cmds[len(cmds)-1].SetErr(errors.New("READONLY"))
		return err
	}
}
