package server_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// answer is a response as it came over the wire.
type answer struct {
	status int
	line   string   // the status line
	fields []string // the header's lines, sorted, without Date
	body   string
}

func (a answer) String() string {
	return a.line + "\n" + strings.Join(a.fields, "\n") + "\n\n" + a.body
}

// header is the value of the one header field of that name, or empty.
func (a answer) header(name string) string {
	for _, f := range a.fields {
		if n, v, _ := strings.Cut(f, ": "); strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

// json is the body as a document.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("body %q: %v", a.body, err)
	}
	return m
}

// same is the answer without what differs between any two: the id of the request.
func (a answer) same() string {
	if id := a.header("X-Request-Id"); id != "" {
		return strings.ReplaceAll(a.String(), id, "ID")
	}
	return a.String()
}

// connection is a TCP connection to the server.
type connection struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func (w *world) dial(t testing.TB) *connection {
	t.Helper()
	addr := w.addrs[int(w.dialed.Add(1))%len(w.addrs)]
	conn := value(net.DialTimeout("tcp", addr, 10*time.Second))(t)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return &connection{t, conn, bufio.NewReader(conn)}
}

// send writes bytes as they are and reads one response.
func (c *connection) send(raw string) answer {
	c.t.Helper()
	go func() { _, _ = io.WriteString(c.conn, raw) }() // the server may answer, and hang up, before it has read everything
	method, _, _ := strings.Cut(raw, " ")
	a, err := c.read(method)
	if err != nil {
		c.t.Fatalf("response to %.200q: %v", raw, err)
	}
	return a
}

// read is one response to a request with that method.
func (c *connection) read(method string) (answer, error) {
	var a answer
	line, err := c.in.ReadString('\n')
	if err != nil {
		return a, err
	}
	a.line = strings.TrimRight(line, "\r\n")
	if a.status, err = strconv.Atoi(strings.Fields(a.line + " 0 0")[1]); err != nil {
		return a, err
	}
	for {
		if line, err = c.in.ReadString('\n'); err != nil {
			return a, err
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			break
		}
		if !strings.HasPrefix(line, "Date: ") {
			a.fields = append(a.fields, line)
		}
	}
	slices.Sort(a.fields)
	switch length := a.header("Content-Length"); {
	case method == http.MethodHead || a.status == http.StatusNoContent:
	case length == "":
		var b []byte
		b, err = io.ReadAll(c.in)
		a.body = string(b)
	default:
		n, _ := strconv.Atoi(length)
		b := make([]byte, n)
		_, err = io.ReadFull(c.in, b)
		a.body = string(b)
	}
	return a, err
}

// send is one request on a connection of its own.
func (w *world) send(t testing.TB, raw string) answer {
	t.Helper()
	c := w.dial(t)
	defer func() { _ = c.conn.Close() }()
	return c.send(raw)
}

// post is a request with a form. An empty client is none; headers come first.
func post(target, body string, headers ...string) string {
	return "POST " + target + " HTTP/1.1\r\nHost: as.example\r\n" + lines(headers) +
		"Content-Type: application/x-www-form-urlencoded\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func get(target string, headers ...string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: as.example\r\n" + lines(headers) + "\r\n"
}

func lines(headers []string) string {
	var b strings.Builder
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String()
}

// form encodes names and values that follow each other.
func form(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		parts = append(parts, pairs[i]+"="+url.QueryEscape(pairs[i+1]))
	}
	return strings.Join(parts, "&")
}

// basicRaw is the header that curl makes: id and secret as they are.
func basicRaw(id, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// basic is the header of RFC 6749 section 2.3.1 for a client of the harness.
func basic(key, id string) string {
	return basicRaw(url.QueryEscape(id), url.QueryEscape(secretOf(key, id)))
}

// passwordGrant is the form of a login.
func passwordGrant(key, username string, more ...string) string {
	return form(append([]string{"grant_type", "password", "username", username, "password", passwordOf(key)}, more...)...)
}

// login is a password grant of demo through a client, in the realm of the key.
func (w *world) login(t testing.TB, key, client string, more ...string) tokens {
	t.Helper()
	return w.exchange(t, key, client, passwordGrant(key, "demo", more...))
}

// tokens are those of a response.
type tokens struct{ access, refresh, scope string }

// exchange is a request to the token endpoint that must succeed.
func (w *world) exchange(t testing.TB, key, client, body string) tokens {
	t.Helper()
	a := w.send(t, post(endpoint(key, "access_token"), body, basic(key, client)))
	if a.status != http.StatusOK {
		t.Fatalf("%s at %s: %s", client, key, a)
	}
	m := a.json(t)
	text := func(name string) string { s, _ := m[name].(string); return s }
	return tokens{text("access_token"), text("refresh_token"), text("scope")}
}

// endpoint is the long form of an endpoint's path.
func endpoint(key, name string) string {
	path := "/oauth2/realms/root"
	for level := range strings.SplitSeq(strings.Trim(key, "/"), "/") {
		if level != "" {
			path += "/realms/" + level
		}
	}
	return path + "/" + name
}
