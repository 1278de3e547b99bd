package nodes_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
)

// What must never be in an error.
const (
	userCanary     = "ada-canary"
	passwordCanary = "password-canary"
	secretCanary   = "secret-canary-of-more-than-24-bytes"
)

var secretFile = "whsec_" + base64.StdEncoding.EncodeToString([]byte(secretCanary))

// webService is a web service with TLS that keeps what it is asked.
type webService struct {
	*httptest.Server
	mu    sync.Mutex
	asked []asked
}

type asked struct {
	request *http.Request
	body    []byte
}

func serve(t *testing.T, answer http.HandlerFunc) *webService {
	t.Helper()
	s := &webService{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked = append(s.asked, asked{r, body})
		s.mu.Unlock()
		answer(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// status is a service that answers with that alone.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func (s *webService) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *webService) env() journey.Env {
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return filesOf(map[string]string{"ca.pem": string(certificate), "secret": secretFile})
}

func (s *webService) settings(more string) string {
	return fmt.Sprintf(`{url: "%s/check", ca_file: ca.pem, secret_file: secret%s}`, s.URL, more)
}

func (s *webService) journey(t *testing.T, more string) *journey.Journey {
	t.Helper()
	return httpJourney(t, s.env(), s.settings(more))
}

// httpJourney asks one service; only "true" is success.
func httpJourney(t *testing.T, env journey.Env, settings string) *journey.Journey {
	t.Helper()
	set, problems := buildAsking(nodes.Table(), env, settings)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", settings, problems)
	}
	t.Cleanup(func() { _ = set.Close() })
	j, _ := set.Journey("main")
	return j
}

func buildAsking(types journey.Types, env journey.Env, settings string) (*journey.Set, []journey.Problem) {
	ask := node{Type: "HTTPDecision", Settings: settings, Outcomes: []string{"true", "false", "locked", "expired"}}.definition()
	return journey.Build(map[string]journey.Definition{"main": {Enabled: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{
		"collect": collect, "it": ask,
	}}}, types, env)
}

// canaries is the input of whom the tests are about.
func canaries() journey.Input {
	return journey.Input{
		Realm: "alpha", Username: userCanary, Password: passwordCanary, Client: &realm.Client{ID: "batch"}, Address: "192.0.2.7", Now: now,
	}
}

// ask is the outcome of the node, or the fault, of which it holds that it names nobody.
func ask(t *testing.T, j *journey.Journey, in journey.Input) (outcome string, result journey.Result, err error) {
	t.Helper()
	result, err = j.Run(t.Context(), in)
	if err != nil {
		checkFault(t, result, err)
		return "", result, err
	}
	return result.Trail[len(result.Trail)-1].Outcome, result, nil
}

func checkFault(t *testing.T, result journey.Result, err error) {
	t.Helper()
	// A guess was spent only if the password may have been evaluated without an answer.
	if result.Success || result.Verified || result.Evaluated != errors.Is(err, journey.ErrSent) || strings.Contains(err.Error(), "canary") ||
		strings.Contains(err.Error(), strings.TrimPrefix(secretFile, "whsec_")) {
		t.Errorf("fault %v, %+v", err, result)
	}
}

// listen is a service of plain TCP, for answers that no HTTP server gives. A connection stays open until its client closes
// it.
func listen(t *testing.T, answer func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { l.Close(); running.Wait() })
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				answer(c)
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	return l.Addr().String()
}

// hooked is a table whose HTTPDecision has connections of the test.
func hooked(dial func(ctx context.Context, network, address string) (net.Conn, error)) journey.Types {
	types := nodes.Table()
	types["HTTPDecision"] = func() journey.Settings {
		return &hookedDecision{HTTPDecision: nodes.HTTPDecision{Timeout: 1500 * time.Millisecond}, dial: dial}
	}
	return types
}

type hookedDecision struct {
	nodes.HTTPDecision `yaml:",inline"`

	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (d *hookedDecision) Open(env journey.Env) (journey.Node, error) {
	n, err := d.HTTPDecision.Open(env)
	if err == nil {
		nodes.Transport(n).DialContext = d.dial
	}
	return n, err
}
