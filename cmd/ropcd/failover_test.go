package main_test

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// disaster is what happens to a Redis under load.
type disaster struct {
	name string
	// rig starts a Redis and returns its part of the configuration, and what strikes it. The latter returns when it is over,
	// with what is to be done a while after, and says in the tally what may be lost.
	rig rigging
	// safe: none of the rotations and revocations may be lost.
	safe bool
	// calm: nothing is refused for long.
	calm bool
	// short: run it without -soak too.
	short bool
}

// strain is how hard and how long to press.
type strain struct {
	clients int
	pause   time.Duration
	during  time.Duration
	silent  time.Duration // after which a server is taken for dead
}

// disasters are all there are, in the order of the table in the README.
var disasters = []disaster{
	{name: "Cluster: a master is killed", rig: clusterLoses(kill, 1, "")},
	{name: "Cluster: a master is killed whose replicas lag", rig: clusterLoses(killLagging, 2, "")},
	{name: "Cluster: the same, wait_replicas: 1", rig: clusterLoses(killLagging, 2, waiting), safe: true, short: true},
	{name: "Cluster: a master hangs, and comes back", rig: clusterLoses(hang, 1, "")},
	{name: "Sentinel: the master is killed", rig: groupLoses(kill, 1, "")},
	{name: "Sentinel: the master is killed whose replicas lag", rig: groupLoses(killLagging, 2, "")},
	{name: "Sentinel: the same, wait_replicas: 1", rig: groupLoses(killLagging, 2, waiting), safe: true, short: true},
	{name: "Sentinel: the master hangs, and comes back", rig: groupLoses(hang, 1, "")},
	{name: "Cluster: slots move", rig: slotsMove(0, ""), safe: true, calm: true},
	{name: "Cluster: slots move, wait_replicas: 1", rig: slotsMove(1, waiting), safe: true, calm: true, short: true},
	{name: "Single: replies are lost", rig: throughProxy(repliesLost), safe: true, short: true},
	{name: "Single: Redis is cut off", rig: throughProxy(cutOff), safe: true, short: true},
	{name: "Single: Redis answers too late", rig: throughProxy(tooLate), safe: true, short: true},
}

const waiting = ", wait_replicas: 1"

// What Redis acknowledged is there after a disaster, but for what the README's table says, and no answer is wrong
// meanwhile: 200 or 503. Without -soak it is some seconds of each, all at once.
func TestDisastersOfRedis(t *testing.T) {
	s := strain{clients: 3, pause: 20 * time.Millisecond, during: 4 * time.Second, silent: 3 * time.Second}
	if *soak {
		s = strain{clients: 16, pause: 5 * time.Millisecond, during: 30 * time.Second, silent: 2 * time.Second}
	}
	tallies := make([]*tally, len(disasters))
	t.Run("all", func(t *testing.T) {
		for i, d := range disasters {
			if !*soak && !d.short {
				continue
			}
			t.Run(d.name, func(t *testing.T) {
				if !*soak {
					t.Parallel()
				}
				tallies[i] = d.run(t, s)
			})
		}
	})
	table(t, tallies)
}

func (d disaster) run(t *testing.T, s strain) *tally {
	t.Helper()
	redis, strike := d.rig(t, s.silent)
	realms := strings.Replace(alpha, "oauth2_provider: {}", "oauth2_provider: {refresh_token_grace_period: 5m}", 1) + noLimits
	a, b := twinsOn(t, redis, realms)
	c := newCrowd(t, a, b)
	c.pause = s.pause
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c.work(s.clients, stop)
	}()
	begun := time.Now()
	rest(s.during / 3)
	during := &tally{struck: time.Now()}
	after := strike(during)
	during.settled = time.Now()
	rest(s.during / 3)
	after()
	rest(max(s.during-time.Since(begun), s.during/3))
	close(stop)
	<-done
	n := c.count()
	n.struck, n.settled, n.from, n.to = during.struck, during.settled, during.from, during.to
	c.review(n)
	d.judge(t, n)
	return n
}

