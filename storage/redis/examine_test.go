package redis_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// examined is what is found, by what was looked at.
func examined(t *testing.T, s *redis.Store, repair bool) map[string]storage.Finding {
	t.Helper()
	found := map[string]storage.Finding{}
	for f := range s.Examine(t.Context(), repair) {
		if f.Level != storage.LevelProgress {
			if _, twice := found[f.Check]; twice {
				t.Errorf("%s is reported twice", f.Check)
			}
			found[f.Check] = f
		}
		if (f.Level == storage.LevelWarn || f.Level == storage.LevelFail) && f.Todo == "" {
			t.Errorf("%s: nothing is said about what to do", f.Check)
		}
		if text := fmt.Sprint(f); f.Level == storage.LevelOK && strings.Contains(text, "canary") {
			t.Errorf("a secret or a name is told: %s", text)
		}
	}
	return found
}

func expect(t *testing.T, found map[string]storage.Finding, check string, level storage.Level, text string) {
	t.Helper()
	f, there := found[check]
	if !there || f.Level != level || !strings.Contains(f.Found+" "+f.Todo, text) {
		t.Errorf("%s: %+v, want %s and %q; all: %v", check, f, level, text, slices.Sorted(maps.Keys(found)))
	}
}

// grantKey is the key of a grant under the prefix "mine".
func grantKey(id storage.GrantID) string {
	return fmt.Sprintf("mine:{%03x}:g:%s", id.Bucket(), base64.RawURLEncoding.EncodeToString(id[2:]))
}

// healthy starts a server as the README recommends it, without replicas.
func healthy(t *testing.T) *redistest.Server {
	t.Helper()
	return redistest.Start(t, "--appendonly", "yes")
}

func TestExamineFindsNothingWrongWithWhatTheStoreWrote(t *testing.T) {
	for name, s := range map[string]*redis.Store{
		"single":  open(t, healthy(t).Addr()),
		"cluster": open(t, "", func(o *redis.Options) { o.Mode, o.Addrs = redis.ModeCluster, redistest.StartCluster(t, 0).Addrs() }),
	} {
		everything(t, s)
		addUser(t, s, "canary")
		g := login(t, s, "canary")
		ok(t, "end", s.EndClient(t.Context(), alpha, "c"))
		for check, f := range examined(t, s, false) {
			kind, _, _ := strings.Cut(check, " of the master")
			unlike := name == "cluster" && (kind == "persistence" || kind == "replicas") // as it was started
			if f.Level != storage.LevelOK && !unlike {
				t.Errorf("%s, %s: %+v", name, check, f)
			}
		}
		if _, err := s.Inspect(t.Context(), g.ID); err != nil {
			t.Errorf("%s: the grant after the look: %v", name, err)
		}
	}
}

func TestExamineFindsWhatLeadsNowhere(t *testing.T) {
	server := healthy(t)
	ctx, c, s := t.Context(), raw(t, server.Addr()), open(t, server.Addr(), prefix("mine"))
	addUser(t, s, "canary")
	lost, kept, hidden := login(t, s, "canary"), login(t, s, "canary"), login(t, s, "canary")
	bucket := fmt.Sprintf("mine:{%03x}:", lost.ID.Bucket())
	index := bucket + "i:6:/alphacanary"
	ok(t, "lose a grant", c.Del(ctx, grantKey(lost.ID)).Err())
	ok(t, "hide a grant", c.ZRem(ctx, index, string(hidden.ID[2:])).Err())
	pointer := func(id string, age time.Duration) string {
		key := fmt.Sprintf("mine:{%03x}:id:6:/alpha%s", storage.Bucket(alpha, id), id)
		value := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-age).UnixMilli()))[2:]
		value = append(value, make([]byte, 16)...)
		_, _ = rand.Read(value[6:])
		ok(t, "point", c.Set(ctx, key, append(value, "canary-gone"...), 0).Err())
		return key
	}
	old, fresh := pointer("old", time.Hour), pointer("fresh", 0)
	ok(t, "ready", s.Ready(ctx)) // leaves its probe
	before := dump(t, c)

	found := examined(t, s, false)
	expect(t, found, "index members", storage.LevelWarn, "1 lead to grants that are gone")
	expect(t, found, "id pointers", storage.LevelWarn, "1 lead to owners that are gone")
	expect(t, found, "grants", storage.LevelFail, "1 are in no index")
	if after := dump(t, c); !maps.Equal(before, after) {
		t.Error("a look has changed something")
	}

	found = examined(t, s, true)
	expect(t, found, "index members", storage.LevelOK, "1 of 1 that led to grants that are gone were removed")
	expect(t, found, "id pointers", storage.LevelOK, "1 of 1")
	expect(t, found, "grants", storage.LevelFail, "1 are in no index")
	if n := c.Exists(ctx, old).Val(); n != 0 {
		t.Error("the old pointer is there")
	}
	for what, key := range map[string]string{"fresh pointer": fresh, "hidden grant": grantKey(hidden.ID), "good grant": grantKey(kept.ID)} {
		if c.Exists(ctx, key).Val() != 1 {
			t.Errorf("the %s was removed", what)
		}
	}
	if members := c.ZRange(ctx, index, 0, -1).Val(); !slices.Equal(members, []string{string(kept.ID[2:])}) {
		t.Errorf("%d members are left", len(members))
	}
	found = examined(t, s, false)
	expect(t, found, "index members", storage.LevelOK, "all")
	expect(t, found, "id pointers", storage.LevelOK, "all")
}

