package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
)

// readyLife is how long Ready's answer holds.
const readyLife = time.Second

// health is what is known of the servers.
type health struct {
	evicting   atomic.Bool // and Options do not allow it
	unreadable sync.Once

	mu  sync.Mutex
	at  time.Time // of the last check
	err error     // of the last check
}

var (
	errEvicting = fmt.Errorf("%w: maxmemory-policy is not noeviction: keys may be evicted", storage.ErrUnavailable)
	errReplica  = fmt.Errorf("%w: the server is a replica", storage.ErrUnavailable)
)

// Ready tells why grants cannot be served now, or nil: each master answers and evicts nothing, and a write is taken. The
// answer may be a second old.
func (s *Store) Ready(ctx context.Context) error {
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) < readyLife {
		return h.err
	}
	err := s.check(ctx)
	if ctx.Err() == nil { // else it says more about the caller than about the servers
		h.at, h.err = time.Now(), err
	}
	return err
}

func (s *Store) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	evicting := false
	err := s.masters(ctx, func(c goredis.Cmdable) error {
		if err := c.Ping(ctx).Err(); err != nil {
			return err
		}
		e, err := s.examine(c.Info(ctx, "memory", "replication").Result())
		evicting = evicting || e
		return err
	})
	if err != nil {
		return fault(err)
	}
	s.health.evicting.Store(evicting)
	if evicting {
		return errEvicting
	}
	return fault(s.rdb.Set(ctx, s.keys.probe(), "", probeLife).Err())
}

// greet looks at the server behind a new connection.
func (s *Store) greet(ctx context.Context, cn *goredis.Conn) error {
	evicting, err := s.examine(cn.Info(ctx, "memory", "replication").Result())
	if evicting {
		s.health.evicting.Store(true)
	}
	return err
}

// examine reads a server's INFO: whether it evicts although it may not, and an error when it must not be used.
func (s *Store) examine(info string, err error) (evicting bool, _ error) {
	var refusal goredis.Error
	switch {
	case errors.As(err, &refusal) && !goredis.IsLoadingError(err):
		s.health.unreadable.Do(func() {
			s.log.Warn("cannot read the server's maxmemory-policy: it must be noeviction", "error", err)
		})
		return false, nil
	case err != nil:
		return false, err
	case s.opts.Mode != ModeCluster && field(info, "role") == "slave":
		return false, errReplica
	}
	policy := field(info, "maxmemory_policy")
	return policy != "" && policy != "noeviction" && !s.opts.AllowEviction, nil
}

// field is a value in INFO's text, empty if there is none.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// serving is nil unless an evicting server was seen, and still evicts.
func (s *Store) serving(ctx context.Context) error {
	if !s.health.evicting.Load() {
		return nil
	}
	_ = s.Ready(ctx) // looks again, once a second
	if s.health.evicting.Load() {
		return errEvicting
	}
	return nil
}
