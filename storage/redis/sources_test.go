package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// Who fails must not learn, from what it costs Redis, whether a place is known: the same commands run, whichever account
// judges, locked or not, and whether the name is anybody's.
func TestKnownSourcesCostTheSame(t *testing.T) {
	server := redistest.Start(t)
	c, s := raw(t, server.Addr()), open(t, server.Addr())
	addUser(t, s, "alice")
	for n := range byte(storage.MaxSources) {
		ok(t, "log in", s.Finish(t.Context(), storage.Settlement{Reservation: reserveAt(t, s, "alice", n+1), Outcome: storage.Success}))
	}
	policy := realm.Lockout{Threshold: 2, Window: time.Hour, Duration: time.Hour, MaxDuration: time.Hour}
	fail := func(name string, n byte, want storage.Standing) {
		t.Helper()
		a := attempt(name)
		a.Policy, a.Source = policy, storage.Source{n}
		b, err := s.Begin(t.Context(), a)
		ok(t, "begin", err)
		ok(t, "fail", s.Finish(t.Context(), storage.Settlement{Reservation: b.Reservation, Outcome: storage.Failure}))
		if b.Standing != want {
			t.Fatalf("%s at %d: standing %v, want %v", name, n, b.Standing, want)
		}
	}
	fail("alice", storage.MaxSources, storage.Reserved) // loads the scripts
	fail("alice", 99, storage.Reserved)
	fail("nobody", 1, storage.Reserved)
	for i, want := range []storage.Standing{storage.Reserved, storage.Locked, storage.Locked} {
		known := commands(t, c, func() { fail("alice", storage.MaxSources, want) })
		away := commands(t, c, func() { fail("alice", 99, want) })
		nobody := commands(t, c, func() { fail("nobody", 1, want) })
		if known != away || known != nobody {
			t.Errorf("attempt %d:\nknown  %s\naway   %s\nnobody %s", i+2, known, away, nobody)
		}
	}
}

// commands is how often each command ran, SETRANGE as SET.
func commands(t *testing.T, c *goredis.Client, f func()) string {
	t.Helper()
	ok(t, "reset", c.ConfigResetStat(t.Context()).Err())
	f()
	stats, err := c.InfoMap(t.Context(), "commandstats").Result()
	ok(t, "info", err)
	count := map[string]int{}
	for command, stat := range stats["Commandstats"] {
		n := 0
		_, err := fmt.Sscanf(stat, "calls=%d", &n)
		ok(t, "read info", err)
		count[strings.Replace(strings.TrimPrefix(command, "cmdstat_"), "setrange", "set", 1)] += n
	}
	delete(count, "info")
	delete(count, "config|resetstat")
	return fmt.Sprint(count)
}

func TestDamagedSourcesAreNoticed(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	for how, value := range map[string]string{
		"garbage": "garbage", "one too many": strings.Repeat("\x00", 54*(storage.MaxSources+1)), "cut short": strings.Repeat("\x00", 53),
		"another format": "\x01" + strings.Repeat("\x00", 53),
	} {
		s := open(t, server.Addr(), prefix("damage "+how))
		addUser(t, s, "alice")
		ok(t, "log in", s.Finish(t.Context(), storage.Settlement{Reservation: reserveAt(t, s, "alice", 1), Outcome: storage.Success}))
		r := reserveAt(t, s, "alice", 1)
		ok(t, "set", c.Set(t.Context(), keysOf(t, c, "damage "+how, ":k:")[0], value, 0).Err())
		a := attempt("alice")
		a.Source = storage.Source{1}
		_, begin := s.Begin(t.Context(), a)
		finish := s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Failure})
		_, list := s.Sources(t.Context(), alpha, "alice")
		for call, err := range map[string]error{"Sources": list, "Begin": begin, "Finish": finish, "UnlockUser": s.UnlockUser(t.Context(), alpha, "alice")} {
			if !errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("%s: %s: error %v, want ErrDamaged", how, call, err)
			}
		}
	}
}