func TestExamineFindsKeysThatAreWrong(t *testing.T) {
	server := healthy(t)
	ctx, c, s := t.Context(), raw(t, server.Addr()), open(t, server.Addr(), prefix("mine"))
	addUser(t, s, "canary")
	g := login(t, s, "canary")
	owner := fmt.Sprintf("mine:{%03x}:u:6:/alphacanary", storage.Bucket(alpha, "canary"))
	ok(t, "persist", c.Persist(ctx, grantKey(g.ID)).Err())
	ok(t, "unknown", c.Set(ctx, "mine:{000}:zz:canary", "", 0).Err())
	ok(t, "without a life", c.Set(ctx, "mine:{000}:l:6:/alphax:canary", "", 0).Err())
	ok(t, "with a life", c.Expire(ctx, owner, time.Hour).Err())
	for i := range 5 {
		ok(t, "damaged", c.Set(ctx, fmt.Sprintf("mine:{000}:c:6:/alpha%d\x1b[2J", i+1), "nonsense", 0).Err())
	}
	ok(t, "another type", c.LPush(ctx, "mine:{000}:i:6:/alphacanary", "x").Err())
	ok(t, "other's", c.Set(ctx, "minest:{000}:zz:x", "", 0).Err())
	found := examined(t, s, false)
	expect(t, found, "unknown keys", storage.LevelWarn, `"mine:{000}:zz:…" 1`)
	if strings.Contains(found["unknown keys"].Found, "canary") {
		t.Errorf("a key that is not ours is told: %v", found["unknown keys"])
	}
	expect(t, found, "keys without a life", storage.LevelWarn, fmt.Sprintf(`grants 1 (%q), rate limits 1 ("mine:{000}:l:6:/alphax:canary")`, grantKey(g.ID)))
	expect(t, found, "keys with a life", storage.LevelFail, fmt.Sprintf("owners 1 (%q)", owner))
	expect(t, found, "damaged records", storage.LevelFail,
		`clients 5 ("mine:{000}:c:6:/alpha1\x1b[2J" "mine:{000}:c:6:/alpha2\x1b[2J" "mine:{000}:c:6:/alpha3\x1b[2J"), indices of grants 1 ("mine:{000}:i:6:/alphacanary")`)
	expect(t, found, "records", storage.LevelOK, "grants v2 1, owners v2 1")

	ok(t, "lose the pointer", c.Del(ctx, fmt.Sprintf("mine:{%03x}:id:6:/alphaid of canary", storage.Bucket(alpha, "id of canary"))).Err())
	expect(t, examined(t, s, false), "owners", storage.LevelFail, "1 cannot be found by id")
}

