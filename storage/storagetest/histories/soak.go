package histories

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// soak is how long Test goes on when the environment has ROPCD_SOAK.
const soak = time.Minute

// Test is [Run] from a test: once, or with ROPCD_SOAK in the environment for a minute, with one seed after the other. The
// first seed is that of ROPCD_SEED or, without one, of the time. It is in the test's log, and in each failure.
func Test(t *testing.T, views []storage.Store, o Options) {
	t.Helper()
	o = o.complete()
	o.Seed = seed(t)
	end := time.Now()
	if os.Getenv("ROPCD_SOAK") != "" {
		o.Owners *= 4
		end = end.Add(soak)
	}
	var total Summary
	for again := true; again; again = time.Now().Before(end) {
		s, err := Run(t.Context(), views, o)
		if err != nil {
			t.Fatalf("%v\nThe same choices again: ROPCD_SEED=%d", err, o.Seed)
		}
		total.join(s)
		o.Seed++
	}
	t.Logf("seeds to %d: %v", o.Seed-1, total)
}

func seed(t *testing.T) uint64 {
	t.Helper()
	v := os.Getenv("ROPCD_SEED")
	if v == "" {
		return uint64(time.Now().Unix())
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		t.Fatalf("ROPCD_SEED: %v", err)
	}
	return n
}
