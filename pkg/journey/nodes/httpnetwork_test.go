package nodes_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ropcd/ropcd/pkg/directory/directorytest"
	"github.com/ropcd/ropcd/pkg/journey"
)

func TestHTTPDecisionFollowsNoRedirect(t *testing.T) {
	target := serve(t, status(http.StatusOK))
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{target.URL + "/check", "/check", "", "http://%zz/" + passwordCanary} {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", location)
				w.WriteHeader(code)
			})
			_, _, err := ask(t, server.journey(t, ""), canaries())
			if want := fmt.Sprintf("status %d, which is neither", code); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, journey.ErrUnavailable) {
				t.Errorf("%d to %q: %v", code, location, err)
			}
			if n := len(server.requests()); n != 1 {
				t.Errorf("%d to %q: asked %d times", code, location, n)
			}
			server.Close()
		}
	}
	if n := len(target.requests()); n != 0 {
		t.Errorf("the target was asked %d times", n)
	}
}

// unavailable wants a fault that passes by itself, with the text.
func unavailable(t *testing.T, name string, err error, text string) {
	t.Helper()
	if !errors.Is(err, journey.ErrUnavailable) || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, want %q", name, err, text)
	}
}

// The service echoes what it was sent in every place, and no fault repeats it.
func TestHTTPDecisionTakesBrokenAnswersForFaults(t *testing.T) {
	const broken = "no answer, or not one that can be understood"
	full := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
	for name, answer := range map[string]string{
		"nothing":                "",
		"no HTTP":                passwordCanary + "\r\n\r\n",
		"a broken status":        "HTTP/1.1 2x0 " + passwordCanary + "\r\n\r\n",
		"a broken version":       "HTTP/" + passwordCanary + " 200 OK\r\n\r\n",
		"a broken header":        "HTTP/1.1 200 OK\r\n" + passwordCanary + "\r\n\r\n",
		"a broken length":        "HTTP/1.1 200 OK\r\nContent-Length: " + passwordCanary + "\r\n\r\n",
		"two lengths":            full + "Content-Length: 7\r\n\r\n{}",
		"a broken encoding":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + passwordCanary + "\r\n\r\n{}",
		"a broken chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + passwordCanary + "\r\n",
		"a header without end":   "HTTP/1.1 200 OK\r\nX-A: b\r\n",
		"a huge header":          full + "X-Pad: " + strings.Repeat(passwordCanary, 4<<10) + "\r\n\r\n{}",
		"many headers":           full + strings.Repeat("X-Pad: "+passwordCanary+"\r\n", 2<<10) + "\r\n{}",
		"answers without end":    strings.Repeat("HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n", 2<<10),
		"a truncated body":       "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"email\":\"" + passwordCanary,
		"a truncated chunk":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}",
		"a truncated body of {}": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
	} {
		address := listen(t, func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, answer)
			c.Close()
		})
		j := httpJourney(t, filesOf(map[string]string{"secret": secretFile}), `{url: "http://`+address+`", secret_file: secret, attributes: {mail: email}}`)
		_, _, err := ask(t, j, canaries())
		unavailable(t, name, err, broken)
	}
}

func TestHTTPDecisionTakesAnAnswerBeforeTheRequestIsRead(t *testing.T) {
	address := listen(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 4))
		_, _ = io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	})
	j := httpJourney(t, filesOf(map[string]string{"secret": secretFile}), `{url: "http://`+address+`", secret_file: secret}`)
	in := canaries()
	in.Username = strings.Repeat("n", 1<<20) // more than the buffers on the way
	if outcome, _, err := ask(t, j, in); outcome != "false" || err != nil {
		t.Errorf("%q, %v", outcome, err)
	}
}

func TestHTTPDecisionReadsNoEndlessAnswer(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat(" ", 4<<10)); err != nil {
				return
			}
		}
	})
	_, _, err := ask(t, server.journey(t, ", attributes: {mail: email}"), canaries())
	if err == nil || errors.Is(err, journey.ErrUnavailable) || !strings.Contains(err.Error(), "larger than 65536 bytes") {
		t.Error(err)
	}
	if outcome, _, err := ask(t, server.journey(t, ""), canaries()); outcome != "true" {
		t.Errorf("nobody wants attributes: %q, %v", outcome, err)
	}
}

