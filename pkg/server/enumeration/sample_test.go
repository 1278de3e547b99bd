package enumeration_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// connection is one keep-alive connection to a server.
type connection struct {
	world *world
	conn  net.Conn
	in    *bufio.Reader
	body  string // of every answer
}

func (w *world) dial(t testing.TB) *connection {
	t.Helper()
	conn := value(net.Dial("tcp", w.addr))(t)
	t.Cleanup(func() { _ = conn.Close() })
	return &connection{world: w, conn: conn, in: bufio.NewReader(conn)}
}

// request is what goes over the wire. Requests of all classes have the same length, but for the delay.
func (c *class) request(name string) []byte {
	form := url.Values{"grant_type": {"password"}, "username": {name}, "password": {c.password}}.Encode()
	client := base64.StdEncoding.EncodeToString([]byte(clientID + ":" + clientSecret))
	return fmt.Appendf(nil, "POST /oauth2/realms/root/realms%s/access_token HTTP/1.1\r\nHost: as.example\r\n"+
		"Authorization: Basic %s\r\n%s: %v\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		c.realm, client, delayHeader, c.delay, len(form), form)
}

// ask sends one request of the class, and measures from before its first byte is written to the first byte of the answer.
func (c *connection) ask(t testing.TB, k *class) (ms float64) {
	t.Helper()
	request := k.request(k.next())
	must(t, c.conn.SetDeadline(time.Now().Add(patience)))
	start := time.Now()
	_, err := c.conn.Write(request)
	must(t, err)
	_, err = c.in.Peek(1)
	took := time.Since(start)
	must(t, err)
	c.verify(t, k)
	return float64(took) / float64(time.Millisecond)
}

// verify reads the answer, which is the same for everybody, and finds in the audit log why it is a "no".
func (c *connection) verify(t testing.TB, k *class) {
	t.Helper()
	r, err := http.ReadResponse(c.in, nil)
	must(t, err)
	defer func() { _ = r.Body.Close() }()
	body := string(value(io.ReadAll(r.Body))(t))
	if c.body == "" {
		c.body = body
	}
	if r.StatusCode != http.StatusBadRequest || body != c.body {
		t.Fatalf("%v: %s %q, others get %q", k, r.Status, body, c.body)
	}
	if !k.refused(c.world.audit.hasReason) {
		t.Fatalf("%v: not refused as %s, %s", k, k.reason, c.world.audit.line)
	}
}

// warmUp asks for every name of the warm classes once.
func (c *connection) warmUp(t testing.TB, classes []*class) {
	t.Helper()
	for range warmNames {
		for _, k := range classes {
			if k.warm {
				c.ask(t, k)
			}
		}
	}
}

// sample asks once for every class in each round, in random order.
func (c *connection) sample(t testing.TB, classes []*class, rounds int) {
	t.Helper()
	for range rounds {
		for _, i := range rand.Perm(len(classes)) {
			k := classes[i]
			k.times = append(k.times, c.ask(t, k))
		}
	}
}