// judge is what holds however slow the machine is.
func (d disaster) judge(t *testing.T, n *tally) {
	t.Helper()
	if n.grants == 0 || n.answered == 0 {
		t.Error("nothing was acknowledged, so nothing was proved")
	}
	for i, w := range n.wrong {
		if i == 10 {
			t.Errorf("and %d more", len(n.wrong)-i)
			break
		}
		t.Error(w)
	}
	if d.safe && n.rotations+n.revocations > 0 {
		t.Errorf("lost: %d rotations, %d revocations", n.rotations, n.revocations)
	}
	if late := n.recovered.Sub(n.settled); n.outage > time.Second && late > slack {
		t.Errorf("recovered %v after it was over", late)
	}
	if d.calm && n.longest > slack {
		t.Errorf("one request had to be repeated for %v", n.longest)
	}
}

// slack is how long a busy machine may take to notice that all is well.
const slack = 10 * time.Second

// table prints the README's.
func table(t *testing.T, tallies []*tally) {
	t.Helper()
	w := tabwriter.NewWriter(t.Output(), 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| what happens\t| answered 200\t| 503\t| 503 for\t| no 200 for\t| until over\t| lost logins\t| lost refreshes\t| lost revocations\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for i, n := range tallies {
		if n == nil {
			continue
		}
		fmt.Fprintf(w, "| %s\t| %d\t| %d\t| %.1f s\t| %.1f s\t| %.1f s\t| %d of %d\t| %d\t| %d\t|\n", disasters[i].name, n.answered, n.refused,
			n.outage.Seconds(), n.gap.Seconds(), n.settled.Sub(n.struck).Seconds(), n.logins, n.grants, n.rotations, n.revocations)
	}
	_ = w.Flush()
}

// blow ends a master that has these replicas, and returns what brings it back.
type blow func(n *tally, master *redistest.Server, replicas []*redistest.Server) (back func())

func kill(n *tally, master *redistest.Server, _ []*redistest.Server) func() {
	n.from = time.Now()
	master.Kill()
	n.to = time.Now()
	return nothing
}

func nothing() {}

// lag is how far behind the replicas are.
const lag = 500 * time.Millisecond

// killLagging cuts the replicas off for a moment first, as a network does before it takes the master with it.
func killLagging(n *tally, master *redistest.Server, replicas []*redistest.Server) func() {
	for _, r := range replicas {
		r.Pause()
	}
	n.from = time.Now()
	master.DropReplicas()
	rest(lag)
	master.Kill()
	n.to = time.Now()
	for _, r := range replicas {
		r.Resume()
	}
	return nothing
}

// hang leaves all connections open.
func hang(n *tally, master *redistest.Server, _ []*redistest.Server) func() {
	n.from = time.Now()
	master.Pause()
	n.to = time.Now()
	return master.Resume
}

// rigging starts a Redis whose servers take a silent one for dead after a while. See disaster.rig.
type rigging func(t *testing.T, silent time.Duration) (redis string, strike func(n *tally) (after func()))

func clusterLoses(by blow, replicas int, options string) rigging {
	return func(t *testing.T, silent time.Duration) (string, func(n *tally) func()) {
		c := redistest.StartCluster(t, replicas, redistest.Timeout(silent)...)
		return clusterMode(c) + options, func(n *tally) func() {
			back := by(n, c.Masters[1], c.Replicas[1])
			c.Failover(1)
			return back
		}
	}
}

func clusterMode(c *redistest.Cluster) string {
	return fmt.Sprintf("mode: cluster, addrs: [%s]", quoted(c.Addrs()))
}

func quoted(addrs []string) string { return `"` + strings.Join(addrs, `", "`) + `"` }

func groupLoses(by blow, replicas int, options string) rigging {
	return func(t *testing.T, silent time.Duration) (string, func(n *tally) func()) {
		g := redistest.StartGroup(t, replicas, silent)
		mode := fmt.Sprintf("mode: sentinel, addrs: [%s], sentinel: {master_name: %s}", quoted(g.Addrs()), redistest.MasterName)
		return mode + options, func(n *tally) func() {
			back := by(n, g.Master, g.Replicas)
			g.Failover()
			return back
		}
	}
}

// slotsMove moves all slots with keys from the first master to the second, up to some hundreds.
func slotsMove(replicas int, options string) rigging {
	return func(t *testing.T, _ time.Duration) (string, func(n *tally) func()) {
		c := redistest.StartCluster(t, replicas)
		return clusterMode(c) + options, func(*tally) func() {
			c.Migrate(0, 1, c.Slots(0, 400)...)
			return nothing
		}
	}
}