func TestHTTPDecisionReachesNobodyElse(t *testing.T) {
	server := serve(t, status(http.StatusOK))
	other, err := directorytest.CA()
	if err != nil {
		t.Fatal(err)
	}
	env := filesOf(map[string]string{"ca.pem": string(other), "secret": secretFile})
	_, _, err = ask(t, httpJourney(t, env, server.settings("")), canaries())
	unavailable(t, "a certificate of another CA", err, "x509: certificate signed by unknown authority")

	_, _, err = ask(t, httpJourney(t, env, `{url: "`+server.URL+`", secret_file: secret}`), canaries())
	unavailable(t, "a certificate that the system doesn't know", err, "x509: certificate signed by unknown authority")

	name := strings.Replace(server.settings(""), "127.0.0.1", "localhost", 1)
	_, _, err = ask(t, httpJourney(t, server.env(), name), canaries())
	unavailable(t, "a certificate of another name", err, "not localhost")

	plain := httptest.NewServer(status(http.StatusOK))
	defer plain.Close()
	_, _, err = ask(t, httpJourney(t, server.env(), strings.Replace(server.settings(""), server.URL, "https"+strings.TrimPrefix(plain.URL, "http"), 1)), canaries())
	unavailable(t, "no TLS", err, "no answer")

	old := httptest.NewUnstartedServer(status(http.StatusOK))
	old.Config.ErrorLog = server.Config.ErrorLog
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	_, _, err = ask(t, httpJourney(t, server.env(), strings.Replace(server.settings(""), server.URL, old.URL, 1)), canaries())
	unavailable(t, "old TLS", err, "no answer")

	if n := len(server.requests()); n != 0 {
		t.Errorf("the service was asked %d times", n)
	}
	j := server.journey(t, "")
	server.Close()
	_, _, err = ask(t, j, canaries())
	unavailable(t, "nobody listens", err, "connection refused")
}

// A proxy of the environment is never asked, not even about an address that proxies are for. The environment is read once
// in a process, so this takes one of its own.
func TestHTTPDecisionIgnoresTheEnvironmentsProxy(t *testing.T) {
	const own = "ROPCD_TEST_PROXY"
	if os.Getenv(own) != "" {
		dialsTheServiceItself(t)
		return
	}
	var proxied atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv(own, "1")
	out, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") || proxied.Load() != 0 {
		t.Errorf("%v, the proxy was asked %d times:\n%s", err, proxied.Load(), out)
	}
}

func dialsTheServiceItself(t *testing.T) {
	t.Helper()
	var dialled []string
	types := hooked(func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, errors.New("nobody is to be reached")
	})
	settings := `{url: "https://service.example", secret_file: secret}`
	set, problems := buildAsking(types, filesOf(map[string]string{"secret": secretFile}), settings)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	defer set.Close()
	j, _ := set.Journey("main")
	_, _, err := ask(t, j, canaries())
	unavailable(t, "a proxy", err, "no answer")
	if len(dialled) != 1 || dialled[0] != "service.example:443" {
		t.Errorf("dialled %q", dialled)
	}
}

// A guess that may have been heard is not repeated: the service counts them as well.
func TestHTTPDecisionRepeatsNoQuestion(t *testing.T) {
	var server *webService
	server = serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if len(server.requests()) == 1 {
			w.WriteHeader(http.StatusOK)
			return
		}
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			c.Close()
		}
	})
	j := server.journey(t, "")
	if outcome, _, err := ask(t, j, canaries()); outcome != "true" {
		t.Error(outcome, err)
	}
	_, _, err := ask(t, j, canaries())
	unavailable(t, "closed", err, "no answer")
	if n := len(server.requests()); n != 2 {
		t.Errorf("asked %d times in two runs", n)
	}
}
