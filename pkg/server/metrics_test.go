package server_test

import (
	"crypto/rand"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/storage"
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

// ofStranger is one request for each place that a stranger may put a name into.
func ofStranger(n string) []string {
	login, app, agent := form("grant_type", "password", "username", n, "password", n), basic("/alpha", "app"), "User-Agent: "+n
	return []string{
		post("/oauth2/"+n+"/access_token", login, app),
		post("/oauth2/access_token?realm="+n, login, app),
		post(endpoint("/alpha", "access_token"), login, app, agent),
		post(endpoint("/alpha", "access_token"), login, basicRaw(n, n)),
		post(endpoint("/alpha", "access_token"), login+"&auth_chain="+n, app),
		post(endpoint("/alpha", "access_token"), login+"&scope="+n, app),
		post(endpoint("/alpha", "access_token"), form("grant_type", n), app),
		post(endpoint("/alpha", "access_token"), form("grant_type", "refresh_token", "refresh_token", n), app),
		post(endpoint("/alpha", "introspect"), form("token", n), basicRaw(n, n)),
		post(endpoint("/alpha", "token/revoke"), form("token", n), app),
		get(endpoint("/alpha", "tokeninfo"), "Authorization: Bearer "+n, "X-Request-Id: "+n, "X-Forwarded-For: "+n, agent),
		get("/"+n, agent),
		n + get(endpoint("/alpha", "tokeninfo"))[len("GET"):],
	}
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
			for _, request := range ofStranger(n) {
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

// TestAFloodLeavesNothingBehind is that at length, and at many connections: there are as many series and goroutines
// afterwards as before, and with ROPCD_SOAK set, after 10^5 names in each place, as much memory. It is not parallel, since
// it counts what the process has.
func TestAFloodLeavesNothingBehind(t *testing.T) {
	const connections = 32
	names, soak := 10_000/len(ofStranger("")), os.Getenv("ROPCD_SOAK") != ""
	if soak {
		names = 100_000
	}
	// A full pool or a deadline, on a busy machine, would be a series more.
	w := newWorld(t, setup{timeout: time.Minute, pool: password.PoolOptions{Cost: time.Millisecond, MaxWait: time.Minute}, forget: true})
	flood := func(each int) (sent int64) {
		var all atomic.Int64
		var wg sync.WaitGroup
		for range connections {
			c := w.dial(t)
			must(t, c.conn.SetDeadline(time.Now().Add(30*time.Minute)))
			wg.Go(func() {
				defer c.conn.Close()
				for range each {
					for _, request := range ofStranger(rand.Text()) {
						if _, err := io.WriteString(c.conn, request); err != nil {
							t.Error(err)
							return
						}
						method, _, _ := strings.Cut(request, " ")
						if _, err := c.read(method); err != nil {
							t.Error(err)
							return
						}
						all.Add(1)
					}
				}
			})
		}
		wg.Wait()
		return all.Load()
	}
	goroutines := runtime.NumGoroutine()
	flood(1)
	before := calm(w.metrics(t))
	start := heapInUse()
	sent := flood(1 + names/connections)
	full := heapInUse() // of what is remembered up to a bound
	sent += flood(1 + names/connections/4)
	after := heapInUse()
	t.Logf("%d requests; heap in use: %d KiB before, %d KiB after 4/5 of them, %d KiB after all; %d series",
		sent, start>>10, full>>10, after>>10, len(before))
	if soak && after > full+1<<20 {
		t.Errorf("the last fifth of the flood has left %d KiB in memory", (after-full)>>10)
	}
	if diff := cmp.Diff(before, calm(w.metrics(t))); diff != "" {
		t.Errorf("series (-before +after):\n%s", diff)
	}
	end := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(time.Millisecond); runtime.NumGoroutine() > goroutines && time.Now().Before(end); <-tick.C {
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		all := make([]byte, 1<<20)
		t.Errorf("%d goroutines, %d before:\n%s", n, goroutines, all[:runtime.Stack(all, true)])
	}
}

// connected is a store with connections.
type connected struct{ storage.Store }

func (connected) Connections() storage.Connections {
	return storage.Connections{Open: 5, Idle: 3, Waited: 7, TimedOut: 2}
}

func TestMetricsTellOfTheStoresConnections(t *testing.T) {
	text := newWorld(t, setup{wrap: func(s storage.Store) storage.Store { return connected{s} }}).metrics(t)
	for _, line := range []string{
		"ropcd_store_connections_open 5", "ropcd_store_connections_idle 3", "ropcd_store_connection_waits_total 7",
		"ropcd_store_connection_timeouts_total 2",
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %q", line)
		}
	}
}

// calm are the series without those of faults, which hold no names, and which a busy machine may add.
func calm(text string) map[string]bool {
	all := series(text)
	maps.DeleteFunc(all, func(s string, _ bool) bool {
		return strings.Contains(s, `outcome="fault"`) || strings.Contains(s, `status="503"`)
	})
	return all
}

// heapInUse is what is reachable.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what the first one's finalizers have let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
