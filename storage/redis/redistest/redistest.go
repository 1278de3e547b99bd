// Package redistest runs real Redis servers for tests.
//
// It leaves what is kept there, and how it is read, to who uses the servers: Start takes any of redis-server's own
// options, StartCluster and StartGroup those of each of their servers.
//
// The one thing to know before changing it: a missing redis-server fails the test. A suite that skips proves nothing.
package redistest

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/pkg/childtest"
)

// Server is a redis-server on a free port of the loopback interface, in an empty directory, that keeps nothing on disk
// unless its arguments say so. It is killed when its test ends. Its methods may be called from one goroutine at a time.
type Server struct {
	t    testing.TB
	port string
	dir  string
	args []string
	raw  *goredis.Client

	childtest.Child
}

// Start runs a server, with more arguments for redis-server if any are given ("--maxmemory", "1mb"), and waits until it
// answers.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, func(s *Server) []string { return s.with(args) })
}

// start is Start with all arguments, which are made for each port that is tried.
func start(t testing.TB, args func(s *Server) []string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatalf("no redis-server: install it (apt-get install redis-server, brew install redis): %v", err)
	}
	dir, err := os.MkdirTemp("", "redistest")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, dir: dir}
	t.Cleanup(func() {
		s.Kill()
		_ = os.RemoveAll(dir)
	})
	childtest.Start(t, func() error {
		s.port = childtest.FreePort(t)
		s.args = args(s)
		return s.run()
	})
	s.raw = goredis.NewClient(&goredis.Options{
		Addr: s.Addr(), DisableIdentity: true, Protocol: 2, MaxRetries: -1, DialTimeout: rawTimeout, ReadTimeout: rawTimeout,
	})
	t.Cleanup(func() { _ = s.raw.Close() })
	return s
}

// rawTimeout is how long a server that may be gone is asked.
const rawTimeout = time.Second

// ask sends a command, as text, and gives the answer as text: of a list only that it was one.
func (s *Server) ask(args ...any) (string, error) {
	answer, err := s.raw.Do(context.Background(), args...).Result()
	if text, ok := answer.(string); ok {
		return text, err
	}
	return "", err
}

// tell is ask for what must not fail.
func (s *Server) tell(args ...any) string {
	s.t.Helper()
	answer, err := s.ask(args...)
	if err != nil {
		s.t.Fatalf("redis: %v: %v", args[0], err)
	}
	return answer
}

// says reports whether an answer contains all these words.
func (s *Server) says(words []string, args ...any) bool {
	answer, err := s.ask(args...)
	for _, word := range words {
		if err != nil || !strings.Contains(answer, word) {
			return false
		}
	}
	return true
}

// until waits until something is so.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// patience is how long servers may take to agree.
const patience = 60 * time.Second

// Addr is where the server listens.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", s.port) }

// Dir is where the server keeps its files, if any.
func (s *Server) Dir() string { return s.dir }

// Restart runs a server that was stopped or killed again, on the same port, and waits until it answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.run(); err != nil {
		s.t.Fatal(err)
	}
}

// DropReplicas cuts the connections of the server's replicas. They come back by themselves, unless they are paused.
func (s *Server) DropReplicas() {
	s.t.Helper()
	s.raw.ClientKillByFilter(context.Background(), "type", "replica")
}

// with is more arguments behind those of every server that keeps data.
func (s *Server) with(more []string) []string {
	return append([]string{
		"--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no", "--daemonize", "no",
		"--loglevel", "warning", "--repl-diskless-sync-delay", "0",
	}, more...)
}

func (s *Server) run() error {
	return s.Run(exec.Command("redis-server", s.args...), func() bool { return s.ping() == nil })
}

// ping is nil when the server answers at all; it may want a password or be loading.
func (s *Server) ping() error {
	c, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && strings.HasPrefix(line, "-LOADING") {
		return errors.New("loading")
	}
	return err
}
