package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

func TestServerThatEvictsIsNotUsed(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	ctx := t.Context()
	s := open(t, server.Addr())
	addUser(t, s, "alice")
	g := login(t, s, "alice")
	allowed := open(t, server.Addr(), func(o *redis.Options) { o.AllowEviction = true })
	set := func(policy string) { ok(t, "config", c.ConfigSet(ctx, "maxmemory-policy", policy).Err()) }

	set("volatile-ttl")
	late := open(t, server.Addr())
	ok(t, "allowed", allowed.Ready(ctx))
	login2 := func(s *redis.Store) error { _, err := s.Begin(ctx, attempt("nobody")); return err }
	ok(t, "allowed", login2(allowed))
	if err := late.Ready(ctx); !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), "maxmemory-policy") {
		t.Errorf("ready: %v", err)
	}
	until(t, "noticed by Ready", func() bool { return errors.Is(s.Ready(ctx), storage.ErrUnavailable) })
	for _, st := range []*redis.Store{s, late} {
		_, refresh := st.Refresh(ctx, refreshStep(g))
		for _, err := range []error{login2(st), refresh, st.Finish(ctx, storage.Settlement{})} {
			if !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("error %v, want ErrUnavailable", err)
			}
		}
	}
	if _, err := s.Inspect(ctx, g.ID); err != nil {
		t.Errorf("inspect: %v", err)
	}
	set("noeviction")
	until(t, "used again", func() bool { return login2(s) == nil && login2(late) == nil })
}

func TestEvictionIsNoticedWithoutReady(t *testing.T) {
	server := redistest.Start(t, "--maxmemory-policy", "allkeys-lru")
	s := open(t, server.Addr())
	until(t, "noticed", func() bool {
		_, err := s.Begin(t.Context(), attempt("alice"))
		return errors.Is(err, storage.ErrUnavailable)
	})
}

func TestPolicyThatCannotBeReadIsWarnedOfOnce(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	ok(t, "acl", c.Do(t.Context(), "acl", "setuser", "ropcd", "on", ">secret", "~*", "+@all", "-info").Err())
	var log bytes.Buffer
	s := open(t, server.Addr(), func(o *redis.Options) {
		o.Username, o.Password = "ropcd", "secret"
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	ok(t, "ready", s.Ready(t.Context()))
	addUser(t, s, "alice")
	login(t, s, "alice")
	if n := strings.Count(log.String(), "maxmemory-policy"); n != 1 {
		t.Errorf("%d warnings: %s", n, log.String())
	}
}

func TestCommandsAreAllThatAnACLMustAllow(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	rules := []any{"acl", "setuser", "ropcd", "on", ">secret", "~mine:*", "-@all"}
	for _, command := range redis.Commands {
		rules = append(rules, "+"+command)
	}
	ok(t, "acl", c.Do(t.Context(), rules...).Err())
	var log bytes.Buffer
	s := open(t, server.Addr(), prefix("mine"), func(o *redis.Options) {
		o.Username, o.Password, o.DB = "ropcd", "secret", 1
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	ok(t, "ready", s.Ready(t.Context()))
	everything(t, s)
	for _, err := range s.Users(t.Context(), alpha) {
		ok(t, "list", err)
	}
	for _, k := range []error{s.EndClient(t.Context(), alpha, "c"), s.EndRealm(t.Context(), alpha)} {
		ok(t, "end", k)
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
}

// The README's line of the ACL is the list.
func TestReadmeNamesTheCommands(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	ok(t, "read", err)
	_, line, _ := strings.Cut(string(readme), "ACL SETUSER ropcd on '~ropcd:*' -@all \\\n")
	line, _, _ = strings.Cut(line, "```")
	line = strings.NewReplacer("\\\n", "\n", "'", "").Replace(line) // of the shell
	if want := "+" + strings.Join(redis.Commands, " +"); strings.Join(strings.Fields(line), " ") != want {
		t.Errorf("the README has %s\nwant %s", line, want)
	}
}

func TestWrongPasswordIsUnavailable(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "right")
	s := open(t, server.Addr(), func(o *redis.Options) { o.Password = "wrong" })
	unavailable(t, s)
	ok(t, "right password", open(t, server.Addr(), func(o *redis.Options) { o.Password = "right" }).Ready(t.Context()))
}

func TestReadyNeedsRoomForAWrite(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "1")
	s := open(t, server.Addr())
	if err := s.Ready(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("ready: %v", err)
	}
}

func TestRevocationWorksWhenMemoryIsFull(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	s := open(t, server.Addr())
	addUser(t, s, "alice")
	g := login(t, s, "alice")
	ok(t, "config", c.ConfigSet(t.Context(), "maxmemory", "1").Err())
	if _, err := s.Begin(t.Context(), attempt("alice")); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("begin: %v", err)
	}
	ok(t, "revoke", s.Revoke(t.Context(), revocation(g, false)))
	if _, err := s.Inspect(t.Context(), g.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("inspect: %v", err)
	}
}

func TestReplicaIsNotUsed(t *testing.T) {
	master := redistest.Start(t)
	_, port, _ := strings.Cut(master.Addr(), ":")
	replica := redistest.Start(t, "--replicaof", "127.0.0.1", port, "--repl-diskless-sync-delay", "0")
	unavailable(t, open(t, replica.Addr(), timeout(time.Second)))
}

func TestReplicasConfirmWhatMustNotBeLost(t *testing.T) {
	master := redistest.Start(t, "--repl-diskless-sync-delay", "0")
	s := open(t, master.Addr(), func(o *redis.Options) { o.WaitReplicas, o.Timeout = 1, time.Second })
	alone := open(t, master.Addr(), func(o *redis.Options) { o.KeyPrefix = "alone" })
	addUser(t, alone, "alice")
	ctx := t.Context()
	if err := s.CreateUser(ctx, owner("alice")); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("no replica, and creating an owner answers %v", err)
	}
	if err := s.EndClient(ctx, alpha, "c"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("no replica, and ending a client's grants answers %v", err)
	}
	ending, used := effects(reserve(t, s, "alice"), storage.Success, 0), effects(reserve(t, s, "alice"), storage.Success, 7)
	used.Owner, used.EndGrants = nil, false
	for what, st := range map[string]storage.Settlement{"ending grants with a login": ending, "using a code": used} {
		if err := s.Finish(ctx, st); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("no replica, and %s answers %v", what, err)
		}
	}
	login(t, s, "alice")
	_, port, _ := strings.Cut(master.Addr(), ":")
	redistest.Start(t, "--replicaof", "127.0.0.1", port)
	until(t, "the replica confirms", func() bool { return s.EndClient(ctx, alpha, "c") == nil })
	until(t, "gone", func() bool { return errors.Is(s.DeleteUser(ctx, alpha, "alice"), storage.ErrNotFound) })
	ok(t, "flush scripts", raw(t, master.Addr()).ScriptFlush(context.Background()).Err())
	everything(t, s)
}

