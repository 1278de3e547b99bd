package redis_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
	"github.com/ropcd/ropcd/storage/storagetest"
)

// patient is the timeout where a test is not about slowness: a busy machine must not fail it.
const patient = 5 * time.Second

// open makes a store with keys of its own on a server.
func open(t testing.TB, addr string, change ...func(*redis.Options)) *redis.Store {
	t.Helper()
	o := redis.Options{
		Addrs: []string{addr}, KeyPrefix: "t-" + strings.ToLower(rand.Text()[:8]), Timeout: patient,
		Logger: slog.New(slog.DiscardHandler), StrangersKey: []byte("a key that all processes share"),
	}
	for _, f := range change {
		f(&o)
	}
	s, err := redis.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func prefix(p string) func(*redis.Options) { return func(o *redis.Options) { o.KeyPrefix = p } }

// raw is a client that sees what is there.
func raw(t testing.TB, addr string) *goredis.Client {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: addr, DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestStoreKeepsTheContract(t *testing.T) {
	server := redistest.Start(t)
	remembers := timeout(600 * time.Millisecond) // a longer one leaves no time to remember epochs
	n := 0
	storagetest.Run(t, func(t *testing.T) storage.Store {
		n++
		return open(t, server.Addr(), prefix("contract"+strings.Repeat("x", n)), remembers)
	}, storagetest.Options{
		Second: func(t *testing.T) storage.Store { return open(t, server.Addr(), prefix("contractx"), remembers) },
		Reopen: func(t *testing.T, s storage.Store) storage.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, server.Addr(), prefix("contract"+strings.Repeat("x", n)), remembers)
		},
		Plant: func(t *testing.T, s storage.Store, id storage.GrantID, record []byte) {
			if err := s.(*redis.Store).SetGrant(t.Context(), id, record); err != nil {
				t.Fatal(err)
			}
		},
		Clock: func(t *testing.T) (storage.Store, func(time.Duration)) {
			s, clock := open(t, server.Addr()), &otherClock{}
			s.AddHook(hook{command: clock.command})
			return s, func(by time.Duration) { clock.ahead.Store(int64(by.Seconds())) }
		},
	})
}

// otherClock is a server whose clock is some seconds ahead: TIME is replaced in each script. Only scripts read the time, and
// the lives of keys stay those of the real clock, which is behind.
type otherClock struct{ ahead atomic.Int64 }

func (c *otherClock) command(ctx context.Context, cmd goredis.Cmder, next goredis.ProcessHook) error {
	switch args := cmd.Args(); cmd.Name() {
	case "evalsha": // so that the whole script comes
		cmd.SetErr(goredis.ErrNoScript)
		return goredis.ErrNoScript
	case "eval":
		script := args[1].(string)
		if strings.Contains(script, "'TIME'") && !strings.Contains(script, readsTime) {
			return errors.New("the script reads the time in another way")
		}
		args[1] = fmt.Sprintf("local function other_clock() local t = %s return {t[1] + %d, t[2]} end\n", readsTime, c.ahead.Load()) +
			strings.ReplaceAll(script, readsTime, "other_clock()")
	}
	return next(ctx, cmd)
}

const readsTime = "redis.call('TIME')"
