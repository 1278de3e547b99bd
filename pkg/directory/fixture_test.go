package directory_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/directory"
	"github.com/ropcd/ropcd/pkg/directory/directorytest"
)

const password = "right secret" // of every user, unless said otherwise

// options are those for a directory at these URLs, of the kind that directorytest runs.
func options(s *directorytest.Server, urls ...string) directory.Options {
	return directory.Options{
		URLs: urls, CA: s.CA(), BindDN: directorytest.BindDN, BindPassword: directorytest.BindPassword,
		Base: directorytest.People, Filter: "(&(objectClass=person)(uid={username}))", Timeout: 20 * time.Second,
	}
}

func open(t *testing.T, o directory.Options) *directory.Directory {
	t.Helper()
	d, err := directory.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// check wants an answer that is no more than right or a state.
func check(t *testing.T, d *directory.Directory, username, password string, want directory.Answer) {
	t.Helper()
	got, err := d.Check(t.Context(), username, password)
	if err != nil || got.Right != want.Right || got.State != want.State {
		t.Errorf("%q, %q: %+v, %v, want %+v", username, password, got, err, want)
	}
}

// unavailable wants no answer, of the reason that is part of the error's text.
func unavailable(t *testing.T, d *directory.Directory, username, reason string) {
	t.Helper()
	got, err := d.Check(t.Context(), username, password)
	if !errors.Is(err, directory.ErrUnavailable) || !strings.Contains(err.Error(), reason) || got.Right {
		t.Errorf("%q: %+v, %v, want unavailable: %s", username, got, err, reason)
	}
	for _, hidden := range []string{username, password, directorytest.BindPassword} {
		if err != nil && strings.Contains(err.Error(), hidden) {
			t.Errorf("%v names %q", err, hidden)
		}
	}
}

var right = directory.Answer{Right: true}

func no(s directory.State) directory.Answer { return directory.Answer{State: s} }

// eventually polls for what another process or goroutine does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// relay stands before a server, listens to what clients say, and counts them.
type relay struct {
	to string
	l  net.Listener

	mu              sync.Mutex
	heard           bytes.Buffer
	all, open, most int
	cut             int // clients up to this one are hung up on when they say something
}

// newRelay relays to an address; if that is empty, it answers each packet of a client with answer, or not at all.
func newRelay(t *testing.T, to string, answer []byte) *relay {
	t.Helper()
	return newRelayAt(t, "127.0.0.1:0", to, answer)
}

func newRelayAt(t *testing.T, at, to string, answer []byte) *relay {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{to: to, l: l}
	var clients sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); clients.Wait() })
	clients.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := r.count(1)
			clients.Go(func() {
				defer r.count(-1)
				defer func() { _ = c.Close() }()
				r.serve(c, n, answer)
			})
		}
	})
	return r
}

func (r *relay) serve(c net.Conn, n int, answer []byte) {
	if r.to == "" {
		buffer := make([]byte, 4096)
		for n, err := c.Read(buffer); err == nil; n, err = c.Read(buffer) {
			_, _ = ear{r, 1}.Write(buffer[:n])
			_, _ = c.Write(answer)
		}
		return
	}
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	go func() { // until either side closes
		_, _ = io.Copy(c, server)
		_ = c.Close()
	}()
	_, _ = io.Copy(io.MultiWriter(ear{r, n}, server), c)
	_ = server.Close()
}

func (r *relay) count(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all += max(n, 0)
	r.open += n
	r.most = max(r.most, r.open)
	return r.all
}

// ear hears what the relay's client of a number says.
type ear struct {
	*relay
	client int
}

func (e ear) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client <= e.cut {
		return 0, io.ErrClosedPipe
	}
	return e.heard.Write(b)
}

// hangUp ends the connections of now, as soon as something is said there.
func (r *relay) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = r.all
}

// said is everything that clients said.
func (r *relay) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard.String()
}

// clients are how many there were, are, and were at most at once.
func (r *relay) clients() (all, open, most int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all, r.open, r.most
}

func (r *relay) ldap() string { return "ldap://" + r.l.Addr().String() }

func (r *relay) ldaps() string { return "ldaps://" + r.l.Addr().String() }
