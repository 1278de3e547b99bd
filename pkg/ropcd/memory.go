package ropcd

import (
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// gcPercent is how much garbage, in percent of what is in use, is left lying before it is collected. Each hash of
// argon2id leaves its memory behind, 19 MiB by default, so that Go's own 100 would collect at every second one.
const gcPercent = 400

// tuneMemory trades memory for fewer collections, up to nine tenths of what the container may have. The environment's GOGC
// and GOMEMLIMIT win.
func tuneMemory(log *slog.Logger) { tuneMemoryTo(memlimit.FromCgroup, log) }

// tuneMemoryTo is tuneMemory with what tells the container's limit.
func tuneMemoryTo(container memlimit.Provider, log *slog.Logger) {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	if _, err := memlimit.Set(memlimit.WithProvider(container)); err != nil {
		log.Debug("no memory limit of a container is known", "error", err)
	}
}
