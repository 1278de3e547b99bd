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
// fewer. Its limits keep the cost from growing. The aim is 400 and 560 bytes: it needs a record of at most 218 bytes (the
// allocator's step below 224) where storage makes 274 of these fields.
func TestMemoryPerGrant(t *testing.T) {
	grants := 4000
	if os.Getenv("ROPCD_SOAK") != "" {
		grants = 50_000
	}
	for _, row := range []struct{ each, most int }{{10, 530}, {1, 700}} {
		t.Run(fmt.Sprintf("%d an owner", row.each), func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			s := open(t, server.Addr(), prefix("ropcd"))
			var names []string
			for i := range grants / row.each {
				names = append(names, fmt.Sprintf("user-%06d", i))
			}
			each(names, func(name string) { addUser(t, s, name) })
			login(t, s, names[0])
			before := usedMemory(t, server)
			each(names, func(name string) {
				for range row.each {
					fill(t, s, name)
				}
			})
			per := (usedMemory(t, server) - before) / grants
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

// usedMemory is all that the server has allocated but for its clients' buffers.
func usedMemory(t *testing.T, server *redistest.Server) int {
	t.Helper()
	info, err := raw(t, server.Addr()).InfoMap(t.Context(), "memory").Result()
	ok(t, "info", err)
	number := func(name string) int {
		n, err := strconv.Atoi(info["Memory"][name])
		ok(t, name, err)
		return n
	}
	return number("used_memory") - number("mem_clients_normal")
}
