package redistest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/childtest"
)

// Cluster is three masters, each with replicas if wanted. They are killed when their test ends. Its methods may be called
// from one goroutine at a time.
type Cluster struct {
	t        testing.TB
	Masters  []*Server   // as they began
	Replicas [][]*Server // of the master with the same index
	ids      map[*Server]string
	buses    map[*Server]string // ports
}

// shares are the slots that each master serves at first.
var shares = [][2]int{{0, 5460}, {5461, 10922}, {10923, 16383}}

// StartCluster runs a cluster with so many replicas of each master, with more arguments for each of its servers if any are
// given, and waits until all of them agree on who serves what, and the replicas follow.
func StartCluster(t testing.TB, replicas int, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, ids: map[*Server]string{}, buses: map[*Server]string{}}
	for i, of := range shares {
		s := c.node(args)
		c.Masters = append(c.Masters, s)
		s.tell("cluster", "addslotsrange", of[0], of[1])
		s.tell("cluster", "set-config-epoch", i+1)
		c.Replicas = append(c.Replicas, nil)
		for range replicas {
			c.Replicas[i] = append(c.Replicas[i], c.node(args))
		}
	}
	for _, s := range c.all() {
		if s != c.Masters[0] {
			c.meet(s)
		}
	}
	c.settle()
	c.follow()
	return c
}

// node runs a server that knows no other.
func (c *Cluster) node(args []string) *Server {
	c.t.Helper()
	var bus string
	s := start(c.t, func(s *Server) []string {
		bus = childtest.FreePort(c.t)
		return s.with(append([]string{
			"--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "5000",
		}, args...))
	})
	c.buses[s], c.ids[s] = bus, s.tell("cluster", "myid")
	return s
}

// meet makes a server one of the cluster.
func (c *Cluster) meet(s *Server) {
	c.t.Helper()
	s.tell("cluster", "meet", "127.0.0.1", c.Masters[0].port, c.buses[c.Masters[0]])
}

// Grow adds a fourth master, which serves no slot yet, and waits until all know it.
func (c *Cluster) Grow() {
	c.t.Helper()
	s := c.node(nil)
	c.meet(s)
	c.Masters, c.Replicas = append(c.Masters, s), append(c.Replicas, nil)
	c.settle()
}

// all are the servers, dead ones too.
func (c *Cluster) all() []*Server { return slices.Concat(append(c.Replicas, c.Masters)...) }

// settle waits until all know all, and all slots are served.
func (c *Cluster) settle() {
	c.t.Helper()
	known := fmt.Sprintf("cluster_known_nodes:%d", len(c.all()))
	for _, s := range c.all() {
		until(c.t, "the cluster is up", func() bool { return s.says([]string{"cluster_state:ok", known}, "cluster", "info") })
	}
}

// follow attaches the replicas to their masters, and waits until they have what these have.
func (c *Cluster) follow() {
	c.t.Helper()
	for i, replicas := range c.Replicas {
		for _, r := range replicas {
			until(c.t, "the replica knows its master", func() bool {
				_, err := r.ask("cluster", "replicate", c.ids[c.Masters[i]])
				return err == nil
			})
		}
	}
	for i, replicas := range c.Replicas {
		for _, r := range replicas {
			until(c.t, "the replica follows", r.follows)
			for _, s := range c.all() { // else nobody elects it
				until(c.t, "all know the replica", func() bool { return s.knows(c.ids[r], "slave "+c.ids[c.Masters[i]]) })
			}
		}
	}
}

// knows reports whether the server's list of nodes has this one with such flags.
func (s *Server) knows(id, flags string) bool {
	nodes, err := s.ask("cluster", "nodes")
	for line := range strings.Lines(nodes) {
		if err == nil && strings.HasPrefix(line, id) && strings.Contains(line, flags) {
			return true
		}
	}
	return false
}

// Addrs are those of the masters, as they began.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, s := range c.Masters {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}

// Failover waits until a replica of the i-th master is a master, all others that live know it and serve all slots, and the
// other replicas follow it. The i-th master must be dead, or look like it.
func (c *Cluster) Failover(i int) {
	c.t.Helper()
	master := promoted(c.t, c.Replicas[i])
	for _, s := range c.all() {
		if s == c.Masters[i] {
			continue
		}
		until(c.t, "a failover", func() bool {
			return s.knows(c.ids[master], "master -") && s.says([]string{"cluster_state:ok"}, "cluster", "info")
		})
	}
	following(c.t, master, c.Replicas[i])
}

// Migrate moves slots that the master from serves to the master to, with their keys, as `redis-cli --cluster reshard`
// does, and tells all masters.
func (c *Cluster) Migrate(from, to int, slots ...int) {
	c.t.Helper()
	for _, slot := range slots {
		c.Move(from, to, slot)()
	}
}

// Move is Migrate of one slot but for the end: the keys have moved, and only who asks where it was is told where they are.
// The end is what it returns.
func (c *Cluster) Move(from, to, slot int) (settle func()) {
	c.t.Helper()
	source, target := c.Masters[from], c.Masters[to]
	c.announce(source, target, slot)
	for keys := source.keysIn(slot); len(keys) > 0; keys = source.keysIn(slot) {
		source.carry(target, keys)
	}
	return func() {
		c.t.Helper()
		for _, s := range append([]*Server{target}, c.Masters...) {
			s.tell("cluster", "setslot", slot, "node", c.ids[target])
		}
	}
}

// MoveSome is Move of those keys for which some is true, at most a hundred: the slot has the others where it was. The end,
// which it returns, moves these too.
func (c *Cluster) MoveSome(from, to, slot int, some func(key string) bool) (settle func()) {
	c.t.Helper()
	source, target := c.Masters[from], c.Masters[to]
	c.announce(source, target, slot)
	source.carry(target, slices.DeleteFunc(source.keysIn(slot), func(key any) bool { return !some(key.(string)) }))
	return func() {
		c.t.Helper()
		c.Migrate(from, to, slot)
	}
}

// announce opens a slot at both ends.
func (c *Cluster) announce(source, target *Server, slot int) {
	c.t.Helper()
	target.tell("cluster", "setslot", slot, "importing", c.ids[source])
	source.tell("cluster", "setslot", slot, "migrating", c.ids[target])
}

// carry moves keys.
func (s *Server) carry(target *Server, keys []any) {
	s.t.Helper()
	if len(keys) > 0 {
		s.tell(append([]any{"migrate", "127.0.0.1", target.port, "", 0, patience.Milliseconds(), "keys"}, keys...)...)
	}
}

// keysIn are some keys of a slot.
func (s *Server) keysIn(slot int) (keys []any) {
	s.t.Helper()
	list, err := s.raw.ClusterGetKeysInSlot(context.Background(), slot, 100).Result()
	if err != nil {
		s.t.Fatalf("redis: keys in a slot: %v", err)
	}
	for _, k := range list {
		keys = append(keys, k)
	}
	return keys
}

// Slots are so many of those that the i-th master served at first and that hold keys, the lowest first.
func (c *Cluster) Slots(i, most int) (full []int) {
	c.t.Helper()
	for slot := shares[i][0]; slot <= shares[i][1] && len(full) < most; slot++ {
		if n, _ := c.Masters[i].raw.ClusterCountKeysInSlot(context.Background(), slot).Result(); n > 0 {
			full = append(full, slot)
		}
	}
	return full
}

// Timeout is the argument for servers that take a silent node for dead after so long.
func Timeout(d time.Duration) []string {
	return []string{"--cluster-node-timeout", strconv.FormatInt(d.Milliseconds(), 10)}
}
