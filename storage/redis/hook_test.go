package redis_test

import (
	"context"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

// hook is a goredis.Hook made of two functions, each of which may be nil. exchange is one round trip.
type hook struct {
	command func(ctx context.Context, cmd goredis.Cmder, next goredis.ProcessHook) error
	seen    func(cmds []goredis.Cmder)
}

func (h hook) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (h hook) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if h.seen != nil {
			h.seen([]goredis.Cmder{cmd})
		}
		if h.command != nil {
			return h.command(ctx, cmd, next)
		}
		return next(ctx, cmd)
	}
}

func (h hook) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		if h.seen != nil {
			h.seen(cmds)
		}
		return next(ctx, cmds)
	}
}

// counter counts round trips.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) hook() goredis.Hook {
	return hook{seen: func([]goredis.Cmder) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.n++
	}}
}

// of is how many round trips f made.
func (c *counter) of(f func()) int {
	c.mu.Lock()
	before := c.n
	c.mu.Unlock()
	f()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n - before
}
