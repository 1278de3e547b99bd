package main_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

var soak = flag.Bool("soak", false, "flood for half a minute on each store, and judge the times too")

// flood is how hard, and how long, to press.
type flood struct {
	workers string // max_concurrent
	owners  int
	phase   time.Duration // of each measurement without a flood, of which half is after it
	during  time.Duration
	times   float64 // the capacity
	atLeast float64 // logins a second
	redis   bool
	verdict bool // of what is a matter of time
}

// TestAFloodOfLoginsHurtsNobodyElse is the promise of SECURITY.md. Without -soak nothing is asserted that is a matter of
// time.
func TestAFloodOfLoginsHurtsNobodyElse(t *testing.T) {
	if !*soak {
		flood{workers: "1", owners: 40, phase: time.Second, during: 2 * time.Second, times: 3, atLeast: 300}.run(t)
		return
	}
	for _, redis := range []bool{false, true} {
		t.Run(map[bool]string{false: "bolt", true: "redis"}[redis], func(t *testing.T) {
			flood{
				workers: "auto", owners: 500, phase: 20 * time.Second, during: 30 * time.Second, times: 3, redis: redis, verdict: true,
			}.run(t)
		})
	}
}

func (f flood) run(t *testing.T) {
	s := f.settle(t)
	m := s.measure(t, f)
	if threads := s.metric("ropcd_go_sched_gomaxprocs_threads"); threads != m.workers+float64(runtime.GOMAXPROCS(0)) {
		t.Errorf("%v threads for %v hashes at once and all the rest", threads, m.workers)
	}
	m.print(t)
	m.sound(t)
	s.letsIn(t)
	s.rests(t, m.goroutines)
	if f.verdict {
		m.judge(t)
	}
}

// settlers are the back ends that flood and the resource server that goes on asking.
type settlers struct {
	p      *process
	send   *sender
	ids    []string
	secret map[string]string
	owners int
	token  string // of the resource server
}

const (
	resourceServer = "resource-server"
	backEnds       = 4
	// introspections a second, in every phase.
	introspections = 100
	// hashMemory is that of argon2id by default.
	hashMemory = 19 << 20
)

// noLimits, behind a realm, has it without rate limits.
const noLimits = "    limits: {address: {requests: 0}, client: {requests: 0}, user_client: {requests: 0}}\n"

// settle starts the binary with the hashing that it has by default and without rate limits.
func (f flood) settle(t *testing.T) *settlers {
	t.Helper()
	storage := "{driver: bolt, bolt: {path: ropcd.db}}"
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if f.redis {
		storage = fmt.Sprintf("{driver: redis, redis: {addrs: [%q]}}", redistest.Start(t).Addr())
		write("system.secret", "canary-system-secret-0123456789-0123456789\n")
	}
	write("config.yaml", fmt.Sprintf(`
server: {listen: "127.0.0.1:0", base_url: "http://127.0.0.1:1"}
ops: {listen: "127.0.0.1:0"}
admin: {socket: admin.sock}
audit: {file: audit.log}
secrets: {system_files: [system.secret]}
password_hashing: {max_concurrent: %s}
storage: %s
realms:
%s%s`, f.workers, storage, alpha, noLimits))
	s := &settlers{p: start(t, dir), send: newSender(), secret: map[string]string{}, owners: f.owners}
	s.enroll(t)
	r, err := s.p.callAs(resourceServer, s.secret[resourceServer], "access_token", owner(0))
	if s.token = r.text("access_token"); err != nil || s.token == "" {
		t.Fatalf("password grant: %v, %d %v", err, r.status, r.body)
	}
	return s
}

// enroll makes the clients and the owners.
func (s *settlers) enroll(t *testing.T) {
	t.Helper()
	for i := range backEnds {
		s.ids = append(s.ids, fmt.Sprint("back-end-", i))
	}
	for _, id := range append([]string{resourceServer}, s.ids...) {
		s.secret[id] = s.p.enrollClient(t, id, "password")
	}
	s.p.enrollOwners(t, s.owners)
}

