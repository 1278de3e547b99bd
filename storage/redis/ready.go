package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
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
	errEvicting = &Problem{
		Found: "maxmemory-policy is not noeviction: keys may be evicted",
		Todo:  "CONFIG SET maxmemory-policy noeviction, and in redis.conf",
	}
	errReplica = &Problem{
		Found: "the server is a replica", Todo: "name its master in storage.redis.addrs, or set storage.redis.mode to sentinel",
	}
	errNode = &Problem{
		Found: "the server is a node of a cluster", Todo: "set storage.redis.mode to cluster",
	}
	errSentinel = &Problem{
		Found: "the server is a sentinel", Todo: "set storage.redis.mode to sentinel and storage.redis.sentinel.master_name",
	}
)

// oldest is the oldest version of Redis that is good enough.
const oldest = 7

// sections are those of INFO that tell whether a server may be used.
var sections = []string{"server", "memory", "replication"}

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
	within, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	evicting := false
	err := s.masters(within, func(c goredis.Cmdable) error {
		if err := c.Ping(within).Err(); err != nil {
			return err
		}
		e, err := s.examine(c.Info(within, sections...).Result())
		evicting = evicting || e
		return err
	})
	if err != nil {
		return s.diagnose(ctx, err)
	}
	s.health.evicting.Store(evicting)
	if evicting {
		return errEvicting
	}
	if err := s.permitted(within, s.keys.probe()); err != nil {
		return err
	}
	return s.sign(within)
}

// permitted is nil when a write is taken at the key's server, and all that scripts do is allowed.
func (s *Store) permitted(ctx context.Context, key string) error {
	commands, keys, err := s.denied(ctx, key)
	switch {
	case err != nil:
		return s.diagnose(ctx, err)
	case keys:
		return s.forbidden("")
	case len(commands) > 0:
		return s.missing(commands...)
	}
	return nil
}

// denied are the commands of scripts that an ACL does not allow, and whether it does not allow the key.
func (s *Store) denied(ctx context.Context, key string) (commands []string, keys bool, err error) {
	reply, err := s.run(ctx, permissionsScript, []string{key}, millis(probeLife))
	if err != nil {
		return nil, false, err
	}
	denied, ok := reply.([]any)
	if !ok {
		return nil, false, errReply
	}
	for _, d := range denied {
		command, err := text(d)
		if err != nil {
			return nil, false, err
		}
		if command == "keys" {
			keys = true
			continue
		}
		commands = append(commands, command)
	}
	return commands, keys, nil
}

// greet looks at the server behind a new connection.
func (s *Store) greet(ctx context.Context, cn *goredis.Conn) error {
	info, err := cn.Info(ctx, sections...).Result()
	if err != nil && strings.Contains(err.Error(), "syntax error") { // before 7.0, INFO has one section
		info, err = cn.Info(ctx, "server").Result()
	}
	evicting, err := s.examine(info, err)
	if evicting {
		s.health.evicting.Store(true)
	}
	return err
}

// examine reads a server's INFO: whether it evicts although it may not, and an error when it must not be used.
func (s *Store) examine(info string, err error) (evicting bool, _ error) {
	var refusal goredis.Error
	switch {
	case errors.As(err, &refusal) && !goredis.IsLoadingError(err) && !goredis.HasErrorPrefix(err, "NOAUTH"):
		s.health.unreadable.Do(func() {
			s.log.Warn("cannot read the server's maxmemory-policy: it must be noeviction", "error", err)
		})
		return false, nil
	case err != nil:
		return false, err
	}
	if err := s.suitable(info); err != nil {
		return false, err
	}
	policy := field(info, "maxmemory_policy")
	return policy != "" && policy != "noeviction" && !s.opts.AllowEviction, nil
}

// suitable refuses a server that is too old, or another one than the mode says.
func (s *Store) suitable(info string) error {
	version := field(info, "redis_version")
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	mode := cmp.Or(field(info, "redis_mode"), field(info, "server_mode")) // Valkey has either
	switch {
	case err == nil && n < oldest:
		return &Problem{Found: "the server is Redis " + version, Todo: fmt.Sprintf("it must be %d.0 or newer, or Valkey", oldest)}
	case mode == "sentinel" && s.opts.Mode == ModeSentinel: // one of those that are asked for the master
		return nil
	case mode == "sentinel":
		return errSentinel
	case s.opts.Mode == ModeCluster:
		return nil
	case mode == "cluster":
		return errNode
	case field(info, "role") == "slave":
		return errReplica
	}
	return nil
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
