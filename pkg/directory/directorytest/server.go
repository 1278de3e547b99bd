package directorytest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/childtest"
)

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

	childtest.Child
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
	childtest.Start(t, func() error {
		s.port, s.ports = childtest.FreePort(t), childtest.FreePort(t)
		return s.run()
	})
	s.furnish()
	return s
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

// Pause stops the server's process, and returns when it does: connections stay and are made, nothing is answered.
func (s *Server) Pause() {
	s.Child.Pause()
	for s.answers(50 * time.Millisecond) { // its threads stop one after the other
	}
}

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
	return s.Run(cmd, func() bool { return s.answers(time.Second) })
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