// enrollClient makes a client, whose secret takes no password hash, and returns the secret.
func (p *process) enrollClient(t *testing.T, id string, grantTypes ...string) string {
	t.Helper()
	c := admin.NewClient{ClientRef: admin.ClientRef{InRealm: admin.InRealm{Realm: "alpha"}, ID: id}}
	c.GrantTypes, c.Scopes, c.DefaultScopes = grantTypes, []string{"write"}, []string{"write"}
	made, err := admin.Do[admin.ClientAnswer](t.Context(), admin.Dial(filepath.Join(p.dir, "admin.sock")), "client/create", c)
	if err != nil {
		t.Fatal(err)
	}
	return made.Secret
}

// enrollOwners makes so many owners.
func (p *process) enrollOwners(t *testing.T, n int) {
	t.Helper()
	api, in := admin.Dial(filepath.Join(p.dir, "admin.sock")), admin.InRealm{Realm: "alpha"}
	for i := range n {
		form := owner(i)
		u := admin.NewUser{InRealm: in, Username: form.Get("username"), Password: form.Get("password")}
		if _, err := admin.Do[admin.UserAnswer](t.Context(), api, "user/create", u); err != nil {
			t.Fatal(err)
		}
	}
}

// owner is a right login.
func owner(i int) url.Values {
	return url.Values{"grant_type": {"password"}, "username": {fmt.Sprint("owner-", i)}, "password": {userPassword}}
}

func (s *settlers) login(i int) reply {
	id := s.ids[i%len(s.ids)]
	return s.send.post(s.p.endpoint("access_token"), id, s.secret[id], owner(i%s.owners))
}

func (s *settlers) introspect(int) reply {
	return s.send.post(s.p.endpoint("introspect"), resourceServer, s.secret[resourceServer], theToken(s.token))
}

// metric is the value of one without labels.
func (s *settlers) metric(name string) float64 {
	_, text := s.p.get("/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err == nil {
				return f
			}
		}
	}
	return -1
}

// charges are the failures of all owners: the passwords were right, so that there are none.
func (s *settlers) charges(t *testing.T) {
	t.Helper()
	api, n, sum := admin.Dial(filepath.Join(s.p.dir, "admin.sock")), 0, 0
	for u, err := range admin.List[admin.User](t.Context(), api, "user/list", admin.InRealm{Realm: "alpha"}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		sum += u.Failures
	}
	if n != s.owners || sum != 0 {
		t.Errorf("%d owners of %d have %d failures", n, s.owners, sum)
	}
}

// letsIn has every owner log in, which an attempt that a refusal left reserved would hinder.
func (s *settlers) letsIn(t *testing.T) {
	t.Helper()
	for i := range s.owners {
		if r := s.login(i); r.err != nil || r.status != http.StatusOK {
			t.Fatalf("a login after the flood: %d, %v", r.status, r.err)
		}
	}
}

// rests waits until nothing of the flood is left.
func (s *settlers) rests(t *testing.T, goroutines float64) {
	t.Helper()
	s.send.http.CloseIdleConnections()
	for name, most := range map[string]float64{
		"ropcd_hashing_running": 0, "ropcd_hashing_waiting": 0, "ropcd_go_goroutines": goroutines,
	} {
		eventually(t, fmt.Sprintf("%s is %v again", name, most), func() bool {
			v := s.metric(name)
			return v >= 0 && v <= most
		})
	}
}

// measured is what the phases gave.
type measured struct {
	flood
	workers                 float64
	goroutines              float64   // before
	before, after           float64   // resident bytes
	capacities              []float64 // logins a second, before and after the flood
	offered, served         float64   // logins a second
	calm, exhausted, beside []reply   // introspections: idle, at capacity, flooded
	exhausting, flooding    []reply   // logins
}

func (m *measured) capacity() float64 { return (m.capacities[0] + m.capacities[1]) / 2 }

// measure introspects all the time: alone, while logins take all there is, under the flood, and the first two again, so
// that a machine that gets busier or quieter meanwhile shifts all of them.
func (s *settlers) measure(t *testing.T, f flood) *measured {
	t.Helper()
	m := &measured{flood: f, workers: s.metric("ropcd_hashing_workers")}
	exhaust(1, f.phase/10, s.login)
	s.send.http.CloseIdleConnections()
	m.goroutines = s.metric("ropcd_go_goroutines")
	s.withoutFlood(m)
	m.before = s.metric("ropcd_process_resident_memory_bytes")
	m.offered = max(f.times*m.capacities[0], f.atLeast)
	m.beside = s.introspecting(f.during, func() {
		start := time.Now()
		m.flooding = offer(m.offered, f.during, s.login)
		m.served = perSecond(m.flooding, start, f.during)
	})
	m.after = s.metric("ropcd_process_resident_memory_bytes")
	s.charges(t) // before a right password clears them
	s.withoutFlood(m)
	return m
}

