package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ropcd/ropcd/pkg/server"
)

// chunked is a request whose body comes in the given chunks.
func chunked(target string, chunks []string, headers ...string) string {
	var b strings.Builder
	b.WriteString("POST " + target + " HTTP/1.1\r\nHost: as.example\r\n" + lines(headers) +
		"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n")
	for _, c := range chunks {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(c), c)
	}
	return b.String() + "0\r\n\r\n"
}

func TestBodiesAreReadHoweverTheyCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	target, app, body := endpoint("/alpha", "access_token"), basic("/alpha", "app"), passwordGrant("/alpha", "demo")
	huge := strings.Repeat("x", 10<<20)
	for _, tc := range []struct {
		name, request string
		status        int
		want          string // in the body
	}{
		{"in one chunk", chunked(target, []string{body}, app), 200, `"access_token":`},
		{"byte by byte", chunked(target, strings.Split(body, ""), app), 200, `"access_token":`},
		{"16 KiB in chunks", chunked(target, []string{body + "&x=", strings.Repeat("x", 16<<10-len(body)-3)}, app), 200, `"access_token":`},
		{"a byte more in chunks", chunked(target, []string{body + "&x=", strings.Repeat("x", 16<<10-len(body)-2)}, app), 400, "Request too large"},
		{"10 MiB", post(target, body+"&x="+huge, app), 400, "Request too large"},
		{"10 MiB in one chunk", chunked(target, []string{body + "&x=" + huge}, app), 400, "Request too large"},
		{"10 MiB of JSON", strings.Replace(post(target, huge, app), "x-www-form-urlencoded", "json", 1), 400, "Invalid Content Type"},
		{"an empty chunked body", chunked(target, nil, app), 400, "Grant type is not set"},
		{"a chunk's length that is none", strings.Replace(chunked(target, []string{body}, app), "\r\n\r\n", "\r\n\r\nzz", 1), 400, "Malformed request body"},
		{"a chunk that is longer than it says", strings.Replace(chunked(target, []string{body}, app), body, body+"&scope=write", 1), 400, "Malformed request body"},
		{"a trailer is no parameter", strings.TrimSuffix(chunked(target, []string{body}, app), "\r\n") + "scope: admin\r\n\r\n", 200, `"scope":"write"`},
	} {
		a := w.send(t, tc.request)
		if a.status != tc.status || !strings.Contains(a.body, tc.want) {
			t.Errorf("%s: want %d %s\n%.500s", tc.name, tc.status, tc.want, a)
		}
	}
}

// TestABodyThatEndsEarlyIsMalformed is for a Content-Length that is not kept to.
func TestABodyThatEndsEarlyIsMalformed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for _, body := range []string{passwordGrant("/alpha", "demo"), ""} {
		request := strings.Replace(post(endpoint("/alpha", "access_token"), body, basic("/alpha", "app")), "Content-Length: ", "Content-Length: 1", 1)
		c := w.dial(t)
		if _, err := c.conn.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		must(t, c.conn.(*net.TCPConn).CloseWrite())
		if a := value(c.read(http.MethodPost))(t); a.status != 400 || !strings.Contains(a.body, "Malformed request body") {
			t.Errorf("%q: %s", body, a)
		}
	}
}

