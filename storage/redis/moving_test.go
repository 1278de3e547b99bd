package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// moving is an owner with two grants in a cluster, where a slot can move.
type moving struct {
	*redistest.Cluster
	s      *redis.Store
	grants []*storage.Grant
	slot   int
	keys   []string // the owner, the index and the grants
	at     int      // the master that has them
}

func newMoving(t *testing.T, replicas int, change ...func(*redis.Options)) *moving {
	t.Helper()
	c := redistest.StartCluster(t, replicas)
	on := func(o *redis.Options) { o.Mode, o.Addrs = redis.ModeCluster, c.Addrs() }
	m := &moving{Cluster: c, s: open(t, "", append(change, prefix("mine"), on)...)}
	addUser(t, m.s, "alice")
	m.grants = []*storage.Grant{login(t, m.s, "alice"), login(t, m.s, "alice")}
	m.slot = slotOf(t, c, storage.Bucket(alpha, "alice"))
	m.at = m.slot / 5461
	base := fmt.Sprintf("mine:{%03x}:", storage.Bucket(alpha, "alice"))
	m.keys = []string{base + "u:6:/alphaalice", base + "i:6:/alphaalice", grantKey(m.grants[0].ID), grantKey(m.grants[1].ID)}
	if n := raw(t, c.Addrs()[m.at]).Exists(t.Context(), m.keys...).Val(); n != int64(len(m.keys)) {
		t.Fatalf("%d of the keys are there", n)
	}
	return m
}

// slotOf is the slot of a bucket under the prefix "mine".
func slotOf(t *testing.T, c *redistest.Cluster, bucket uint16) int {
	t.Helper()
	slot, err := raw(t, c.Addrs()[0]).ClusterKeySlot(t.Context(), fmt.Sprintf("mine:{%03x}:", bucket)).Result()
	ok(t, "slot", err)
	return int(slot)
}

// half moves the keys whose bit is set to the next master. The end, which it returns, moves the others too.
func (m *moving) half(set uint) (settle func()) {
	from := m.at
	m.at = (from + 1) % 3
	return m.MoveSome(from, m.at, m.slot, func(key string) bool {
		i := slices.Index(m.keys, key)
		return i >= 0 && set&(1<<i) != 0
	})
}

// changes are the calls that reach several keys of an owner, by what they do. Each is to fail.
func (m *moving) changes(t *testing.T, r storage.Reservation) map[string]func() error {
	ctx, s, g := t.Context(), m.s, m.grants[0]
	return map[string]func() error{
		"GrantsOf":     func() error { _, err := s.GrantsOf(ctx, alpha, "alice"); return err },
		"InspectOwner": func() error { _, err := s.InspectOwner(ctx, g.ID); return err },
		"Begin":        func() error { _, err := s.Begin(ctx, attempt("alice")); return err },
		"Finish":       func() error { return s.Finish(ctx, effects(r, storage.Success, 0)) },
		"Refresh":      func() error { _, err := s.Refresh(ctx, refreshStep(g)); return err },
		"Revoke":       func() error { return s.Revoke(ctx, revocation(g, false)) },
		"EndGrant":     func() error { return s.EndGrant(ctx, alpha, g.ID) },
		"EndUser":      func() error { return s.EndUser(ctx, alpha, "alice") },
		"UpdateUser":   func() error { return s.UpdateUser(ctx, r.User.Clone(), true) },
		"DeleteUser":   func() error { return s.DeleteUser(ctx, alpha, "alice") },
	}
}

// whole expects all that there was.
func (m *moving) whole(t *testing.T) {
	t.Helper()
	gs, err := m.s.GrantsOf(t.Context(), alpha, "alice")
	ok(t, "list", err)
	if len(gs) != 2 {
		t.Errorf("the owner has %d grants", len(gs))
	}
	for _, g := range m.grants {
		v, err := m.s.InspectOwner(t.Context(), g.ID)
		if err != nil || v.User == nil || v.Grant.Generation != 0 {
			t.Errorf("a grant: owner %v, %v", v.User, err)
		}
	}
}

