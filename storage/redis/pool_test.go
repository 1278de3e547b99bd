package redis_test

import (
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

func TestCallsShareAsManyConnectionsAsThereMayBe(t *testing.T) {
	s := open(t, redistest.Start(t).Addr(), timeout(20*time.Second), func(o *redis.Options) { o.PoolSize = 1 })
	addUser(t, s, "alice")
	g := login(t, s, "alice")
	var calls sync.WaitGroup
	for range 100 {
		calls.Go(func() {
			_, err := s.Inspect(t.Context(), g.ID)
			ok(t, "inspect", err)
		})
	}
	calls.Wait()
	if c := s.Connections(); c.Open != 1 || c.Idle != 1 || c.Waited == 0 || c.TimedOut != 0 {
		t.Errorf("%+v, want one connection that was waited for", c)
	}
}
