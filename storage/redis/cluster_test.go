package redis_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
	"github.com/ropcd/ropcd/storage/storagetest"
)

func TestClusterKeepsTheContract(t *testing.T) {
	addrs := redistest.StartCluster(t, 0).Addrs()
	on := func(o *redis.Options) { o.Mode, o.Addrs = redis.ModeCluster, addrs }
	s := open(t, "", on)
	ok(t, "ready", s.Ready(t.Context()))
	for _, c := range storagetest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if err := c.Check(s); err != nil {
				t.Errorf("%v\nrule: %s", err, c.Rule)
			}
		})
	}
}

func TestClusterAsksTheKeysOwnMasterToWait(t *testing.T) {
	addrs := redistest.StartCluster(t, 0).Addrs()
	s := open(t, "", func(o *redis.Options) {
		o.Mode, o.Addrs, o.WaitReplicas, o.Timeout = redis.ModeCluster, addrs[:1], 1, 3*time.Second // WAIT takes two thirds of it
	})
	var calls sync.WaitGroup
	for _, c := range []string{"a", "b", "c", "d", "e", "f"} {
		calls.Go(func() {
			err := s.EndRealm(t.Context(), "/"+c)
			if err == nil || !strings.Contains(err.Error(), "0 of 1 replicas") {
				t.Errorf("no replica, and the answer is %v", err)
			}
		})
	}
	calls.Wait()
	for _, addr := range addrs {
		stats, err := raw(t, addr).InfoMap(t.Context(), "commandstats").Result()
		ok(t, "info", err)
		incr, wait := calledTimes(stats["Commandstats"]["cmdstat_incr"]), calledTimes(stats["Commandstats"]["cmdstat_wait"])
		if incr != wait {
			t.Errorf("%s was told to increment %s times and to wait %s times", addr, incr, wait)
		}
	}
}

// A master that hangs tells nobody that another one has taken its place, so the map of slots is read while all seems well.
func TestClusterMapIsReadAgain(t *testing.T) {
	addrs := redistest.StartCluster(t, 0).Addrs()
	s := open(t, "", func(o *redis.Options) { o.Mode, o.Addrs = redis.ModeCluster, addrs[:1] })
	until(t, "it was read again and again", func() bool {
		_, err := s.UserByName(t.Context(), alpha, "nobody")
		calls := 0
		for _, addr := range addrs {
			stats, _ := raw(t, addr).InfoMap(t.Context(), "commandstats").Result()
			n, _ := strconv.Atoi(calledTimes(stats["Commandstats"]["cmdstat_cluster|slots"]))
			calls += n
		}
		return errors.Is(err, storage.ErrNotFound) && calls >= 5
	})
}

// calledTimes is the number in "calls=3,usec=...".
func calledTimes(stat string) string {
	calls, _, _ := strings.Cut(strings.TrimPrefix(stat, "calls="), ",")
	return calls
}
