package nodes

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// outage is for how long a service that failed counts as failing.
const outage = 5 * time.Second

// health knows whether the service failed when it was asked last. The zero value is usable. Safe for concurrent use.
type health struct{ last atomic.Pointer[failure] }

type failure struct {
	err  error
	took time.Duration
	at   time.Time
}

// note remembers how a question ended. That its caller has gone says nothing of the service.
func (h *health) note(ctx context.Context, start time.Time, err error) {
	switch {
	case err == nil:
		h.last.Store(nil)
	case !errors.Is(ctx.Err(), context.Canceled):
		now := time.Now()
		h.last.Store(&failure{err: err, took: now.Sub(start), at: now})
	}
}

// failure is that of the last question, as long as it is recent; else nil.
func (h *health) failure() *failure {
	f := h.last.Load()
	if f == nil || time.Since(f.at) > outage {
		return nil
	}
	return f
}
