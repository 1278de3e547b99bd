package redis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

func timeout(d time.Duration) func(*redis.Options) { return func(o *redis.Options) { o.Timeout = d } }

// calls are one call of each kind, by what it does.
func calls(ctx context.Context, s *redis.Store) map[string]error {
	id := storage.NewGrantID(alpha, "alice")
	_, begin := s.Begin(ctx, attempt("alice"))
	_, inspect := s.Inspect(ctx, id)
	_, inspectOwner := s.InspectOwner(ctx, id)
	_, refresh := s.Refresh(ctx, refreshStep(&storage.Grant{ID: id, Realm: alpha, ClientID: clientID}))
	_, byName := s.UserByName(ctx, alpha, "alice")
	_, byID := s.UserByID(ctx, alpha, "1")
	_, sources := s.Sources(ctx, alpha, "alice")
	_, client := s.Client(ctx, alpha, "c")
	_, list := s.GrantsOf(ctx, alpha, "alice")
	one, two, three := limits()
	_, charge := s.Charge(ctx, one)
	_, charges := s.Charge(ctx, one, two, three)
	var users, grants error
	for _, users = range s.Users(ctx, alpha) {
		break
	}
	for _, grants = range s.Grants(ctx, alpha) {
		break
	}
	return map[string]error{
		"Begin": begin, "Inspect": inspect, "InspectOwner": inspectOwner, "Refresh": refresh, "UserByName": byName,
		"UserByID": byID, "Sources": sources, "Client": client, "GrantsOf": list, "Users": users, "Grants": grants,
		"Charge": charge, "Charge, two parties": charges,
		"Finish": s.Finish(ctx, storage.Settlement{Reservation: storage.Reservation{Realm: alpha, Username: "alice"}}),
		"Revoke": s.Revoke(ctx, storage.Revocation{ID: id, Realm: alpha}), "EndGrant": s.EndGrant(ctx, alpha, id),
		"EndUser": s.EndUser(ctx, alpha, "alice"), "EndClient": s.EndClient(ctx, alpha, "c"), "EndRealm": s.EndRealm(ctx, alpha),
		"CreateUser": s.CreateUser(ctx, owner("alice")), "UpdateUser": s.UpdateUser(ctx, owner("alice"), true),
		"UnlockUser": s.UnlockUser(ctx, alpha, "alice"), "DeleteUser": s.DeleteUser(ctx, alpha, "alice"),
		"CreateClient": s.CreateClient(ctx, newClient("c")), "UpdateClient": s.UpdateClient(ctx, newClient("c")),
		"DeleteClient": s.DeleteClient(ctx, alpha, "c"), "Ready": s.Ready(ctx),
	}
}

func unavailable(t *testing.T, s *redis.Store) {
	t.Helper()
	for what, err := range calls(t.Context(), s) {
		if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, storage.ErrDamaged) {
			t.Errorf("%s: error %v, want ErrUnavailable", what, err)
		}
	}
}

func TestStoreRecoversFromARestartWithoutReopening(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr(), timeout(300*time.Millisecond))
	addUser(t, s, "alice")
	server.Kill()
	unavailable(t, s)
	server.Restart() // empty, and without scripts
	until(t, "ready", func() bool { return s.Ready(t.Context()) == nil })
	until(t, "create an owner", func() bool { return s.CreateUser(t.Context(), owner("bob")) == nil })
	login(t, s, "bob")
}

func TestOpenDoesNotWantTheServer(t *testing.T) {
	server := redistest.Start(t)
	server.Stop()
	s := open(t, server.Addr(), timeout(300*time.Millisecond))
	unavailable(t, s)
	server.Restart()
	until(t, "ready", func() bool { return s.Ready(t.Context()) == nil })
}

func TestServerThatHangsCostsNoMoreThanTheTimeout(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr(), timeout(200*time.Millisecond))
	addUser(t, s, "alice")
	server.Pause()
	start := time.Now()
	_, err := s.Begin(t.Context(), attempt("alice"))
	if took := time.Since(start); !errors.Is(err, storage.ErrUnavailable) || took > 5*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	server.Resume()
	until(t, "begin", func() bool { _, err := s.Begin(t.Context(), attempt("alice")); return err == nil })
}

func TestCallersDeadlineIsKept(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr(), timeout(30*time.Second))
	addUser(t, s, "alice")
	server.Pause()
	defer server.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := s.UserByName(ctx, alpha, "alice")
	if took := time.Since(start); !errors.Is(err, storage.ErrUnavailable) || took > 10*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

