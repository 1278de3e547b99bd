package nodes_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

func TestHTTPDecisionTakesStatusesForAnswers(t *testing.T) {
	fault, unavailable := "fault", "unavailable"
	own := `, statuses: {200: true, 202: "false", 404: false, 422: locked}`
	for _, tt := range []struct {
		settings string
		want     map[int]string // outcome and reason
	}{
		{"", map[int]string{
			200: "true:", 204: "true:", 401: "false:wrong_password",
			403: fault, 404: fault, 423: "locked:locked", 410: "expired:expired",
			201: fault, 206: fault, 300: fault, 301: fault, 302: fault, 303: fault, 304: fault, 307: fault, 308: fault,
			400: fault, 402: fault, 407: fault, 408: fault, 422: fault, 451: fault, 499: fault,
			429: unavailable, 500: unavailable, 501: unavailable, 502: unavailable, 503: unavailable, 504: unavailable, 599: unavailable, 999: unavailable,
		}},
		{own, map[int]string{
			200: "true:", 202: "false:wrong_password", 404: "false:wrong_password", 422: "locked:locked",
			204: fault, 401: fault, 403: fault, 410: fault, 423: fault, 302: fault, 429: unavailable, 500: unavailable,
		}},
	} {
		for code, want := range tt.want {
			server := serve(t, status(code))
			outcome, result, err := ask(t, server.journey(t, tt.settings), canaries())
			got := outcome + ":" + result.Reason
			switch {
			case errors.Is(err, journey.ErrUnavailable):
				got = unavailable
			case err != nil:
				got = fault
			}
			if got != want || result.Success != (want == "true:") || result.Verified != result.Success {
				t.Errorf("status %d with %q: %q, %v, %+v; want %q", code, tt.settings, got, err, result, want)
			}
			if result.Success && result.Source != server.URL+"/check" {
				t.Errorf("source %q", result.Source)
			}
			server.Close()
		}
	}
}

// The attack: a service, or what stands in front of it, that says no by failing. Each guess is spent unless the status says
// that nobody looked at it.
func TestHTTPDecisionChargesFaultsAfterThePasswordWasSent(t *testing.T) {
	for status, spent := range map[int]bool{500: true, 502: true, 504: true, 404: true, 302: true, 429: false, 503: false} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		if _, result, err := ask(t, s.journey(t, ""), canaries()); err == nil || result.Evaluated != spent || result.Verified {
			t.Errorf("%d: %+v, %v", status, result, err)
		}
	}
}

