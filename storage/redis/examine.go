package redis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
)

var _ storage.Examiner = (*Store)(nil)

// maxSkew is how far a server's clock may be from ours.
const maxSkew = time.Second

// examination is one run of Examine. It ends at the first report that nobody wants.
type examination struct {
	*Store
	ctx    context.Context
	repair bool
	tell   func(storage.Finding) bool
	over   bool
	unwell bool // the connection has failed
}

func (x *examination) report(level storage.Level, check, found, todo string) {
	if !x.over && !x.tell(storage.Finding{Level: level, Check: check, Found: found, Todo: todo}) {
		x.over = true
	}
}

func (x *examination) ok(check, found string) { x.report(storage.LevelOK, check, found, "") }

// Examine implements [storage.Examiner]. It looks at every key under the prefix.
func (s *Store) Examine(ctx context.Context, repair bool) iter.Seq[storage.Finding] {
	return func(yield func(storage.Finding) bool) {
		x := &examination{Store: s, ctx: ctx, repair: repair, tell: yield}
		if !x.connected() {
			return
		}
		x.encrypted()
		x.permissions()
		x.secrets()
		if err := s.masters(ctx, x.server); err != nil {
			x.failed("servers", err)
			return
		}
		x.contents()
	}
}

// failed reports an error that ends a check.
func (x *examination) failed(check string, err error) {
	var p *Problem
	if errors.As(x.diagnose(x.ctx, err), &p) {
		x.report(storage.LevelFail, check, p.Found, p.Todo)
		return
	}
	x.report(storage.LevelFail, check, "could not be looked at: "+err.Error(), "see whether Redis is well, and try again")
}

// connected reports what keeps the store from being used, and whether it makes sense to look further.
func (x *examination) connected() bool {
	err := x.check(x.ctx)
	if err == nil {
		x.ok("connection", "each master answers and takes writes")
		return true
	}
	x.unwell = true
	x.failed("connection", err)
	return x.masters(x.ctx, func(c goredis.Cmdable) error { return c.Ping(x.ctx).Err() }) == nil && !x.over
}

// secrets tells whether the process that looked before has the same system secret.
func (x *examination) secrets() {
	switch {
	case x.signer.mark == "", x.unwell: // nobody has looked
	case x.signer.unlike.Load():
		x.report(storage.LevelWarn, "system secrets", "another process of this store signs with another system secret", unlikeTodo)
	default:
		x.ok("system secrets", "the process that looked last signs with the same one")
	}
}

// encrypted looks at what crosses the network in clear.
func (x *examination) encrypted() {
	if x.opts.TLS != nil {
		x.ok("tls", "the connection is encrypted")
		return
	}
	for _, addr := range x.opts.Addrs {
		host, _, _ := net.SplitHostPort(addr)
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			x.report(storage.LevelWarn, "tls", "password hashes and grants go to "+addr+" unencrypted",
				"give Redis a tls-port and set storage.redis.tls.enabled")
			return
		}
	}
	x.ok("tls", "off, and Redis is on this machine")
}

// permissions tries all that is sent, in scripts and outside of them. It says nothing where the connection has said why
// nothing can be tried.
func (x *examination) permissions() {
	key := x.keys.probe()
	ctx, cancel := context.WithTimeout(x.ctx, x.opts.Timeout)
	defer cancel()
	denied, keys, err := x.denied(ctx, key)
	if err != nil && !strings.Contains(err.Error(), "NOPERM") {
		if !x.unwell {
			x.failed("permissions", err)
		}
		return
	}
	for _, command := range x.outside(key) {
		err := x.rdb.Do(ctx, command...).Err()
		switch m := ofCommand.FindStringSubmatch(fmt.Sprint(err)); {
		case m != nil:
			denied = append(denied, m[1])
		case err != nil && strings.Contains(err.Error(), "NOPERM"):
			keys = true
		}
	}
	slices.Sort(denied)
	var found, todo []string
	if len(denied) > 0 {
		p := x.missing(slices.Compact(denied)...)
		found, todo = append(found, p.Found), append(todo, p.Todo)
	}
	if keys {
		p := x.forbidden("")
		found, todo = append(found, p.Found), append(todo, p.Todo)
	}
	if len(found) > 0 {
		x.report(storage.LevelFail, "permissions", strings.Join(found, "; "), strings.Join(todo, "; "))
		return
	}
	x.ok("permissions", "all commands that are sent are allowed")
}

