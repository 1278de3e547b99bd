package redis_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/childtest"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// diagnosed checks that Ready says what is wrong and what to do, as a fault of the store, and that it tells no password.
func diagnosed(t *testing.T, s *redis.Store, found, todo string) {
	t.Helper()
	var p *redis.Problem
	switch err := s.Ready(t.Context()); {
	case !errors.As(err, &p) || !errors.Is(err, storage.ErrUnavailable):
		t.Errorf("no problem that is known: %v; want %q", err, found)
	case !strings.Contains(p.Found, found) || !strings.Contains(p.Todo, todo):
		t.Errorf("found %q, to do %q; want %q, %q", p.Found, p.Todo, found, todo)
	case strings.Contains(err.Error(), "canary"):
		t.Errorf("a secret is told: %v", err)
	}
}

func mode(m string) func(*redis.Options) {
	return func(o *redis.Options) {
		o.Mode = m
		if m == redis.ModeSentinel {
			o.Sentinel.MasterName = "mine"
		}
	}
}

func as(user, password string) func(*redis.Options) {
	return func(o *redis.Options) { o.Username, o.Password = user, password }
}

// sentinel starts one that watches a master under the name "mine", with more lines of its configuration.
func sentinel(t *testing.T, master string, more ...string) string {
	t.Helper()
	host, port, _ := strings.Cut(master, ":")
	var own string
	childtest.Start(t, func() error {
		own = childtest.FreePort(t)
		conf := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor mine %s %s 1\n", own, filepath.Dir(conf), host, port) +
			strings.Join(more, "\n") + "\n"
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			return err
		}
		child := &childtest.Child{}
		t.Cleanup(child.Kill)
		return child.Run(exec.Command("redis-server", conf, "--sentinel"), func() bool {
			err := raw(t, "127.0.0.1:"+own).Ping(t.Context()).Err()
			return err == nil || strings.HasPrefix(err.Error(), "NOAUTH")
		})
	})
	return "127.0.0.1:" + own
}

func TestSentinelFindsTheMaster(t *testing.T) {
	master := redistest.Start(t)
	s := open(t, sentinel(t, master.Addr()), mode(redis.ModeSentinel))
	ok(t, "ready", s.Ready(t.Context()))
	everything(t, s)
}

func TestSentinelsHavePasswordsOfTheirOwn(t *testing.T) {
	master := redistest.Start(t, "--requirepass", "right-canary")
	addr := sentinel(t, master.Addr(), "requirepass watch-canary", "sentinel auth-pass mine right-canary")
	with := func(sentinel, password string) *redis.Store {
		return open(t, addr, mode(redis.ModeSentinel), as("", password), func(o *redis.Options) { o.Sentinel.Password = sentinel })
	}
	ok(t, "ready", with("watch-canary", "right-canary").Ready(t.Context()))
	diagnosed(t, with("", "right-canary"), "sentinels: the server wants a password", "storage.redis.sentinel.password_file")
	diagnosed(t, with("wrong-canary", "right-canary"), "sentinels: the server refuses", "storage.redis.sentinel.username")
	diagnosed(t, with("watch-canary", "wrong-canary"), "the server refuses", "storage.redis.username")
}

