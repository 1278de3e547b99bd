package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/server"
	"github.com/ropcd/ropcd/storage"
)

// moody is a store whose readiness a test decides.
type moody struct {
	storage.Store
	ready func(ctx context.Context) error
}

func (m *moody) Ready(ctx context.Context) error { return m.ready(ctx) }

// ops is a server's process endpoints, whose store says what ready says.
func ops(t *testing.T, draining bool, ready func(ctx context.Context) error) http.Handler {
	t.Helper()
	w := newWorld(t, setup{wrap: func(s storage.Store) storage.Store { return &moody{s, ready} }})
	return w.server.Ops(func() bool { return draining })
}

func isReady(context.Context) error { return nil }

func ask(h http.Handler, method, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
	return rec
}

func TestOpsTellsHealthAndReadiness(t *testing.T) {
	down := func(context.Context) error { return errors.New("the file is gone") }
	for _, tc := range []struct {
		name     string
		draining bool
		ready    func(ctx context.Context) error
		path     string
		status   int
		body     string
	}{
		{"alive", false, isReady, "/healthz", 200, "ok\n"},
		{"alive without a store", false, down, "/healthz", 200, "ok\n"},
		{"alive to the end", true, isReady, "/healthz", 200, "ok\n"},
		{"ready", false, isReady, "/readyz", 200, "ready\n"},
		{"store unusable", false, down, "/readyz", 503, "the file is gone\n"},
		{"about to stop", true, isReady, "/readyz", 503, "draining\n"},
		{"about to stop, store unusable", true, down, "/readyz", 503, "draining\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := ask(ops(t, tc.draining, tc.ready), http.MethodGet, tc.path)
			want := []any{tc.status, tc.body, "text/plain; charset=utf-8", "no-store"}
			got := []any{rec.Code, rec.Body.String(), rec.Header().Get("Content-Type"), rec.Header().Get("Cache-Control")}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A store that hangs must not hang whoever asks whether it hangs.
func TestReadinessHasADeadline(t *testing.T) {
	h := ops(t, false, func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			return errors.New("no deadline")
		}
		return nil
	})
	if rec := ask(h, http.MethodGet, "/readyz"); rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestOpsAnswersNothingElse(t *testing.T) {
	h := ops(t, false, isReady)
	for _, tc := range []struct {
		method, path string
		status       int
	}{
		{http.MethodHead, "/healthz", 200},
		{http.MethodHead, "/readyz", 200},
		{http.MethodPost, "/healthz", 405},
		{http.MethodPost, "/readyz", 405},
		{http.MethodPost, "/metrics", 405},
		{http.MethodGet, "/", 404},
		{http.MethodGet, "/healthz/", 404},
		{http.MethodGet, "//healthz", 404},
		{http.MethodPost, "/oauth2/alpha/access_token", 404},
		{http.MethodGet, "/debug/pprof/", 404},
	} {
		if rec := ask(h, tc.method, tc.path); rec.Code != tc.status {
			t.Errorf("%s %s: %d, want %d", tc.method, tc.path, rec.Code, tc.status)
		}
	}
}

// The endpoints of clients are not those of the process.
func TestPublicServerHasNoProcessEndpoints(t *testing.T) {
	w := newWorld(t, setup{})
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/"} {
		if a := w.send(t, get(path)); a.status != http.StatusNotFound {
			t.Errorf("%s: %s", path, a)
		}
	}
}

func TestMetricsCountRequestsDecisionsAndReloads(t *testing.T) {
	w := newWorld(t, setup{})
	w.login(t, "/alpha", "app")
	w.send(t, post("/oauth2/alpha/access_token", form("grant_type", "password", "username", "demo", "password", "wrong"), basic("/alpha", "app")))
	w.send(t, get("/nowhere"))
	w.server.Reloaded(true)
	w.server.Reloaded(false)
	text := ask(w.server.Ops(func() bool { return false }), http.MethodGet, "/metrics").Body.String()
	for _, line := range []string{
		`ropcd_http_requests_total{endpoint="access_token",status="200"} 1`,
		`ropcd_http_requests_total{endpoint="access_token",status="400"} 1`,
		`ropcd_http_requests_total{endpoint="other",status="404"} 1`,
		`ropcd_http_request_duration_seconds_count{endpoint="access_token"} 2`,
		`ropcd_decisions_total{event="grant",outcome="success",realm="/alpha",reason=""} 1`,
		`ropcd_decisions_total{event="grant",outcome="denied",realm="/alpha",reason="wrong_password"} 1`,
		`ropcd_config_reloads_total{outcome="loaded"} 1`,
		`ropcd_config_reloads_total{outcome="refused"} 1`,
		`ropcd_audit_failures_total 0`,
		`ropcd_hashing_running 0`,
		`ropcd_hashing_waiting 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	for line := range strings.Lines(text) {
		if name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "); !strings.HasPrefix(name, "ropcd_") &&
			!strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("a name that is none of ours: %s", line)
		}
	}
}

// The zero value of what may be left out is usable: without an audit log, and with a deadline of its own.
func TestNewFillsInWhatMayBeLeftOut(t *testing.T) {
	w := newWorld(t, setup{})
	s := server.New(server.Options{Provider: w.providers[0], Store: w.store, Logger: slog.New(slog.DiscardHandler)})
	r := httptest.NewRequest(http.MethodPost, "/oauth2/alpha/access_token", strings.NewReader(passwordGrant("/alpha", "demo")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("app", secretOf("/alpha", "app"))
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if s.RequestTimeout != server.DefaultRequestTimeout {
		t.Errorf("the deadline is %s", s.RequestTimeout)
	}
}
