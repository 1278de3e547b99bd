package server_test

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// metrics is what the process endpoint shows.
func (w *world) metrics(t testing.TB) string {
	t.Helper()
	rec := httptest.NewRecorder()
	w.server.Ops(func() bool { return false }).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		t.Fatal(rec.Code)
	}
	return rec.Body.String()
}

// series are the names and labels of our own metrics.
func series(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "ropcd_") {
			all[line[:strings.LastIndexByte(line, ' ')]] = true
		}
	}
	return all
}

// TestMetricsDoNotGrowWithNamesOfStrangers sends requests that differ in everything an attacker chooses.
func TestMetricsDoNotGrowWithNamesOfStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	var names []string
	flood := func(times int) {
		c := w.dial(t)
		for range times {
			n := rand.Text()
			names = append(names, n)
			login := form("grant_type", "password", "username", n, "password", n)
			app := basic("/alpha", "app")
			for _, request := range []string{
				post("/oauth2/"+n+"/access_token", login, app),
				post("/oauth2/access_token?realm="+n, login, app),
				post(endpoint("/alpha", "access_token"), login, app),
				post(endpoint("/alpha", "access_token"), login, basicRaw(n, n)),
				post(endpoint("/alpha", "access_token"), login+"&auth_chain="+n, app),
				post(endpoint("/alpha", "access_token"), login+"&scope="+n, app),
				post(endpoint("/alpha", "access_token"), form("grant_type", n), app),
				post(endpoint("/alpha", "access_token"), form("grant_type", "refresh_token", "refresh_token", n), app),
				post(endpoint("/alpha", "introspect"), form("token", n), basicRaw(n, n)),
				post(endpoint("/alpha", "token/revoke"), form("token", n), app),
				get(endpoint("/alpha", "tokeninfo"), "Authorization: Bearer "+n, "X-Request-Id: "+n, "X-Forwarded-For: "+n),
				get("/" + n),
				n + get(endpoint("/alpha", "tokeninfo"))[len("GET"):],
			} {
				c.send(request)
			}
		}
	}
	flood(1)
	before := series(w.metrics(t))
	flood(15)
	after := w.metrics(t)
	for s := range series(after) {
		if !before[s] {
			t.Errorf("a new series: %s", s)
		}
	}
	for _, n := range names {
		if strings.Contains(after, n) {
			t.Errorf("%s is in the metrics", n)
		}
	}
	for _, want := range []string{
		`ropcd_decisions_total{event="grant",outcome="denied",realm="/alpha",reason="unknown_user"} 16`,
		`ropcd_http_requests_total{endpoint="other",status="404"} 16`,
		`ropcd_journey_runs_total{journey="PasswordGrant",outcome="denied",realm="/alpha"} 16`,
		`ropcd_journey_duration_seconds_count{journey="PasswordGrant",realm="/alpha"} 16`,
		`ropcd_journey_node_outcomes_total{journey="PasswordGrant",node="check",outcome="false",realm="/alpha"} 16`,
		`ropcd_journey_node_duration_seconds_count{journey="PasswordGrant",node="collect",realm="/alpha"} 16`,
	} {
		if !strings.Contains(after, want+"\n") {
			t.Errorf("there is no %s in\n%s", want, after)
		}
	}
}