// TestRequestsCanNotBeSmuggled: where a proxy in front could see another end of the request, there is one answer at
// most, and the connection ends (RFC 9112 section 6.1).
func TestRequestsCanNotBeSmuggled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	hidden := get("/smuggled")
	head := func(headers ...string) string {
		return "POST " + endpoint("/alpha", "introspect") + " HTTP/1.1\r\nHost: as.example\r\n" + lines(headers) + "\r\n"
	}
	for _, tc := range []struct{ name, raw string }{
		{"Content-Length and Transfer-Encoding", head("Content-Length: 200", "Transfer-Encoding: chunked") + "0\r\n\r\n" + hidden},
		{"Transfer-Encoding and Content-Length", head("Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n" + hidden},
		{"two lengths", head("Content-Length: 0", "Content-Length: 40") + hidden},
		{"two lengths in one", head("Content-Length: 0, 40") + hidden},
		{"a length with a sign", head("Content-Length: +0") + hidden},
		{"a length below zero", head("Content-Length: -1") + hidden},
		{"a length in hex", head("Content-Length: 0x0") + hidden},
		{"an unknown encoding", head("Transfer-Encoding: xchunked") + "0\r\n\r\n" + hidden},
		{"two encodings", head("Transfer-Encoding: chunked", "Transfer-Encoding: identity") + "0\r\n\r\n" + hidden},
		{"chunked twice", head("Transfer-Encoding: chunked, chunked") + "0\r\n\r\n" + hidden},
		{"a space before the colon", head("Transfer-Encoding : chunked", "Content-Length: 0") + hidden},
		{"a vertical tab", head("Transfer-Encoding: \x0bchunked", "Content-Length: 0") + hidden},
		{"a line that is no header", head("Content-Length: 0", "GET /smuggled HTTP/1.1") + hidden},
		{"two hosts", head("Host: id.example", "Content-Length: 0") + hidden},
		{"chunked in HTTP/1.0", strings.Replace(head("Transfer-Encoding: chunked"), "HTTP/1.1", "HTTP/1.0", 1) + "0\r\n\r\n" + hidden},
	} {
		c := w.dial(t)
		if _, err := io.WriteString(c.conn, tc.raw); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(c.in)
		if n := strings.Count(string(rest), "HTTP/1."); n != 1 || err != nil {
			t.Errorf("%s: %d answers, %v\n%s", tc.name, n, err, rest)
		}
		if strings.Contains(string(rest), "Resource not found") {
			t.Errorf("%s: the hidden request was answered", tc.name)
		}
	}
}

// TestRequestsThatFollowEachOtherAreTwo is the control of the test above.
func TestRequestsThatFollowEachOtherAreTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	c := w.dial(t)
	if a := c.send(post(endpoint("/alpha", "introspect"), "token=x", basic("/alpha", "app")) + get("/second")); a.body != `{"active":false}` {
		t.Error(a)
	}
	if a := value(c.read(http.MethodGet))(t); a.status != 404 {
		t.Error(a)
	}
}

func TestHugeHeadersAreRefusedAndTheProcessLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for _, request := range []string{
		get("/oauth2/access_token", "X: "+strings.Repeat("x", 64<<10)),
		get("/oauth2/access_token", strings.Repeat("X: y\r\n", 20<<10)+"X: y"),
		get("/" + strings.Repeat("x", 64<<10)),
		get("/oauth2/access_token", basicRaw("app", strings.Repeat("x", 64<<10))),
	} {
		if a := w.send(t, request); a.status != http.StatusRequestHeaderFieldsTooLarge && a.status != http.StatusRequestURITooLong {
			t.Errorf("%.60q…: %s", request, a)
		}
	}
	w.login(t, "/alpha", "app")
}

// offered is a body that remembers how much memory there was for it, beyond what had come.
type offered struct {
	io.Reader
	most int
}

func (o *offered) Read(p []byte) (int, error) {
	o.most = max(o.most, len(p))
	return o.Reader.Read(p)
}

func (o *offered) Close() error { return nil }

// TestAnAnnouncedLengthTakesNoMemory: many can announce a body at once that never comes.
func TestAnAnnouncedLengthTakesNoMemory(t *testing.T) {
	t.Parallel()
	read := func(length int, text string) (url.Values, string, int) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		body := &offered{Reader: iotest.OneByteReader(strings.NewReader(text))}
		r.Body, r.ContentLength = body, int64(length)
		form, refused := server.ReadForm(r, []string{"scope"}, nil)
		return form, refused, body.most
	}
	if _, refused, most := read(server.MaxBody, ""); refused != "Malformed request body" || most > 1<<10 {
		t.Errorf("%q; there was memory for %d bytes", refused, most)
	}
	for _, length := range []int{7, 511, 512, 513, 1023, 1024, 1025, 5000, server.MaxBody} {
		value := strings.Repeat("x", length-len("scope="))
		if form, refused, most := read(length, "scope="+value); refused != "" || form.Get("scope") != value || most > max(512, length/2+1) {
			t.Errorf("%d bytes: %q, %d of them, and memory for %d more", length, refused, len(form.Get("scope")), most)
		}
		if _, refused, _ := read(length, "scope="+value[1:]); refused != "Malformed request body" {
			t.Errorf("a byte less than %d: %q", length, refused)
		}
	}
}