// A script that found some of its keys at one end of a slot that moves would take the others for gone: each way to have them
// at two ends is tried. Whoever reads one key finds it.
func TestClusterChangesNothingByHalfOfASlot(t *testing.T) {
	m := newMoving(t, 0, timeout(time.Second))
	for set := uint(1); set < 1<<len(m.keys)-1; set++ {
		r := reserve(t, m.s, "alice")
		settle := m.half(set)
		var wg sync.WaitGroup
		for what, call := range m.changes(t, r) {
			wg.Go(func() {
				if err := call(); !errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("keys %04b have moved, %s: %v", set, what, err)
				}
			})
		}
		for _, g := range m.grants {
			if _, err := m.s.Inspect(t.Context(), g.ID); err != nil {
				t.Errorf("keys %04b have moved, inspect: %v", set, err)
			}
		}
		wg.Wait()
		settle()
		m.whole(t)
		ok(t, "settle", m.s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Void}))
	}
	ok(t, "end all", m.s.EndUser(t.Context(), alpha, "alice"))
	for _, g := range m.grants {
		if _, err := m.s.Inspect(t.Context(), g.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a grant after its end: %v", err)
		}
	}
}

// An index that is looked at while its slot moves is that of grants at the other end: none of them leads nowhere.
func TestExamineRepairsNoIndexWhoseSlotMoves(t *testing.T) {
	m := newMoving(t, 0, timeout(time.Second))
	var once sync.Once
	settle := func() {}
	m.s.AddHook(hook{seen: func(cmds []goredis.Cmder) {
		if args := cmds[0].Args(); cmds[0].Name() == "evalsha" && args[3] == m.keys[1] {
			once.Do(func() { settle = m.half(0b0010) })
		}
	}})
	expect(t, examined(t, m.s, true), "keys", storage.LevelFail, "a slot of the cluster is on its way")
	settle()
	m.whole(t)
	expect(t, examined(t, m.s, true), "index members", storage.LevelOK, "all")
	m.whole(t)
}

// A slot that moves has its new keys at one end and its old ones at the other: who asks for what is gone is told where.
func TestClusterConfirmsWritesToASlotOnItsWay(t *testing.T) {
	m := newMoving(t, 1, waits)
	ok(t, "end a realm's grants", m.s.EndRealm(t.Context(), alpha))
	g := login(t, m.s, "alice")
	slot := slotOf(t, m.Cluster, storage.Bucket(alpha, ""))
	settle := m.Move(slot/5461, (slot/5461+1)%3, slot)
	ok(t, "end a realm's grants while the slot of the epoch is on its way", m.s.EndRealm(t.Context(), alpha))
	settle()
	if _, err := m.s.Inspect(t.Context(), g.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a grant that was ended: %v", err)
	}
}

func waits(o *redis.Options) { o.WaitReplicas, o.Timeout = 1, 3*time.Second }

// Who waits for a slot asks again and again, but not as often as it can.
func TestClusterIsNotFloodedWhileASlotMoves(t *testing.T) {
	m := newMoving(t, 1, waits)
	from := m.at
	settle := m.half(0b0100)
	end := func() error { return m.s.EndGrant(t.Context(), alpha, m.grants[0].ID) }
	if n, most := m.refused(t, from, "evalsha", end), 20+3000/64; n < 3 || n > most {
		t.Errorf("asked %d times, at most %d", n, most)
	}
	settle()
	ok(t, "end a grant", end())
}

// Who asks is sent to a server that the map of slots does not have, since it serves none yet.
func TestClusterIsNotFloodedWhileASlotMovesToANewMaster(t *testing.T) {
	m := newMoving(t, 1, waits)
	m.Grow()
	slot := slotOf(t, m.Cluster, storage.Bucket(alpha, ""))
	m.MoveSome(slot/5461, 3, slot, func(string) bool { return true })
	end := func() error { return m.s.EndRealm(t.Context(), alpha) }
	if n, most := m.refused(t, slot/5461, "incr", end), 20+2*3000/64; n < 3 || n > most {
		t.Errorf("asked %d times, at most %d", n, most)
	}
}

// refused is how often a server refused a command because a slot was elsewhere, until a call gave up.
func (m *moving) refused(t *testing.T, at int, command string, call func() error) int {
	t.Helper()
	c := raw(t, m.Addrs()[at])
	ok(t, "reset", c.ConfigResetStat(t.Context()).Err())
	if err := call(); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("a slot that does not arrive: %v", err)
	}
	stats, err := c.InfoMap(t.Context(), "commandstats").Result()
	ok(t, "info", err)
	_, refused, _ := strings.Cut(stats["Commandstats"]["cmdstat_"+command], "rejected_calls=")
	refused, _, _ = strings.Cut(refused, ",")
	n, err := strconv.Atoi(refused)
	ok(t, "statistics", err)
	return n
}