func TestWrongModesAreNamed(t *testing.T) {
	plain, node := redistest.Start(t), redistest.Start(t, "--cluster-enabled", "yes")
	watching := sentinel(t, plain.Addr())
	host, port, _ := strings.Cut(plain.Addr(), ":")
	replica := redistest.Start(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")
	diagnosed(t, open(t, node.Addr()), "node of a cluster", "mode to cluster")
	diagnosed(t, open(t, plain.Addr(), mode(redis.ModeCluster)), "no node of a cluster", "mode to single")
	diagnosed(t, open(t, node.Addr(), mode(redis.ModeCluster)), "not serve all slots", "CLUSTER INFO")
	diagnosed(t, open(t, plain.Addr(), mode(redis.ModeSentinel)), "no sentinel", "mode to single")
	diagnosed(t, open(t, watching), "is a sentinel", "mode to sentinel")
	diagnosed(t, open(t, watching, mode(redis.ModeCluster)), "sentinel", "mode to sentinel")
	diagnosed(t, open(t, watching, mode(redis.ModeSentinel), func(o *redis.Options) { o.Sentinel.MasterName = "other" }),
		"know no master of this name", "SENTINEL MASTERS")
	until(t, "the replica has its data", func() bool {
		info, err := raw(t, replica.Addr()).Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up")
	})
	diagnosed(t, open(t, replica.Addr()), "is a replica", "name its master")
}

func TestWhatIsNoRedisIsNamed(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	tlsWeb := httptest.NewTLSServer(http.NotFoundHandler())
	defer tlsWeb.Close()
	addr := strings.TrimPrefix(web.URL, "http://")
	gone := "127.0.0.1:" + childtest.FreePort(t)
	for _, m := range []string{redis.ModeSingle, redis.ModeSentinel, redis.ModeCluster} {
		diagnosed(t, open(t, addr, mode(m)), "is no Redis", "addrs")
		diagnosed(t, open(t, gone, mode(m)), "no server answers", "whether it runs")
	}
	diagnosed(t, open(t, strings.TrimPrefix(tlsWeb.URL, "https://"), over(tlsWeb.Client().Transport.(*http.Transport).TLSClientConfig)),
		"is no Redis", "addrs")
	diagnosed(t, open(t, silent(t), timeout(300*time.Millisecond)), "does not answer", "hangs")
}

// silent listens and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	ok(t, "listen", err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// An old server takes one section of INFO, and says its version there.
func TestVersionTooOldIsNamed(t *testing.T) {
	addr := answering(t, func(command string) string {
		switch command {
		case "info server memory replication":
			return "-ERR syntax error\r\n"
		case "info server":
			text := "# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n"
			return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text)
		case "ping":
			return "+PONG\r\n"
		}
		return "-ERR unknown command\r\n"
	})
	diagnosed(t, open(t, addr), "Redis 6.2.14", "7.0 or newer")
}

func TestWrongCredentialsAreNamed(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "right-canary")
	diagnosed(t, open(t, server.Addr()), "wants a password", "password_file")
	for _, m := range []string{redis.ModeSingle, redis.ModeCluster} {
		diagnosed(t, open(t, server.Addr(), mode(m), as("", "wrong-canary")), "refuses the user name or the password", "ACL LIST")
		diagnosed(t, open(t, server.Addr(), mode(m), as("nobody", "right-canary")), "refuses the user name or the password", "ACL LIST")
	}
}

func TestMissingPermissionsAreNamed(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	n := 0
	// user makes one that may do all that is needed, with more rules.
	user := func(keys string, more ...any) func(*redis.Options) {
		n++
		name := fmt.Sprint("user", n)
		rules := []any{"acl", "setuser", name, "on", ">canary", keys, "-@all"}
		for _, command := range redis.Commands {
			rules = append(rules, "+"+command)
		}
		ok(t, "acl", c.Do(t.Context(), append(rules, more...)...).Err())
		return as(name, "canary")
	}
	ok(t, "all", open(t, server.Addr(), prefix("mine"), user("~mine:*")).Ready(t.Context()))
	diagnosed(t, open(t, server.Addr(), prefix("mine"), user("~theirs:*")), "keys that begin with mine:", "~mine:*")
	for _, command := range []string{
		"ping", "evalsha", "set", "get", "exists", "setrange", "incr", "unlink", "pttl", "pexpire", "pexpireat", "persist", "hget",
		"hgetall", "hset", "hdel", "zadd", "zrange", "zrem", "zremrangebyscore", "time",
	} {
		diagnosed(t, open(t, server.Addr(), prefix("mine"), user("~mine:*", "-"+command)), command, "+"+command)
	}
	diagnosed(t, open(t, server.Addr(), prefix("mine"), user("~mine:*", "-hget", "-zrem")), "hget, zrem", "+hget +zrem")
}

func TestStateOfTheServerIsNamed(t *testing.T) {
	server := redistest.Start(t, "--maxmemory-policy", "allkeys-lru")
	diagnosed(t, open(t, server.Addr()), "maxmemory-policy is not noeviction", "CONFIG SET maxmemory-policy")
	diagnosed(t, open(t, redistest.Start(t, "--maxmemory", "1").Addr()), "memory is full", "maxmemory")
	diagnosed(t, open(t, redistest.Start(t, "--min-replicas-to-write", "1").Addr()), "fewer replicas", "replicas back")
}