// outside are the commands that are sent outside of scripts, so that nothing comes of them.
func (x *examination) outside(key string) [][]any {
	commands := [][]any{
		{"eval", "return 1", 1, key}, {"evalsha", strings.Repeat("0", 40), 1, key}, {"wait", 0, 1},
		{"scan", 0, "match", key, "count", 1}, {"info", "server"}, {"time"},
	}
	if x.opts.Mode == ModeCluster {
		commands = append(commands, []any{"cluster", "slots"}, []any{"cluster", "shards"}, []any{"asking"})
	}
	return commands
}

// server looks at the settings of one master.
func (x *examination) server(c goredis.Cmdable) error {
	ctx, cancel := context.WithTimeout(x.ctx, x.opts.Timeout)
	defer cancel()
	info, err := c.Info(ctx, "server", "memory", "replication", "persistence").Result()
	if err != nil {
		if goredis.HasErrorPrefix(err, "NOPERM") {
			return nil // reported with the permissions
		}
		return err
	}
	at := ""
	if node, ok := c.(*goredis.Client); ok && x.opts.Mode == ModeCluster {
		at = " of the master at " + node.Options().Addr
	}
	x.ok("version"+at, "Redis "+field(info, "redis_version"))
	x.policy(at, info)
	x.persistence(at, info)
	x.replicas(at, info)
	return x.clock(ctx, at, c)
}

func (x *examination) policy(at, info string) {
	switch policy := field(info, "maxmemory_policy"); {
	case policy == "noeviction":
		x.ok("eviction"+at, "maxmemory-policy noeviction")
	case x.opts.AllowEviction:
		x.report(storage.LevelWarn, "eviction"+at, "maxmemory-policy "+policy+" may forget locks and revocations, and allow_eviction permits it", errEvicting.Todo)
	default:
		x.report(storage.LevelFail, "eviction"+at, "maxmemory-policy "+policy+" may forget locks and revocations", errEvicting.Todo)
	}
}

func (x *examination) persistence(at, info string) {
	check := "persistence" + at
	switch {
	case field(info, "aof_enabled") == "1" && field(info, "aof_last_write_status") != "ok":
		x.report(storage.LevelFail, check, "the last write to the append only file failed", "see the log of Redis, and make room on its disk")
	case field(info, "aof_enabled") == "1":
		x.ok(check, "appendonly yes")
	case field(info, "rdb_last_bgsave_status") == "err":
		x.report(storage.LevelFail, check, "the last snapshot failed", "see the log of Redis, make room on its disk, and set appendonly yes")
	default:
		x.report(storage.LevelWarn, check, "appendonly is off: a restart forgets what came after the last snapshot, if any, also locks and revocations",
			"CONFIG SET appendonly yes, and in redis.conf")
	}
}

func (x *examination) replicas(at, info string) {
	check, n := "replicas"+at, 0
	if v, err := strconv.Atoi(field(info, "connected_slaves")); err == nil {
		n = v
	}
	found := fmt.Sprintf("%d connected, wait_replicas is %d", n, x.opts.WaitReplicas)
	guarded := field(info, "min_slaves_good_slaves") != "" // INFO has it only where min-replicas-to-write is set
	switch {
	case n < x.opts.WaitReplicas:
		x.report(storage.LevelFail, check, found+": revocations and refreshes are not confirmed", "bring the replicas back, or lower storage.redis.wait_replicas")
	case n == 0 && x.opts.Mode != ModeSingle:
		x.report(storage.LevelWarn, check, found+": nobody can take over", "add a replica")
	case n > 0 && !guarded:
		x.report(storage.LevelWarn, check, found+", min-replicas-to-write is 0: a master that is cut off takes writes that will be lost",
			"CONFIG SET min-replicas-to-write 1, and in redis.conf of all")
	case n > 0:
		x.ok(check, found+", min-replicas-to-write is set")
	default:
		x.ok(check, found)
	}
}

func (x *examination) clock(ctx context.Context, at string, c goredis.Cmdable) error {
	before := time.Now()
	theirs, err := c.Time(ctx).Result()
	if err != nil {
		if goredis.HasErrorPrefix(err, "NOPERM") {
			return nil // reported with the permissions
		}
		return err
	}
	after := time.Now()
	skew := max(before.Sub(theirs), theirs.Sub(after), 0).Truncate(time.Millisecond)
	if skew > maxSkew {
		x.report(storage.LevelWarn, "clock"+at, fmt.Sprintf("the server's clock is %s from ours", skew), "let both machines keep time (NTP)")
		return nil
	}
	x.ok("clock"+at, "agrees with ours")
	return nil
}