// A refused attempt costs Redis the same writes as one that is evaluated: with "appendfsync always" or wait_replicas a
// write takes time, and time tells.
func TestRefusedAttemptsWriteLikeEvaluatedOnes(t *testing.T) {
	server := redistest.Start(t)
	c, s := raw(t, server.Addr()), open(t, server.Addr())
	addUser(t, s, "owner")
	policy := realm.Lockout{Threshold: 2, Window: time.Hour, Duration: time.Hour, MaxDuration: time.Hour}
	writes := func(name string, want storage.Standing) string {
		t.Helper()
		before := dirty(t, c)
		b, err := s.Begin(t.Context(), storage.Attempt{Realm: alpha, Username: name, Policy: policy, Hold: time.Minute})
		ok(t, "begin", err)
		begun := dirty(t, c)
		ok(t, "fail", s.Finish(t.Context(), storage.Settlement{Reservation: b.Reservation, Outcome: storage.Failure}))
		if b.Standing != want {
			t.Fatalf("%s: standing %v, want %v", name, b.Standing, want)
		}
		return fmt.Sprintf("Begin %v, Finish %v", begun > before, dirty(t, c) > begun)
	}
	for _, name := range []string{"owner", "nobody"} {
		for i, want := range []storage.Standing{storage.Reserved, storage.Reserved, storage.Locked, storage.Locked} {
			if got := writes(name, want); got != "Begin true, Finish true" {
				t.Errorf("%s, attempt %d: what writes: %s", name, i+1, got)
			}
		}
	}
}

// dirty counts the changes that the server has made to its data.
func dirty(t *testing.T, c *goredis.Client) (n int) {
	t.Helper()
	info, err := c.Info(t.Context(), "persistence").Result()
	ok(t, "info", err)
	_, rest, _ := strings.Cut(info, "rdb_changes_since_last_save:")
	_, err = fmt.Sscan(rest, &n)
	ok(t, "read info", err)
	return n
}