// withoutFlood is half of each phase without a flood.
func (s *settlers) withoutFlood(m *measured) {
	half := m.phase / 2
	m.calm = append(m.calm, s.introspecting(half, func() {})...)
	m.exhausted = append(m.exhausted, s.introspecting(half, func() {
		start := time.Now()
		logins := exhaust(2*int(m.workers), half, s.login)
		m.capacities = append(m.capacities, perSecond(logins, start, half))
		m.exhausting = append(m.exhausting, logins...)
	})...)
}

// introspecting does something while the resource server asks.
func (s *settlers) introspecting(during time.Duration, do func()) (asked []reply) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		asked = offer(introspections, during, s.introspect)
	}()
	do()
	<-done
	return asked
}

// sound is what holds however slow the machine is.
func (m *measured) sound(t *testing.T) {
	t.Helper()
	count := map[int]int{}
	for _, r := range m.flooding {
		count[r.status]++
		switch {
		case r.err != nil:
			t.Errorf("a login: %v", r.err)
		case r.status == http.StatusServiceUnavailable && r.retryAfter == "":
			t.Error("503 without Retry-After")
		case r.status != http.StatusOK && r.status != http.StatusServiceUnavailable:
			t.Errorf("a login: %d", r.status)
		}
	}
	if count[http.StatusOK] == 0 || count[http.StatusServiceUnavailable] == 0 {
		t.Errorf("answers by status: %v", count)
	}
	for _, list := range [][]reply{m.calm, m.exhausted, m.beside} {
		if n := len(timesOf(list, http.StatusOK)); n != len(list) {
			t.Errorf("%d of %d introspections were answered", n, len(list))
		}
	}
}

func (m *measured) print(t *testing.T) {
	t.Helper()
	w := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\tanswers\tmedian\tp99\tlongest\t\n")
	for _, row := range []struct {
		what string
		of   times
	}{
		{"introspection, idle", timesOf(m.calm, http.StatusOK)},
		{"introspection, at capacity", timesOf(m.exhausted, http.StatusOK)},
		{"introspection, flooded", timesOf(m.beside, http.StatusOK)},
		{"login, at capacity", timesOf(m.exhausting, http.StatusOK)},
		{"login, flooded", timesOf(m.flooding, http.StatusOK)},
		{"refusal, flooded", timesOf(m.flooding, http.StatusServiceUnavailable)},
	} {
		fmt.Fprintf(w, "%s\t%v\t\n", row.what, row.of)
	}
	_ = w.Flush()
	fmt.Fprintf(t.Output(), "%v workers; capacity %.1f logins/s before and %.1f after; offered %.1f/s, served %.1f/s (%.0f %%)\n",
		m.workers, m.capacities[0], m.capacities[1], m.offered, m.served, 100*m.served/m.capacity())
	fmt.Fprintf(t.Output(), "resident: %.0f MiB before, %.0f MiB after\n", m.before/(1<<20), m.after/(1<<20))
}

// judge is the promise.
func (m *measured) judge(t *testing.T) {
	t.Helper()
	idle, flooded := timesOf(m.calm, http.StatusOK).quantile(0.99), timesOf(m.beside, http.StatusOK).quantile(0.99)
	refusal := timesOf(m.flooding, http.StatusServiceUnavailable).quantile(0.99)
	for _, promise := range []struct {
		what string
		kept bool
	}{
		{"at least 95 % of the capacity is served", m.served >= 0.95*m.capacity()},
		{"refusals within 100 ms at p99", refusal <= 100*time.Millisecond},
		{"introspection at p99 at most three times as slow as idle", flooded <= 3*idle},
		{"no more memory than one more hash for each worker", m.after <= m.before+m.workers*hashMemory},
	} {
		fmt.Fprintf(t.Output(), "%s: %s\n", map[bool]string{true: "kept", false: "BROKEN"}[promise.kept], promise.what)
		if !promise.kept {
			t.Errorf("not kept: %s", promise.what)
		}
	}
}