func TestLostBeginIsGivenBack(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr())
	addUser(t, s, "alice")
	type loser struct{} // marks the one call whose answer is lost, and no call that gives something back meanwhile
	s.AddHook(hook{command: func(ctx context.Context, cmd goredis.Cmder, next goredis.ProcessHook) error {
		err := next(ctx, cmd)
		if lose, ok := ctx.Value(loser{}).(*atomic.Bool); ok && lose.Swap(false) {
			cmd.SetErr(io.EOF)
			return io.EOF
		}
		return err
	}})
	for _, name := range []string{"alice", "nobody"} {
		_ = reserve(t, s, name) // one is under way, and loads the script
		one := storage.Attempt{Realm: alpha, Username: name, Policy: lockoutOf(2), Hold: time.Minute}
		var lose atomic.Bool
		lose.Store(true)
		if _, err := s.Begin(context.WithValue(t.Context(), loser{}, &lose), one); !errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("%s: the answer was lost, and the error is %v", name, err)
		}
		until(t, "the place of "+name+" is free", func() bool {
			b, err := s.Begin(t.Context(), one)
			ok(t, "begin", err)
			return b.Standing == storage.Reserved
		})
	}
}

func TestScriptsAreLoadedAgain(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	s := open(t, server.Addr())
	s.AddHook(hook{command: func(ctx context.Context, cmd goredis.Cmder, next goredis.ProcessHook) error {
		if cmd.Name() == "evalsha" {
			if err := c.ScriptFlush(ctx).Err(); err != nil {
				return err
			}
		}
		return next(ctx, cmd)
	}})
	everything(t, s)
}

// stub is a server that gives one reply to every command after the handshake.
func stub(t *testing.T, reply string) string {
	t.Helper()
	return answering(t, func(command string) string {
		switch name, _, _ := strings.Cut(command, " "); name {
		case "hello":
			return "*2\r\n$5\r\nproto\r\n:2\r\n"
		case "info":
			return "$0\r\n\r\n"
		}
		return reply
	})
}

// answering is a server that gives each command, in lower case with spaces between its words, an answer; it hangs up
// behind one that is empty.
func answering(t *testing.T, answer func(command string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, "listen", err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveStub(c, answer)
		}
	}()
	return l.Addr().String()
}

func serveStub(c net.Conn, answer func(command string) string) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for {
		var n int
		if _, err := fmt.Fscanf(in, "*%d\r\n", &n); err != nil {
			return
		}
		words := make([]string, n)
		for i := range words {
			var size int
			if _, err := fmt.Fscanf(in, "$%d\r\n", &size); err != nil {
				return
			}
			b := make([]byte, size+2)
			if _, err := io.ReadFull(in, b); err != nil {
				return
			}
			words[i] = strings.ToLower(string(b[:size]))
		}
		out := answer(strings.Join(words, " "))
		if _, err := io.WriteString(c, out); err != nil || out == "" {
			return
		}
	}
}

func TestServersRefusalsAreUnavailable(t *testing.T) {
	for _, reply := range []string{
		"-READONLY You can't write against a read only replica.\r\n",
		"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
		"-LOADING Redis is loading the dataset in memory\r\n",
		"-MASTERDOWN Link with MASTER is down\r\n",
		"-CLUSTERDOWN The cluster is down\r\n",
		"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
		"-MISCONF Redis is configured to save RDB snapshots\r\n",
		"-NOREPLICAS Not enough good replicas to write.\r\n",
		"-NOPERM User default has no permissions to run the 'evalsha' command\r\n",
		"-NOAUTH Authentication required.\r\n",
		"-ERR user_script:1: a fault in a script\r\n",
		"-MOVED 1 127.0.0.1:1\r\n",
		"-NOSCRIPT No matching script. Please use EVAL.\r\n",
		"?what is this\r\n",
		"", // hangs up
	} {
		t.Run(reply[:min(len(reply), 12)], func(t *testing.T) {
			t.Parallel()
			unavailable(t, open(t, stub(t, reply), timeout(250*time.Millisecond)))
		})
	}
}

func TestReplyOfNoScriptIsUnavailable(t *testing.T) {
	for _, reply := range []string{":7\r\n", "$-1\r\n", "*0\r\n", "*1\r\n:9\r\n", "+OK\r\n", "$4\r\nwhat\r\n", "*3\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\nz\r\n"} {
		s := open(t, stub(t, reply), timeout(250*time.Millisecond))
		_, err := s.Begin(t.Context(), attempt("alice"))
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%q: Begin: %v", reply, err)
		}
		err = s.EndUser(t.Context(), alpha, "alice")
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%q: EndUser: %v", reply, err)
		}
	}
}
