package directorytest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit is how long a server may take until it answers.
const startLimit = 20 * time.Second

// Options are how a server differs from the usual one. The zero value is usable.
type Options struct {
	// RequireTLS refuses everything but StartTLS on a connection without TLS.
	RequireTLS bool

	// Anonymous lets everybody search.
	Anonymous bool

	// Answering lets entries say how the server answers their binds (see [Answering]), and everybody search.
	Answering bool
}

// Server is a slapd on free ports of the loopback interface, with an empty directory below [Base]. It is killed when its
// test ends. Its methods may be called from one goroutine at a time.
type Server struct {
	t           testing.TB
	opts        Options
	dir         string
	port, ports string // of ldap and of ldaps
	ca          []byte

	mu  sync.Mutex
	cmd *exec.Cmd
}

// Start runs a server with the policies, the searching entry [BindDN] and no users, and waits until it answers.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "slapd")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, opts: o, dir: dir}
	t.Cleanup(func() {
		s.Kill()
		_ = os.RemoveAll(dir)
	})
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	for range 5 { // somebody else may take a port in between
		s.port, s.ports = freePort(t), freePort(t)
		if err = s.run(); err == nil {
			s.furnish()
			return s
		}
	}
	t.Fatal(err)
	return nil
}

// URL is where the server listens without TLS, until StartTLS.
func (s *Server) URL() string { return "ldap://" + s.Addr() }

// TLSURL is where the server listens with TLS.
func (s *Server) TLSURL() string { return "ldaps://" + net.JoinHostPort("127.0.0.1", s.ports) }

// Addr is the host and port of URL.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", s.port) }

// Dir is where the server keeps its files.
func (s *Server) Dir() string { return s.dir }

// CA is the certificate, in PEM, of who signed the server's own, which is for 127.0.0.1 and localhost.
func (s *Server) CA() []byte { return s.ca }

// Kill ends the server with SIGKILL, and returns when it is gone.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Stop ends the server with SIGTERM, as an orderly shutdown does, and returns when it is gone.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Pause stops the server's process, and returns when it does: connections stay and are made, nothing is answered.
func (s *Server) Pause() {
	s.signal(syscall.SIGSTOP)
	for s.answers(50 * time.Millisecond) { // its threads stop one after the other
	}
}

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

// Restart runs a server that was stopped or killed again, on the same ports and with its entries, and waits until it
// answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.run(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) run() error {
	cmd := exec.Command(filepath.Join(s.dir, "slapd"), "-d", "none", "-f", filepath.Join(s.dir, "slapd.conf"), "-h", s.URL()+" "+s.TLSURL())
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
		return fmt.Errorf("start slapd: %w", err)
	}
	s.mu.Lock()
	s.cmd = cmd
	s.mu.Unlock()
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-over:
			s.Kill()
			return fmt.Errorf("slapd ended: %w\n%s", err, log.String())
		default:
		}
		if s.answers(time.Second) {
			return nil
		}
	}
	s.Kill()
	return errors.New("slapd does not answer")
}

// answers reports whether the server does; it listens on both ports before it answers on one.
func (s *Server) answers(within time.Duration) bool {
	c, err := net.DialTimeout("tcp", s.Addr(), within)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(within))
	_, _ = c.Write([]byte("0\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00")) // an anonymous bind, RFC 4511 section 4.2
	n, _ := c.Read(make([]byte, 1))
	return n == 1
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
