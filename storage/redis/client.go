package redis

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// How go-redis repeats a command within Options.Timeout.
const (
	maxRetries = 2
	minBackoff = 8 * time.Millisecond
	maxBackoff = 64 * time.Millisecond
)

// mapLife is how old the map of a cluster's slots may be. A master that hangs refuses nobody, so that only a newer map tells
// that another one has taken its place.
const mapLife = time.Second

// connect makes the client for the mode. It dials nothing yet. onConnect runs on each new connection, before any other
// command.
//
// Not goredis.NewUniversalClient: given two addresses it makes a cluster client, silently.
func connect(o Options, onConnect func(context.Context, *goredis.Conn) error) goredis.UniversalClient {
	off := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch o.Mode {
	case ModeSentinel:
		return goredis.NewFailoverClient(&goredis.FailoverOptions{
			MasterName: o.Sentinel.MasterName, SentinelAddrs: o.Addrs,
			SentinelUsername: o.Sentinel.Username, SentinelPassword: o.Sentinel.Password,
			Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLS,
			Protocol: 2, OnConnect: onConnect,
			MaxRetries: maxRetries, MinRetryBackoff: minBackoff, MaxRetryBackoff: maxBackoff,
			DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout, PoolSize: o.PoolSize,
			DialerRetries: 1, PipelinePoolSize: -1, ContextTimeoutEnabled: true, DisableIdentity: true,
		})
	case ModeCluster:
		return goredis.NewClusterClient(&goredis.ClusterOptions{
			Addrs: o.Addrs, Username: o.Username, Password: o.Password, TLSConfig: o.TLS,
			Protocol: 2, OnConnect: onConnect, MaintNotificationsConfig: off,
			MaxRedirects: maxRetries + 1, MinRetryBackoff: minBackoff, MaxRetryBackoff: maxBackoff,
			DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout, PoolSize: o.PoolSize,
			DialerRetries: 1, PipelinePoolSize: -1, ContextTimeoutEnabled: true, DisableIdentity: true,
			DisableRoutingPolicies:     true, // by key alone, without asking for COMMAND
			ClusterStateReloadInterval: mapLife,
		})
	}
	return goredis.NewClient(&goredis.Options{
		Addr: o.Addrs[0], Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLS,
		Protocol: 2, OnConnect: onConnect, MaintNotificationsConfig: off,
		MaxRetries: maxRetries, MinRetryBackoff: minBackoff, MaxRetryBackoff: maxBackoff,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, PoolTimeout: o.Timeout, PoolSize: o.PoolSize,
		DialerRetries: 1, PipelinePoolSize: -1, ContextTimeoutEnabled: true, DisableIdentity: true,
	})
}

// masters calls f with the client of the one master, or of each, one after the other, until f fails.
func (s *Store) masters(ctx context.Context, f func(goredis.Cmdable) error) error {
	cluster, ok := s.rdb.(*goredis.ClusterClient)
	if !ok {
		return f(s.rdb)
	}
	all, err := eachMaster(ctx, cluster)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}

// eachMaster are the clients of a cluster's masters, in the order of their addresses.
func eachMaster(ctx context.Context, cluster *goredis.ClusterClient) (all []*goredis.Client, err error) {
	var mu sync.Mutex
	err = cluster.ForEachMaster(ctx, func(_ context.Context, c *goredis.Client) error { // each on a goroutine of its own
		mu.Lock()
		defer mu.Unlock()
		all = append(all, c)
		return nil
	})
	slices.SortFunc(all, func(a, b *goredis.Client) int { return strings.Compare(a.Options().Addr, b.Options().Addr) })
	return all, err
}