func TestHTTPDecisionTellsTheServiceWhoAsks(t *testing.T) {
	server := serve(t, status(http.StatusOK))
	j := server.journey(t, "")
	names := []string{
		"ada", "a\r\nX-Injected: 1\r\n\r\nb", `","password":"other","x":"`, `\`, "\x00", "<script>", "Zoë\u2028", strings.Repeat("n", 1000), "%0d%0a", "{{.}}",
	}
	for _, name := range names {
		in := canaries()
		in.Username, in.Password = name, "pass"+name
		if outcome, _, err := ask(t, j, in); outcome != "true" {
			t.Errorf("%q: %q, %v", name, outcome, err)
		}
	}
	anonymous := canaries()
	anonymous.Client, anonymous.Address = nil, ""
	if _, _, err := ask(t, j, anonymous); err != nil {
		t.Fatal(err)
	}
	for i, asked := range server.requests() {
		want := map[string]any{"username": userCanary, "password": passwordCanary, "realm": "alpha", "client_id": "", "address": ""}
		if i < len(names) {
			want = map[string]any{"username": names[i], "password": "pass" + names[i], "realm": "alpha", "client_id": "batch", "address": "192.0.2.7"}
		}
		var got map[string]any
		if err := json.Unmarshal(asked.body, &got); err != nil {
			t.Fatal(err)
		}
		r := asked.request
		if diff := cmp.Diff(want, got); diff != "" || r.Method != http.MethodPost || r.RequestURI != "/check" || len(r.Header) != 7 {
			t.Errorf("%s %s %v (-want +got):\n%s", r.Method, r.RequestURI, r.Header, diff)
		}
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("content type %q", got)
		}
	}
}

// The signature is computed here as the specification writes it, and must also please the library that receivers use.
func TestHTTPDecisionSignsWhatItSends(t *testing.T) {
	raw := "any other text of twenty-four bytes or more"
	ids := map[string]bool{}
	for file, key := range map[string]string{secretFile: secretCanary, raw: raw} {
		server := serve(t, status(http.StatusOK))
		env := server.env()
		env.Secret = func(string) (string, error) { return file, nil }
		j := httpJourney(t, env, server.settings(""))
		for range 2 {
			if outcome, _, err := ask(t, j, canaries()); outcome != "true" {
				t.Fatal(outcome, err)
			}
		}
		for _, asked := range server.requests() {
			h := asked.request.Header
			id := h.Get("webhook-id")
			if ids[id] || len(id) < 20 || strings.Contains(id, ".") {
				t.Errorf("id %q", id)
			}
			ids[id] = true
			if got, want := h.Get("webhook-timestamp"), fmt.Sprint(now.Unix()); got != want {
				t.Errorf("timestamp %q, want %q", got, want)
			}
			mac := hmac.New(sha256.New, []byte(key))
			fmt.Fprintf(mac, "%s.%d.%s", id, now.Unix(), asked.body)
			if got, want := h.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
				t.Errorf("signature %q, want %q", got, want)
			}
			receiver, err := webhooks.NewWebhookRaw([]byte(key))
			if err != nil {
				t.Fatal(err)
			}
			if err := receiver.VerifyIgnoringTimestamp(asked.body, h); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestHTTPDecisionKeepsAttributesOfAYes(t *testing.T) {
	var answer atomic.Value
	code := atomic.Int32{}
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(code.Load()))
		_, _ = io.WriteString(w, answer.Load().(string))
	})
	j := server.journey(t, `, attributes: {mail: email, level: n, staff: s}`)
	full := `{"email":"a@example.org","n":1.50,"s":true,"other":[1],"N":2}`
	for _, tt := range []struct {
		code int
		body string
		want map[string]string // nil: a fault
	}{
		{200, full, map[string]string{"mail": "a@example.org", "level": "1.50", "staff": "true"}},
		{200, `{"email":null,"n":12345678901234567890,"s":false}`, map[string]string{"mail": "", "level": "12345678901234567890", "staff": "false"}},
		{200, ` {} `, map[string]string{"mail": "", "level": "", "staff": ""}},
		{200, full[:1] + `"pad":"` + strings.Repeat("p", 64<<10-9-len(full)) + `",` + full[1:], map[string]string{"mail": "a@example.org", "level": "1.50", "staff": "true"}},
		{200, full + strings.Repeat(" ", 64<<10+1-len(full)), nil},
		{200, `{"email":["` + passwordCanary + `"]}`, nil},
		{200, `{"email":{"a":"b"}}`, nil},
		{200, `{"email":"` + passwordCanary, nil},
		{200, passwordCanary, nil},
		{200, full + full, nil},
		{200, full + "x", nil},
		{200, `["email"]`, nil},
		{200, `null`, nil},
		{200, `"email"`, nil},
		{200, ``, nil},
		{200, `{"email":"` + "\x01" + `"}`, nil},
	} {
		code.Store(int32(tt.code))
		answer.Store(tt.body)
		outcome, result, err := ask(t, j, canaries())
		if diff := cmp.Diff(tt.want, result.Attributes); diff != "" || (err != nil) != (tt.want == nil) || errors.Is(err, journey.ErrUnavailable) {
			t.Errorf("%d %.80s: %q, %v, attributes (-want +got):\n%s", tt.code, tt.body, outcome, err, diff)
		}
	}
	code.Store(401)
	if outcome, result, err := ask(t, j, canaries()); outcome != "false" || result.Attributes != nil {
		t.Errorf("a no with a body: %q, %v, %v", outcome, result.Attributes, err)
	}
	code.Store(204)
	answer.Store("")
	if outcome, result, err := ask(t, j, canaries()); outcome != "true" || result.Attributes != nil {
		t.Errorf("no content: %q, %v, %v", outcome, result.Attributes, err)
	}
	code.Store(200)
	answer.Store(passwordCanary + strings.Repeat(" ", 1<<20))
	if outcome, result, err := ask(t, server.journey(t, ""), canaries()); outcome != "true" || result.Attributes != nil {
		t.Errorf("nobody wants attributes: %q, %v, %v", outcome, result.Attributes, err)
	}
}

func TestHTTPDecisionAsksNobodyAboutTheLocked(t *testing.T) {
	server := serve(t, status(http.StatusOK))
	j := server.journey(t, "")
	for name, change := range map[string]func(*journey.Input){
		"locked":                               func(in *journey.Input) { in.Locked = true },
		"no password":                          func(in *journey.Input) { in.Password = "" },
		"no name":                              func(in *journey.Input) { in.Username = "" },
		"what JSON can't carry, as a password": func(in *journey.Input) { in.Password = "\xff" },
		"what JSON can't carry, as a name":     func(in *journey.Input) { in.Username = "a\xc3" },
	} {
		in := canaries()
		change(&in)
		want := "false:wrong_password"
		if in.Locked {
			want = "locked:locked"
		}
		outcome, result, err := ask(t, j, in)
		if got := outcome + ":" + result.Reason; got != want || err != nil || result.Success || result.Verified {
			t.Errorf("%s: %q, %v, %+v", name, got, err, result)
		}
	}
	if n := len(server.requests()); n != 0 {
		t.Errorf("the service was asked %d times", n)
	}
}

func TestHTTPDecisionAsksOncePerRun(t *testing.T) {
	server := serve(t, status(http.StatusUnauthorized))
	first := node{Type: "HTTPDecision", Settings: server.settings("")}.definition()
	first.Outcomes = map[string]string{"true": "success", "false": "again", "locked": "failure", "expired": "failure"}
	again := node{Type: "HTTPDecision", Settings: server.settings(""), Outcomes: []string{"true", "false", "locked", "expired"}}.definition()
	set, problems := journey.Build(map[string]journey.Definition{"main": {Enabled: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{
		"collect": collect, "it": first, "again": again,
	}}}, nodes.Table(), server.env())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := set.Journey("main")
	for run := 1; run <= 2; run++ {
		outcome, result, err := ask(t, j, canaries())
		if outcome != "false" || len(result.Trail) != 3 || err != nil || len(server.requests()) != run {
			t.Errorf("run %d: %q, %v, %+v, asked %d times", run, outcome, err, result, len(server.requests()))
		}
	}
	if err := set.Close(); err != nil {
		t.Error(err)
	}
}

func TestHTTPDecisionTellsRunsApart(t *testing.T) {
	server := serve(t, nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Username, Password string }
		_ = json.NewDecoder(r.Body).Decode(&q)
		if q.Password != "of "+q.Username {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"name": q.Username})
	})
	j := server.journey(t, `, timeout: 1999ms, attributes: {name: name}`)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			in := canaries()
			in.Username, in.Password = fmt.Sprint(i), fmt.Sprint("of ", i-i%2)
			result, err := j.Run(t.Context(), in)
			if err != nil || result.Success != (i%2 == 0) || (result.Success && result.Attributes["name"] != in.Username) {
				t.Errorf("%d: %+v, %v", i, result, err)
			}
		})
	}
	all.Wait()
}

