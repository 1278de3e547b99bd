package nodes_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
)

const httpSecret = "signing-secret-canary"

// httpJourney asks the service, as a first and a second node.
func httpJourney(t testing.TB, env journey.Env, settings string) *journey.Journey {
	t.Helper()
	ask := node{Type: "HTTPDecision", Settings: settings}.definition()
	ask.Outcomes = map[string]string{"true": "success", "false": "again", "locked": "failure", "expired": "failure"}
	again := ask
	again.Outcomes = map[string]string{"true": "success", "false": "failure", "locked": "failure", "expired": "failure"}
	collect := collect
	collect.Outcomes = map[string]string{"has_credentials": "ask", "no_credentials": "ask"}
	set, problems := journey.Build(map[string]journey.Definition{"main": {Enabled: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{
		"collect": collect, "ask": ask, "again": again,
	}}}, nodes.Table(), env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	t.Cleanup(func() { _ = set.Close() })
	j, _ := set.Journey("main")
	return j
}

func httpEnv(more ...string) journey.Env {
	content := map[string]string{"key": httpSecret}
	for i := 0; i < len(more); i += 2 {
		content[more[i]] = more[i+1]
	}
	return filesOf(content)
}

// ask runs the journey with a service that answers so.
func ask(t *testing.T, more string, service http.HandlerFunc) (journey.Result, error) {
	t.Helper()
	server := httptest.NewServer(service)
	defer server.Close()
	j := httpJourney(t, httpEnv(), `{url: "`+server.URL+`", secret_file: key`+more+`}`)
	return j.Run(t.Context(), journey.Input{Username: "demo", Password: "password-canary", Now: now})
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func TestHTTPDecisionDecidesByTheStatus(t *testing.T) {
	for _, tt := range []struct {
		code            int
		more            string
		outcome, reason string
	}{
		{200, "", "true", ""},
		{204, "", "true", ""},
		{401, "", "false", "wrong_password"},
		{423, "", "locked", "locked"},
		{410, "", "expired", "expired"},
		{202, ", statuses: {202: true}", "true", ""},
		{404, ", statuses: {200: true, 404: false}", "false", "wrong_password"},
		{403, `, statuses: {"200": "true", 403: locked}`, "locked", "locked"},
	} {
		asked := 0
		result, err := ask(t, tt.more, func(w http.ResponseWriter, r *http.Request) { asked++; status(tt.code, "{}")(w, r) })
		if err != nil || result.Trail[1].Outcome != tt.outcome || result.Reason != tt.reason || result.Verified != (tt.outcome == "true") || asked != 1 {
			t.Errorf("%d%s: %+v, %v, asked %d times", tt.code, tt.more, result, err, asked)
		}
	}
}

// What is no answer is a fault, and says nothing of who was asked about.
func TestHTTPDecisionFaults(t *testing.T) {
	const mapped = `, attributes: {mail: mail}`
	for _, tt := range []struct {
		name, more string
		service    http.HandlerFunc
		passing    bool
	}{
		{"500", "", status(500, "demo"), true},
		{"503", "", status(503, ""), true},
		{"429", "", status(429, ""), true},
		{"a status without a meaning", "", status(404, ""), false},
		{"400", "", status(400, ""), false},
		{"no longer the usual", ", statuses: {201: true}", status(200, ""), false},
		{"not modified", "", status(304, ""), false},
		{"huge answer", mapped, status(200, `{"mail":"`+strings.Repeat("a", 70<<10)+`"}`), false},
		{"huge headers", "", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("a", 100<<10)) }, true},
		{"no JSON", mapped, status(200, "canary"), false},
		{"no object", mapped, status(200, `["canary"]`), false},
		{"empty", mapped, status(204, ""), false},
		{"a list as an attribute", mapped, status(200, `{"mail":["canary"]}`), false},
		{"cut short", mapped, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"mail":`)
		}, true},
		{"hangs up", "", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
		{"slow", ", timeout: 50ms", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			result, err := ask(t, tt.more, tt.service)
			if err == nil || errors.Is(err, journey.ErrUnavailable) != tt.passing || result.Verified || result.Evaluated {
				t.Errorf("%+v, %v", result, err)
			}
			for _, secret := range []string{"canary", "demo"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells %q: %v", secret, err)
				}
			}
		})
	}
}

func TestHTTPDecisionFollowsNobody(t *testing.T) {
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer elsewhere.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		if _, err := ask(t, "", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, code) }); err == nil {
			t.Errorf("%d is an answer", code)
		}
	}
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, elsewhere.URL)
	}
	if result, err := ask(t, "", status(200, "")); err != nil || !result.Verified {
		t.Errorf("%+v, %v", result, err)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("another address was asked %d times", n)
	}
}

func TestHTTPDecisionSignsWhatItSays(t *testing.T) {
	const name = "de\"mo\r\nX-Evil: 1\u2028<&>"
	for _, key := range []string{httpSecret, "whsec_" + base64.StdEncoding.EncodeToString([]byte(httpSecret))} {
		var body []byte
		var head http.Header
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ = io.ReadAll(r.Body)
			head = r.Header
		}))
		defer server.Close()
		j := httpJourney(t, filesOf(map[string]string{"key": key}), `{url: "`+server.URL+`/login?x=y", secret_file: key}`)
		in := journey.Input{Realm: "/alpha", Username: name, Password: "päss\x00word", Client: &realm.Client{ID: "app"}, Address: "192.0.2.7", Now: now}
		if _, err := j.Run(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		var got map[string]string
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"username": name, "password": "päss\x00word", "realm": "/alpha", "client_id": "app", "address": "192.0.2.7"}
		if diff := cmp.Diff(want, got); diff != "" || head.Get("Content-Type") != "application/json" || head.Get("X-Evil") != "" {
			t.Errorf("%v, %s", head, diff)
		}
		receiver, err := webhooks.NewWebhookRaw([]byte(httpSecret))
		if err != nil {
			t.Fatal(err)
		}
		if err := receiver.Verify(body, head); err != nil {
			t.Error(err)
		}
		mac := hmac.New(sha256.New, []byte(httpSecret))
		fmt.Fprintf(mac, "%s.%s.%s", head.Get("Webhook-Id"), head.Get("Webhook-Timestamp"), body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); head.Get("Webhook-Signature") != want {
			t.Errorf("signature %q, want %q", head.Get("Webhook-Signature"), want)
		}
	}
}

func TestHTTPDecisionMapsAttributes(t *testing.T) {
	result, err := ask(t, `, attributes: {mail: email, level: n, staff: s, gone: missing, none: null_one}`, status(200, `{"email":"a@example.org","n":12345678901234567890,"s":true,"null_one":null,"other":[1]}`))
	want := map[string]string{"mail": "a@example.org", "level": "12345678901234567890", "staff": "true", "gone": "", "none": ""}
	if diff := cmp.Diff(want, result.Attributes); diff != "" || err != nil || result.Source == "" {
		t.Errorf("%v, %s", err, diff)
	}
}

func TestHTTPDecisionOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(status(200, ""))
	defer server.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	in := journey.Input{Username: "demo", Password: "right", Now: now}
	j := httpJourney(t, httpEnv("ca.pem", ca), `{url: "`+server.URL+`", secret_file: key, ca_file: ca.pem}`)
	if result, err := j.Run(t.Context(), in); err != nil || !result.Verified {
		t.Errorf("%+v, %v", result, err)
	}
	j = httpJourney(t, httpEnv(), `{url: "`+server.URL+`", secret_file: key}`)
	if result, err := j.Run(t.Context(), in); !errors.Is(err, journey.ErrUnavailable) || result.Verified {
		t.Errorf("signed by nobody: %+v, %v", result, err)
	}
}

// A locked attempt asks nobody, and takes as long as a refusal did.
func TestHTTPDecisionAsksNothingAboutTheLocked(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	j := httpJourney(t, httpEnv(), `{url: "`+server.URL+`", secret_file: key}`)
	in := journey.Input{Username: "demo", Password: "wrong", Now: now}
	if _, err := j.Run(t.Context(), in); err != nil || asked.Load() != 1 {
		t.Fatalf("asked %d times, %v", asked.Load(), err)
	}
	in.Locked = true
	result, err := j.Run(t.Context(), in)
	if err != nil || result.Trail[1].Outcome != "locked" || result.Reason != journey.ReasonLocked || asked.Load() != 1 {
		t.Errorf("%+v, %v, asked %d times", result, err, asked.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Run(ctx, in); err == nil {
		t.Error("a caller who is gone is waited for")
	}
}

func TestHTTPDecisionInParallel(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q map[string]string
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q["username"] != q["password"] {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	j := httpJourney(t, httpEnv(), `{url: "`+server.URL+`", secret_file: key}`)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			name := fmt.Sprint(i)
			result, err := j.Run(t.Context(), journey.Input{Username: name, Password: fmt.Sprint(i - i%2), Now: now})
			if err != nil || result.Verified != (i%2 == 0) {
				t.Errorf("%d: %+v, %v", i, result, err)
			}
		})
	}
	wg.Wait()
}

func TestHTTPDecisionRefusesWrongSettings(t *testing.T) {
	env := httpEnv("bad", "whsec_%%canary-canary", "empty.pem", "canary", "short", "15-bytes-canary")
	for settings, want := range map[string]string{
		`{secret_file: key}`:                                                                "url: must be https://host/path",
		`{url: "ftp://example.org", secret_file: key}`:                                      "url: must be https://host/path",
		`{url: "example.org", secret_file: key}`:                                            "url: must be https://host/path",
		`{url: "https://example.org/#x", secret_file: key}`:                                 "url: must be https://host/path",
		`{url: "http://example.org", secret_file: key}`:                                     "url: passwords would travel in clear: use https://",
		`{url: "http://127.0.0.1.example.org", secret_file: key}`:                           "url: passwords would travel in clear: use https://",
		`{url: "https://u:canary@example.org", secret_file: key}`:                           "url: must not hold a user or a password: the request is signed",
		`{url: "https://example.org"}`:                                                      "secret_file: name the file that holds the key of the signature",
		`{url: "https://example.org", secret_file: none}`:                                   "secret_file: file does not exist",
		`{url: "https://example.org", secret_file: short}`:                                  "secret_file: a key of less than 16 bytes can be guessed",
		`{url: "https://example.org", secret_file: bad}`:                                    "secret_file: what follows whsec_ is not base64",
		`{url: "https://example.org", secret_file: key, ca_file: none.pem}`:                 "ca_file: file does not exist",
		`{url: "https://example.org", secret_file: key, ca_file: empty.pem}`:                "ca_file: holds no certificate",
		`{url: "https://example.org", secret_file: key, timeout: 0s}`:                       "timeout: must be more than 0",
		`{url: "https://example.org", secret_file: key, statuses: {401: false}}`:            "statuses: none of them is true",
		`{url: "https://example.org", secret_file: key, statuses: {200: true, 500: false}}`: "statuses: 500 can't be an answer",
		`{url: "https://example.org", secret_file: key, statuses: {200: true, 302: false}}`: "statuses: 302 can't be an answer",
		`{url: "https://example.org", secret_file: key, statuses: {200: true, 429: false}}`: "statuses: 429 can't be an answer",
		`{url: "https://example.org", secret_file: key, statuses: {200: true, ok: false}}`:  "statuses: ok can't be an answer",
		`{url: "https://example.org", secret_file: key, statuses: {200: yes!}}`:             `statuses: 200: there is no outcome "yes!", only true, false, locked, expired`,
	} {
		def := node{Type: "HTTPDecision", Settings: settings, Outcomes: []string{"true", "false", "locked", "expired"}}.definition()
		_, problems := journey.Build(map[string]journey.Definition{"main": {Enabled: true, Entry: "it", Nodes: map[string]journey.NodeDefinition{"it": def}}}, nodes.Table(), env)
		if len(problems) != 1 || problems[0].Message != want {
			t.Errorf("%s:\n got %v\nwant %s", settings, problems, want)
		}
	}
}
