package redistest_test

import (
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage/redis/redistest"
)

func client(t *testing.T, s *redistest.Server) *goredis.Client {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: s.Addr(), DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// digitsSlot is that of the key 123456789, see Redis's own specification.
const digitsSlot = 0x31c3

func TestClusterPromotesAReplica(t *testing.T) {
	c := redistest.StartCluster(t, 1, redistest.Timeout(time.Second)...)
	master, replica := client(t, c.Masters[2]), client(t, c.Replicas[2][0])
	if err := master.Set(t.Context(), "123456789", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := master.Wait(t.Context(), 1, 10*time.Second).Result(); n != 1 {
		t.Fatalf("%d replicas have it: %v", n, err)
	}
	c.Masters[2].Kill()
	c.Failover(2)
	if got, err := replica.Get(t.Context(), "123456789").Result(); got != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestClusterMovesSlotsWithTheirKeys(t *testing.T) {
	c := redistest.StartCluster(t, 0)
	if err := client(t, c.Masters[2]).Set(t.Context(), "123456789", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	full := c.Slots(2, 10)
	if len(full) != 1 || full[0] != digitsSlot {
		t.Fatalf("slots with keys: %v", full)
	}
	c.Migrate(2, 0, full...)
	if got, err := client(t, c.Masters[0]).Get(t.Context(), "123456789").Result(); got != "kept" {
		t.Errorf("%q, %v", got, err)
	}
	if left := c.Slots(2, 10); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestGroupPromotesAReplica(t *testing.T) {
	g := redistest.StartGroup(t, 1, 500*time.Millisecond)
	g.Master.Kill()
	g.Failover()
	if err := client(t, g.Replicas[0]).Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Errorf("the promoted replica: %v", err)
	}
}