func TestHTTPDecisionRefusesWrongSettings(t *testing.T) {
	env := filesOf(map[string]string{
		"secret": secretFile, "short": "23 bytes are too few ..", "short64": "whsec_" + base64.StdEncoding.EncodeToString([]byte(secretCanary[:23])),
		"bad64": "whsec_" + secretCanary + "!", "empty.pem": "x",
	})
	const (
		ok         = `secret_file: secret, url: "https://example.org/check"`
		form       = "url: it is not https://host/path"
		parts      = "url: it must not have a user, a query or a fragment"
		inTheClear = "url: passwords would go over the network in clear: use https://"
		port       = "url: its port must be from 1 to 65535"
		outside    = " is not a status from 200 to 299 or from 400 to 499"
		few        = "statuses: list at least one that is true and one that is false"
	)
	for settings, want := range map[string]string{
		`{secret_file: secret}`:                                               "url: name the service to ask",
		`{secret_file: secret, url: "example.org"}`:                           form,
		`{secret_file: secret, url: "ftp://example.org"}`:                     form,
		`{secret_file: secret, url: "https:///check"}`:                        form,
		`{secret_file: secret, url: "https:example.org"}`:                     form,
		`{secret_file: secret, url: "https://:443"}`:                          form,
		`{secret_file: secret, url: "https://user-canary:%zz@example.org"}`:   form,
		`{secret_file: secret, url: "https://user-canary:x@example.org"}`:     parts,
		`{secret_file: secret, url: "https://user-canary@example.org"}`:       parts,
		`{secret_file: secret, url: "https://example.org/?key=canary"}`:       parts,
		`{secret_file: secret, url: "https://example.org/?"}`:                 parts,
		`{secret_file: secret, url: "https://example.org/#canary"}`:           parts,
		`{secret_file: secret, url: "https://example.org:0/"}`:                port,
		`{secret_file: secret, url: "https://example.org:65536/"}`:            port,
		`{secret_file: secret, url: "https://example.org:/"}`:                 port,
		`{secret_file: secret, url: "http://example.org"}`:                    inTheClear,
		`{secret_file: secret, url: "http://10.0.0.1"}`:                       inTheClear,
		`{secret_file: secret, url: "http://localhost.example.org"}`:          inTheClear,
		`{secret_file: secret, url: "http://127.0.0.1.example.org"}`:          inTheClear,
		`{` + ok + `, timeout: 0s}`:                                           "timeout: must be longer than 0s",
		`{` + ok + `, timeout: -1s}`:                                          "timeout: must be longer than 0s",
		`{` + ok + `, timeout: 2s}`:                                           "timeout: must be shorter than the 2s a request has",
		`{` + ok + `, timeout: 1m}`:                                           "timeout: must be shorter than the 2s a request has",
		`{` + ok + `, ca_file: none.pem}`:                                     "ca_file: file does not exist",
		`{` + ok + `, ca_file: empty.pem}`:                                    "ca_file: there is no certificate in PEM",
		`{url: "https://example.org"}`:                                        "secret_file: name the file with the secret that signs the requests",
		`{url: "https://example.org", secret_file: none}`:                     "secret_file: file does not exist",
		`{url: "https://example.org", secret_file: short}`:                    "secret_file: the secret has less than 24 bytes",
		`{url: "https://example.org", secret_file: short64}`:                  "secret_file: the secret has less than 24 bytes",
		`{url: "https://example.org", secret_file: bad64}`:                    "secret_file: behind `whsec_` there is no base64",
		`{` + ok + `, attributes: {"": mail}}`:                                "attributes: a name is empty",
		`{` + ok + `, attributes: {mail: ""}}`:                                "attributes: a name is empty",
		`{` + ok + `, statuses: {OK: true, 401: false}}`:                      `statuses: "OK"` + outside,
		`{` + ok + `, statuses: {0200: true, 401: false}}`:                    `statuses: "0200"` + outside,
		`{` + ok + `, statuses: {199: false, 200: true}}`:                     `statuses: "199"` + outside,
		`{` + ok + `, statuses: {200: true, 302: false}}`:                     `statuses: "302"` + outside,
		`{` + ok + `, statuses: {200: true, 500: false}}`:                     `statuses: "500"` + outside,
		`{` + ok + `, statuses: {200: true, -401: false}}`:                    `statuses: "-401"` + outside,
		`{` + ok + `, statuses: {200: true, 429: locked, 401: false}}`:        "statuses: 429 says nothing of the user, and is always a fault",
		`{` + ok + `, statuses: {200: true, 401: wrong}}`:                     `statuses: 401: must be true, false, locked or expired, not "wrong"`,
		`{` + ok + `, statuses: {200: yes, 401: false}}`:                      `statuses: 200: must be true, false, locked or expired, not "yes"`,
		`{` + ok + `, statuses: {200: True, 401: false}}`:                     `statuses: 200: must be true, false, locked or expired, not "True"`,
		`{` + ok + `, statuses: {200: "", 401: false}}`:                       `statuses: 200: must be true, false, locked or expired, not ""`,
		`{` + ok + `, statuses: {200: true, 401: false, 404: true}}`:          "statuses: 404: an error can't be true",
		`{` + ok + `, statuses: {401: false}}`:                                few,
		`{` + ok + `, statuses: {200: true, 423: locked}}`:                    few,
		`{` + ok + `, statuses: {200: true, 401: false}}`:                     "",
		`{` + ok + `, statuses: {}}`:                                          "",
		`{secret_file: secret, url: "https://example.org:8443"}`:              "",
		`{secret_file: secret, url: "http://localhost:8080/check"}`:           "",
		`{secret_file: secret, url: "http://127.8.8.8/check"}`:                "",
		`{secret_file: secret, url: "http://[::1]:8080/check", timeout: 1ms}`: "",
	} {
		_, problems := buildAsking(nodes.Table(), env, settings)
		switch {
		case want == "" && len(problems) == 0:
		case len(problems) != 1 || problems[0].Message != want || strings.Contains(problems[0].Message, "canary"):
			t.Errorf("%s:\n got %v\nwant %s", settings, problems, want)
		}
	}
	if _, problems := buildAsking(nodes.Table(), journey.Env{}, `{`+ok+`}`); len(problems) != 1 || problems[0].Message != "secret_file: there are no files here" {
		t.Errorf("without files: %v", problems)
	}
}

// The configuration's own decoder is stricter than the one of these tests: here true needs no quotes.
func TestHTTPDecisionDecodesAsConfigured(t *testing.T) {
	document := strict.Parse("f.yaml", []byte(`
url: https://example.org
timeout: 1900ms
statuses: {200: true, 401: false, "423": locked, 410: "expired"}
attributes: {mail: email}
`), nil)
	got := nodes.Table()["HTTPDecision"]().(*nodes.HTTPDecision)
	if got.Timeout.String() != "1.5s" {
		t.Errorf("the timeout is %v", got.Timeout)
	}
	document.Decode(got)
	want := &nodes.HTTPDecision{
		URL: "https://example.org", Timeout: 1900e6, Attributes: map[string]string{"mail": "email"},
		Statuses: map[string]nodes.Verdict{"200": "true", "401": "false", "423": "locked", "410": "expired"},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(document.Problems()) > 0 {
		t.Errorf("%v (-want +got):\n%s", document.Problems(), diff)
	}
}
