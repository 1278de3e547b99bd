package redis

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"
)

// The modes of [Options].
const (
	ModeSingle   = "single"
	ModeSentinel = "sentinel"
	ModeCluster  = "cluster"
)

// Commands are those that an ACL must allow: "-@all", then each of these behind a plus. Keys begin with the prefix and a
// colon.
var Commands = []string{
	"hello", "auth", "select", "ping", "info", "time", "wait", "evalsha", "eval", "scan", "cluster|slots", "cluster|shards", "asking",
	"exists", "get", "set", "setrange", "incr", "unlink", "pttl", "pexpire", "pexpireat", "persist",
	"hget", "hgetall", "hset", "hdel", "zadd", "zrange", "zrem", "zremrangebyscore", "zcount",
}

const (
	defaultPrefix  = "ropcd"
	defaultTimeout = 300 * time.Millisecond
	maxPrefix      = 64
)

// Options say which Redis to use, and how. Only Addrs has no usable zero value.
type Options struct {
	Mode     string   // ModeSingle if empty
	Addrs    []string // host:port; the server, the sentinels, or any nodes of the cluster
	Username string
	Password string
	DB       int         // 0 in a cluster
	TLS      *tls.Config // nil: plain TCP. Sentinels are asked in the same way
	Sentinel Sentinel

	KeyPrefix     string        // of every key, without braces; "ropcd" if empty
	Timeout       time.Duration // of each call, retries included; 300 ms if 0
	PoolSize      int           // connections to each server, at most; 0: ten per core
	WaitReplicas  int           // how many replicas must confirm a revocation, a refresh or a failure before it is acknowledged
	AllowEviction bool          // serve although Redis may evict keys that have a life
	Logger        *slog.Logger  // slog.Default if nil

	// StrangersKey decides, so that nobody outside can tell, which account of attempts a name that belongs to nobody has.
	// All processes need the same one. If empty, it is a random one of this process, whose strangers are then counted
	// apart from those of others.
	StrangersKey []byte
}

// Sentinel says which group to ask the sentinels for.
type Sentinel struct {
	MasterName string
	Username   string // of the sentinels themselves
	Password   string
}

// complete is the options with their defaults, or why they are impossible.
func (o Options) complete() (Options, error) {
	if o.Mode == "" {
		o.Mode = ModeSingle
	}
	if o.KeyPrefix == "" {
		o.KeyPrefix = defaultPrefix
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.PoolSize == 0 {
		o.PoolSize = 10 * runtime.GOMAXPROCS(0)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if len(o.StrangersKey) == 0 {
		o.StrangersKey = make([]byte, 32)
		_, _ = rand.Read(o.StrangersKey) // never fails, see crypto/rand
	}
	if err := o.check(); err != nil {
		return o, fmt.Errorf("redis options: %w", err)
	}
	return o, nil
}

func (o Options) check() error {
	switch {
	case o.Mode != ModeSingle && o.Mode != ModeSentinel && o.Mode != ModeCluster:
		return fmt.Errorf("mode %q is not one of %q, %q, %q", o.Mode, ModeSingle, ModeSentinel, ModeCluster)
	case len(o.Addrs) == 0:
		return errors.New("no address")
	case o.Mode == ModeSingle && len(o.Addrs) != 1:
		return fmt.Errorf("%d addresses for a single server", len(o.Addrs))
	case (o.Mode == ModeSentinel) != (o.Sentinel.MasterName != ""):
		return errors.New("a master name is for mode sentinel, which needs one")
	case o.DB < 0, o.Mode == ModeCluster && o.DB != 0:
		return fmt.Errorf("no database %d in mode %s", o.DB, o.Mode)
	case strings.ContainsAny(o.KeyPrefix, "{}") || len(o.KeyPrefix) > maxPrefix:
		return fmt.Errorf("a key prefix has no braces and at most %d bytes", maxPrefix)
	case o.Timeout < 0 || o.WaitReplicas < 0 || o.PoolSize < 0:
		return errors.New("a negative timeout, number of replicas or number of connections")
	}
	return nil
}
