package ropcd_test

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/ropcd/ropcd/pkg/ropcd"
)

func TestTheContainersMemoryLimitIsKept(t *testing.T) {
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetMemoryLimit(limit); debug.SetGCPercent(percent) })
	for _, name := range []string{"GOMEMLIMIT", "AUTOMEMLIMIT"} {
		t.Setenv(name, "") // is put back
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	const container, taken = 10 << 30, 9 << 30
	ropcd.TuneMemory(container)
	if got := debug.SetMemoryLimit(-1); got != taken {
		t.Errorf("the limit is %d, want nine tenths of %d", got, int64(container))
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	ropcd.TuneMemory(container / 2)
	if got := debug.SetMemoryLimit(-1); got != taken {
		t.Errorf("the limit is %d: that of the environment has not won", got)
	}
}
