// Package redistest runs real Redis servers for tests.
//
// It leaves clusters and sentinels to who needs them: Start takes any of redis-server's own options.
//
// The one thing to know before changing it: a missing redis-server fails the test. A suite that skips proves nothing.
package redistest

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/childtest"
)

// Server is a redis-server on a free port of the loopback interface, in an empty directory, that keeps nothing on disk
// unless its arguments say so. It is killed when its test ends. Its methods may be called from one goroutine at a time.
type Server struct {
	t    testing.TB
	port string
	dir  string
	args []string

	childtest.Child
}

// Start runs a server, with more arguments for redis-server if any are given ("--maxmemory", "1mb"), and waits until it
// answers.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatalf("no redis-server: install it (apt-get install redis-server, brew install redis): %v", err)
	}
	dir, err := os.MkdirTemp("", "redistest")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, dir: dir, args: args}
	t.Cleanup(func() {
		s.Kill()
		_ = os.RemoveAll(dir)
	})
	childtest.Start(t, func() error {
		s.port = childtest.FreePort(t)
		return s.run()
	})
	return s
}

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

func (s *Server) run() error {
	args := append([]string{
		"--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no", "--daemonize", "no",
		"--loglevel", "warning",
	}, s.args...)
	return s.Run(exec.Command("redis-server", args...), func() bool { return s.ping() == nil })
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
