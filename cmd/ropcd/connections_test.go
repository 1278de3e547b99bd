package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tight starts a server whose limits are narrow.
func tight(t *testing.T) *process {
	t.Helper()
	dir := t.TempDir()
	configure(t, dir, "{driver: bolt, bolt: {path: store.db}}", alpha)
	path := filepath.Join(dir, "config.yaml")
	text := strings.Replace(file(t, path), `base_url: "http://127.0.0.1:1"`, `base_url: "http://127.0.0.1:1", limits: {connections: 3, header: 4KiB, header_timeout: 1s, read_timeout: 1s, write_timeout: 3s, idle_timeout: 1s}`, 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, dir)
}

func (p *process) dial(t *testing.T) net.Conn {
	t.Helper()
	return dial(t, "tcp", strings.TrimPrefix(p.url, "http://"))
}

func dial(t *testing.T, network, address string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// ended reports what the server says on a connection until it closes it.
func ended(t *testing.T, c net.Conn) string {
	t.Helper()
	said, err := io.ReadAll(c)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		t.Errorf("the connection is not closed; it said %q", said)
	}
	return string(said)
}

// The attacks: clients that are slow, large or many. Each is cut off, and others are served meanwhile.
func TestSlowAndLargeClientsAreCutOff(t *testing.T) {
	p := tight(t)
	ops, socket := strings.TrimPrefix(p.ops, "http://"), filepath.Join(p.dir, "admin.sock")
	for name, open := range map[string]func() net.Conn{
		"clients": func() net.Conn { return p.dial(t) }, "process endpoints": func() net.Conn { return dial(t, "tcp", ops) },
		"administrators": func() net.Conn { return dial(t, "unix", socket) },
	} {
		t.Run(name, func(t *testing.T) { cutsOff(t, open) })
	}
}

// cutsOff attacks one of the doors.
func cutsOff(t *testing.T, open func() net.Conn) {
	t.Helper()
	const head = "POST /oauth2/alpha/access_token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	for name, sent := range map[string]string{
		"nothing":            "",
		"half a header":      "POST /oauth2/alpha/access_token HTTP/1.1\r\nHost",
		"half a body":        head + "Content-Length: 100\r\n\r\ngrant_type=",
		"a body in no hurry": head + "Transfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := open()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if said := ended(t, c); strings.Contains(said, " 200 ") {
				t.Errorf("it said %q", said)
			}
		})
	}
	c := open()
	_, _ = fmt.Fprintf(c, "GET /x HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("a", 64<<10)) // it may be closed on the way
	if said := ended(t, c); said != "" && !strings.HasPrefix(said, "HTTP/1.1 431 ") {
		t.Errorf("a huge header: %q", said)
	}
}

// Beyond the limit connections wait, and are served when another one has gone; the process endpoints have their own.
func TestConnectionsWaitToBeLetIn(t *testing.T) {
	p := tight(t)
	ask := func(c net.Conn) (int, error) {
		if _, err := io.WriteString(c, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return 0, err
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return 0, err
		}
		_ = response.Body.Close()
		return response.StatusCode, nil
	}
	for range 12 { // four times as many as are let in; idle ones are closed after a second
		c := p.dial(t)
		if status, err := ask(c); err != nil || status != http.StatusNotFound {
			t.Fatalf("status %d, %v", status, err)
		}
		if status, _ := p.get("/healthz"); status != http.StatusOK {
			t.Fatalf("health: %d", status)
		}
	}
}
