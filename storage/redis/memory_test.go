package redis_test

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// TestMemoryPerGrant measures what a live grant costs, index included: with ROPCD_SOAK set over 50,000 grants, else over
// fewer. The record and the 4 bytes of a string round up to the allocator's next step: these are in that of 192, and one
// of up to 220 bytes, in that of 224, still keeps within the limits.
func TestMemoryPerGrant(t *testing.T) {
	grants := 4000
	if os.Getenv("ROPCD_SOAK") != "" {
		grants = 50_000
	}
	for _, row := range []struct{ each, most int }{{10, 400}, {1, 560}} {
		t.Run(fmt.Sprintf("%d an owner", row.each), func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			s := open(t, server.Addr(), prefix("ropcd"))
			var names []string
			for i := range grants / row.each {
				names = append(names, fmt.Sprintf("user-%06d", i))
			}
			each(names, func(name string) { addUser(t, s, name) })
			fill(t, s, names[0]) // loads the scripts
			before := memoryWithout(t, server, s)
			s = open(t, server.Addr(), prefix("ropcd"))
			each(names, func(name string) {
				for range row.each {
					fill(t, s, name)
				}
			})
			per := (memoryWithout(t, server, s) - before) / grants
			t.Logf("%d bytes a grant at %d grants an owner, over %d", per, row.each, grants)
			if per > row.most {
				t.Errorf("%d bytes a grant, at most %d", per, row.most)
			}
		})
	}
}

// fill logs in, with the grant refreshed once, as most are.
func fill(t *testing.T, s *redis.Store, name string) {
	g := login(t, s, name)
	out, err := s.Refresh(t.Context(), refreshStep(g))
	if err != nil || out.Outcome != storage.RefreshDone {
		t.Errorf("refresh: %v %v", out.Outcome, err)
	}
}

func each(names []string, f func(string)) {
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < len(names); i += 8 {
				f(names[i])
			}
		})
	}
	wg.Wait()
}

// memoryWithout is what a server has allocated when the store has gone, with its connections' buffers, and so have the marks
// of its writes: for ten seconds they cost more than the grants.
func memoryWithout(t *testing.T, server *redistest.Server, s *redis.Store) int {
	t.Helper()
	ok(t, "close", s.Close())
	c, ctx := raw(t, server.Addr()), t.Context()
	for keys := c.Scan(ctx, 0, "*}:n:*", 10_000).Iterator(); keys.Next(ctx); {
		ok(t, "del", c.Del(ctx, keys.Val()).Err())
	}
	info, err := c.InfoMap(ctx, "memory").Result()
	ok(t, "info", err)
	ok(t, "close", c.Close())
	number := func(name string) int {
		n, err := strconv.Atoi(info["Memory"][name])
		ok(t, name, err)
		return n
	}
	return number("used_memory") - number("mem_clients_normal")
}