func TestExamineFindsWrongSettings(t *testing.T) {
	server := redistest.Start(t, "--maxmemory-policy", "allkeys-lru", "--repl-diskless-sync-delay", "0")
	c := raw(t, server.Addr())
	found := examined(t, open(t, server.Addr(), func(o *redis.Options) { o.WaitReplicas = 1 }), false)
	expect(t, found, "connection", storage.LevelFail, "maxmemory-policy")
	expect(t, found, "eviction", storage.LevelFail, "allkeys-lru")
	expect(t, found, "persistence", storage.LevelWarn, "appendonly yes")
	expect(t, found, "replicas", storage.LevelFail, "0 connected, wait_replicas is 1")
	expect(t, examined(t, open(t, server.Addr(), func(o *redis.Options) { o.AllowEviction = true }), false), "eviction", storage.LevelWarn, "permits it")

	ok(t, "config", c.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	host, port, _ := strings.Cut(server.Addr(), ":")
	redistest.Start(t, "--replicaof", host, port)
	until(t, "a replica", func() bool {
		return strings.Contains(c.Info(t.Context(), "replication").Val(), "connected_slaves:1")
	})
	expect(t, examined(t, open(t, server.Addr()), false), "replicas", storage.LevelWarn, "min-replicas-to-write 1")
	ok(t, "config", c.ConfigSet(t.Context(), "min-replicas-to-write", "1").Err())
	until(t, "guarded", func() bool { return examined(t, open(t, server.Addr()), false)["replicas"].Level == storage.LevelOK })
}

func TestExamineFindsMissingPermissions(t *testing.T) {
	server := healthy(t)
	ok(t, "acl", raw(t, server.Addr()).Do(t.Context(), "acl", "setuser", "ropcd", "on", ">canary", "~*", "+@all", "-scan", "-wait", "-zadd").Err())
	found := examined(t, open(t, server.Addr(), as("ropcd", "canary")), false)
	expect(t, found, "connection", storage.LevelFail, "+zadd")
	expect(t, found, "permissions", storage.LevelFail, "+scan +wait +zadd to it")
	expect(t, found, "keys", storage.LevelFail, "+scan")

	for rules, want := range map[string]string{
		"~* +@all -zcount": "does not allow zcount add +zcount to it", "~* +@all -evalsha": "does not allow evalsha add +evalsha to it",
		"~theirs:* +@all": "does not allow keys that begin with mine: add ~mine:* to it",
	} {
		args := []any{"acl", "setuser", "ropcd", "reset", "on", ">canary"}
		for _, rule := range strings.Fields(rules) {
			args = append(args, rule)
		}
		ok(t, "acl", raw(t, server.Addr()).Do(t.Context(), args...).Err())
		found := examined(t, open(t, server.Addr(), as("ropcd", "canary"), prefix("mine")), false)
		expect(t, found, "permissions", storage.LevelFail, want)
		if strings.Contains(found["permissions"].Found, "eval,") || strings.Contains(found["permissions"].Found, "eval;") {
			t.Errorf("%s: %v", rules, found["permissions"])
		}
	}
	// What else keeps it from being used hides no right that is missing.
	ok(t, "acl", raw(t, server.Addr()).Do(t.Context(), "acl", "setuser", "ropcd", "reset", "on", ">canary", "~*", "+@all", "-zcount").Err())
	ok(t, "config", raw(t, server.Addr()).ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	found = examined(t, open(t, server.Addr(), as("ropcd", "canary")), false)
	expect(t, found, "connection", storage.LevelFail, "maxmemory-policy")
	expect(t, found, "permissions", storage.LevelFail, "+zcount")
}

func TestExamineNamesTheMastersOfAClusterInOrder(t *testing.T) {
	addrs := slices.Sorted(slices.Values(redistest.StartCluster(t, 0).Addrs()))
	var named []string
	for f := range open(t, "", func(o *redis.Options) { o.Mode, o.Addrs = redis.ModeCluster, addrs }).Examine(t.Context(), false) {
		if addr, ok := strings.CutPrefix(f.Check, "version of the master at "); ok {
			named = append(named, addr)
		}
	}
	if !slices.Equal(named, addrs) {
		t.Errorf("the masters are %q, named %q", addrs, named)
	}
}

func TestExamineSaysWhyThereIsNothingToSee(t *testing.T) {
	found := examined(t, open(t, "127.0.0.1:1"), false)
	expect(t, found, "connection", storage.LevelFail, "no server answers")
	if len(found) != 1 {
		t.Errorf("and goes on: %v", found)
	}
}
