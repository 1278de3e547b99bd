// Package redistest runs real Redis servers for tests.
//
// It leaves clusters and sentinels to who needs them: Start takes any of redis-server's own options.
//
// The one thing to know before changing it: a missing redis-server fails the test. A suite that skips proves nothing.
package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit is how long a server may take until it answers.
const startLimit = 20 * time.Second

// Server is a redis-server on a free port of the loopback interface, in an empty directory, that keeps nothing on disk
// unless its arguments say so. It is killed when its test ends. Its methods may be called from one goroutine at a time.
type Server struct {
	t    testing.TB
	port string
	dir  string
	args []string

	mu  sync.Mutex
	cmd *exec.Cmd
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
	for range 5 { // somebody else may take the port in between
		s.port = freePort(t)
		if err = s.run(); err == nil {
			return s
		}
	}
	t.Fatal(err)
	return nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", s.port) }

// Dir is where the server keeps its files, if any.
func (s *Server) Dir() string { return s.dir }

// Kill ends the server with SIGKILL, and returns when it is gone.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Stop ends the server with SIGTERM, as an orderly shutdown does, and returns when it is gone.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Pause stops the server's process: connections stay, nothing is answered.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

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
	cmd := exec.Command("redis-server", args...)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = orphan()
	started, over := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // a server dies with the thread that started it: keep this one until then
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			over <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start redis-server: %w", err)
	}
	s.mu.Lock()
	s.cmd = cmd
	s.mu.Unlock()
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-over:
			over <- err
			s.Kill()
			return fmt.Errorf("redis-server ended: %w\n%s", err, log.String())
		default:
		}
		if err := s.ping(); err == nil {
			return nil
		}
	}
	s.Kill()
	return errors.New("redis-server does not answer")
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

func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(sig)
	}
}

func (s *Server) end(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	_ = s.cmd.Process.Signal(sig)
	for s.cmd.Process.Signal(syscall.Signal(0)) == nil { // until it was waited for
		time.Sleep(time.Millisecond)
	}
	s.cmd = nil
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
