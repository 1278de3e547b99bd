package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/audit"
)

func TestDecisionsAreAuditedWithWhoWhereAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	app, service := basic("/alpha", "app"), basic("/service", "app")
	right := map[string]any{
		"event": "grant", "outcome": "success", "realm": "/alpha", "client_id": "app", "username": "demo", "sub": "id-of-demo",
		"journey": "PasswordGrant", "journey_rule": "realm", "node": "check", "address": "127.0.0.1",
		"trail": "PasswordGrant.collect:has_credentials PasswordGrant.check:true",
	}
	const gold = "Gold.collect:has_credentials Gold.check:true Gold.extra:"
	change := func(pairs ...string) map[string]any {
		m := map[string]any{}
		for k, v := range right {
			m[k] = v
		}
		for i := 0; i < len(pairs); i += 2 {
			if m[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
				delete(m, pairs[i])
			}
		}
		return m
	}
	grant := func(key, header, body string) string { return post(endpoint(key, "access_token"), body, header) }
	for _, tc := range []struct {
		name, request string
		want          map[string]any
	}{
		{"rule 3", grant("/alpha", app, passwordGrant("/alpha", "demo")), right},
		{"rule 1", grant("/alpha", app, passwordGrant("/alpha", "demo", "auth_chain", "Gold", "totp", "123456")),
			change("journey", "Gold", "journey_rule", "auth_chain", "node", "extra", "trail", gold+"right")},
		{"rule 2", grant("/service", service, passwordGrant("/service", "demo", "totp", "123456")),
			change("realm", "/service", "journey", "Gold", "journey_rule", "provider", "node", "extra", "trail", gold+"right")},
		{"canonical name", grant("/alpha", app, passwordGrant("/alpha", "DEMO")), right},
		{"journey failed", grant("/alpha", app, passwordGrant("/alpha", "demo", "auth_chain", "Gold")),
			change("outcome", "denied", "reason", "journey_failed", "journey", "Gold", "journey_rule", "auth_chain", "node", "extra", "sub", "", "grant_id", "", "trail", gold+"wrong")},
		{"journey refused", grant("/alpha", app, passwordGrant("/alpha", "demo", "auth_chain", "Nowhere")),
			change("outcome", "denied", "reason", "journey_refused", "journey", "Nowhere", "journey_rule", "auth_chain", "node", "", "sub", "", "username", "", "trail", "")},
		{"scope", grant("/alpha", app, passwordGrant("/alpha", "demo", "scope", "admin")),
			change("outcome", "denied", "reason", "scope", "journey", "", "journey_rule", "", "node", "", "sub", "", "username", "", "trail", "")},
		{"client", grant("/alpha", basic("/beta", "app"), passwordGrant("/alpha", "demo")),
			change("outcome", "denied", "reason", "client_secret", "journey", "", "journey_rule", "", "node", "", "sub", "", "username", "", "trail", "")},
		{"fault", grant("/alpha", app, passwordGrant("/alpha", "demo", "auth_chain", "Broken")),
			change("outcome", "fault", "reason", "internal", "journey", "Broken", "journey_rule", "auth_chain", "node", "extra", "sub", "",
				"trail", "Broken.collect:has_credentials Broken.check:true Broken.extra:")},
	} {
		a := w.send(t, tc.request)
		got := w.event(t)
		if got["request_id"] != a.header("X-Request-Id") || got["time"] == nil {
			t.Errorf("%s: %v", tc.name, got)
		}
		if _, granted := got["grant_id"]; granted != (a.status == http.StatusOK) {
			t.Errorf("%s: grant_id in %v", tc.name, got)
		}
		for _, volatile := range []string{"request_id", "time", "grant_id"} {
			delete(got, volatile)
		}
		if got["trail"] != nil {
			got["trail"] = way(t, got["trail"])
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

func TestReuseIsAuditedAsSuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	first := w.login(t, "/nograce", "app")
	refresh := form("grant_type", "refresh_token", "refresh_token", first.refresh)
	w.exchange(t, "/nograce", "app", refresh)
	if e := w.event(t); e["event"] != "refresh" || e["outcome"] != "success" || e["username"] != "demo" {
		t.Errorf("a rotation is audited as %v", e)
	}
	w.send(t, post(endpoint("/nograce", "access_token"), refresh, basic("/nograce", "app")))
	if e := w.event(t); e["event"] != "refresh" || e["outcome"] != "denied" || e["reason"] != "reuse" || e["grant_id"] == nil {
		t.Errorf("a reuse is audited as %v", e)
	}
}

// broken is where nothing can be written once it is full.
type broken struct {
	full bool
	buffer
}

func (b *broken) Write(p []byte) (int, error) {
	if b.full {
		return 0, errors.New("no space left on device")
	}
	return b.buffer.Write(p)
}

func TestWhatCanNotBeAuditedIsRefusedInStrictMode(t *testing.T) {
	t.Parallel()
	unavailable := `{"error":"temporarily_unavailable","error_description":"Service temporarily unavailable"}`
	for _, tc := range []struct {
		name string
		call func(i tokens) (endpoint, body string)
		left int // grants, of the one there was
	}{
		{"login", func(tokens) (string, string) { return "access_token", passwordGrant("/alpha", "demo") }, 1},
		{"refused login", func(tokens) (string, string) {
			return "access_token", form("grant_type", "password", "username", "demo", "password", "wrong")
		}, 1},
		{"refresh", func(i tokens) (string, string) {
			return "access_token", form("grant_type", "refresh_token", "refresh_token", i.refresh)
		}, 0},
		{"refused refresh", func(tokens) (string, string) {
			return "access_token", form("grant_type", "refresh_token", "refresh_token", "x")
		}, 1},
		{"revocation", func(i tokens) (string, string) { return "token/revoke", form("token", i.refresh) }, 0},
	} {
		out := &broken{}
		w := newWorld(t, setup{strict: true, audit: out})
		issued := w.login(t, "/alpha", "app")
		out.full = true
		name, body := tc.call(issued)
		a := w.send(t, post(endpoint("/alpha", name), body, basic("/alpha", "app")))
		if a.status != 503 || a.body != unavailable || a.header("Retry-After") == "" {
			t.Errorf("%s: %s", tc.name, a)
		}
		if grants := value(w.store.GrantsOf(context.Background(), "/alpha", "demo"))(t); len(grants) != tc.left {
			t.Errorf("%s: %d grants are left, want %d", tc.name, len(grants), tc.left)
		}
		out.full = false
		w.login(t, "/alpha", "app")
	}
}

func TestAGrantThatCanNotBeTakenBackIsInTheLog(t *testing.T) {
	t.Parallel()
	out := &broken{full: true}
	w, store := newFaultyWorld(t, setup{strict: true, audit: out})
	store.fail("EndGrant", faults[0].how)
	a := w.send(t, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", "demo"), basic("/alpha", "app")))
	if a.status != 503 || strings.Contains(a.body, "access_token") {
		t.Error(a)
	}
	wantLog(t, w, "store unavailable", "no space left")
}

// wantLog holds that the log says all of that.
func wantLog(t *testing.T, w *world, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if log := w.log.String(); !strings.Contains(log, part) {
			t.Errorf("%s is not in the log:\n%s", part, log)
		}
	}
}

func TestBestEffortAuditStopsNothing(t *testing.T) {
	t.Parallel()
	out := &broken{full: true}
	w := newWorld(t, setup{audit: out})
	issued := w.login(t, "/alpha", "app")
	w.exchange(t, "/alpha", "app", form("grant_type", "refresh_token", "refresh_token", issued.refresh))
	if a := w.send(t, post(endpoint("/alpha", "token/revoke"), form("token", issued.refresh), basic("/alpha", "app"))); a.status != 200 {
		t.Error(a)
	}
	if m := w.metrics(t); !strings.Contains(m, "ropcd_audit_failures_total 3\n") {
		t.Errorf("not counted:\n%s", m)
	}
}

// way is an event's trail in short, without the times.
func way(t *testing.T, trail any) string {
	t.Helper()
	text, err := json.Marshal(trail)
	var steps []audit.Step
	if err != nil || json.Unmarshal(text, &steps) != nil {
		t.Fatalf("the trail %v, %v", trail, err)
	}
	var short []string
	for _, s := range steps {
		if s.Micros < 0 || s.Micros > time.Minute.Microseconds() {
			t.Errorf("a step took %d µs", s.Micros)
		}
		short = append(short, s.Journey+"."+s.Node+":"+s.Outcome)
	}
	return strings.Join(short, " ")
}
