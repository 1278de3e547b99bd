package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// MasterName is what the sentinels of a Group call their master.
const MasterName = "redistest"

// Group is a master with replicas, and three sentinels that watch them. All are killed when their test ends. Its methods
// may be called from one goroutine at a time.
type Group struct {
	t         testing.TB
	Master    *Server // as it began
	Replicas  []*Server
	Sentinels []*Server
}

// StartGroup runs a group with so many replicas, and waits until the replicas follow and the sentinels know each other and
// them. A master that is silent for so long is taken for dead.
func StartGroup(t testing.TB, replicas int, silent time.Duration, args ...string) *Group {
	t.Helper()
	g := &Group{t: t, Master: Start(t, args...)}
	for range replicas {
		r := Start(t, append([]string{"--replicaof", "127.0.0.1 " + g.Master.port}, args...)...)
		g.Replicas = append(g.Replicas, r)
		until(t, "the replica follows", r.follows)
	}
	for range 3 {
		g.Sentinels = append(g.Sentinels, startSentinel(t, g.Master, silent))
	}
	for _, s := range g.Sentinels {
		until(t, "the sentinels agree", func() bool {
			return s.says([]string{fmt.Sprintf("status=ok,address=%s,slaves=%d,sentinels=3", g.Master.Addr(), replicas)}, "info", "sentinel")
		})
	}
	return g
}

// startSentinel runs a sentinel. It keeps what it learns in its configuration file.
func startSentinel(t testing.TB, master *Server, silent time.Duration) *Server {
	t.Helper()
	return start(t, func(s *Server) []string {
		file := filepath.Join(s.dir, "sentinel.conf")
		text := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]s 2\nsentinel down-after-milliseconds %[1]s %[3]d\n"+
			"sentinel failover-timeout %[1]s %[4]d\n", MasterName, master.port, silent.Milliseconds(), 10*silent.Milliseconds())
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{file, "--sentinel", "--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir}
	})
}

// Addrs are those of the sentinels.
func (g *Group) Addrs() []string {
	var addrs []string
	for _, s := range g.Sentinels {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}

// Failover waits until a replica is the master, all sentinels say so, and the other replicas follow it. The first master
// must be dead, or look like it.
func (g *Group) Failover() {
	g.t.Helper()
	master := promoted(g.t, g.Replicas)
	for _, s := range g.Sentinels {
		until(g.t, "the sentinels switch", func() bool { return s.says([]string{"address=" + master.Addr()}, "info", "sentinel") })
	}
	following(g.t, master, g.Replicas)
}

// promoted waits until one of the replicas is a master.
func promoted(t testing.TB, replicas []*Server) (master *Server) {
	t.Helper()
	until(t, "a replica is promoted", func() bool {
		for _, r := range replicas {
			if r.says([]string{"role:master"}, "info", "replication") {
				master = r
			}
		}
		return master != nil
	})
	return master
}

// following waits until the replicas follow the one that was promoted.
func following(t testing.TB, master *Server, replicas []*Server) {
	t.Helper()
	for _, r := range replicas {
		until(t, "the other replicas follow", func() bool {
			return r == master || (r.follows() && r.says([]string{"master_port:" + master.port}, "info", "replication"))
		})
	}
}

// follows reports whether the server is a replica that has what its master has.
func (s *Server) follows() bool {
	return s.says([]string{"master_link_status:up"}, "info", "replication")
}
