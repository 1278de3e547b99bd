package main_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// recoveryTime is the promise of SECURITY.md. Without -soak, on a machine that may be busy with other tests, it is only told.
const recoveryTime = 2 * time.Second

// outage is a fault of something outside of a server that runs, which comes and goes.
type outage struct {
	name       string
	begin, end func()
	status     int    // of a password grant meanwhile
	chain      string // the journey that suffers; the realm's if empty
	gentle     bool   // a login may be charged meanwhile: no more than two
}

// rows are what is asked, in the order of the table in SECURITY.md.
var rows = []string{"password grant", "refresh", "introspection", "revocation", "token info", "metadata", "healthz", "readyz"}

// sufferer is a server that suffers outages.
type sufferer struct {
	*process
	took map[string][]time.Duration // by outage, from its end until a row is well, in the order of rows
	list []string
}

// tokensFor are grants for one round of questions, one for each row that needs one.
type tokensFor map[string]answer

func (s *sufferer) issue(t *testing.T) tokensFor {
	t.Helper()
	of := tokensFor{}
	for _, row := range rows[1:5] {
		of[row] = s.login(t)
	}
	return of
}

// ask asks a row's question, and reports whether it is answered well.
func (s *sufferer) ask(row string, of tokensFor, login url.Values) (a answer, well bool, err error) {
	access, refresh := of[row].text("access_token"), of[row].text("refresh_token")
	switch row {
	case "password grant":
		a, err = s.call("access_token", login)
		well = a.text("access_token") != ""
	case "refresh":
		a, err = s.call("access_token", refreshGrant(refresh))
		well = a.text("access_token") != ""
	case "introspection":
		a, err = s.call("introspect", theToken(access))
		well = a.body["active"] == true
	case "revocation":
		a, err = s.call("token/revoke", theToken(refresh))
		well = true
	case "token info":
		a.status, err = status(s.endpoint("tokeninfo"), access)
		well = true
	case "metadata":
		a.status, err = status(s.url+"/.well-known/oauth-authorization-server/oauth2/realms/root/realms/alpha", "")
		well = true
	default:
		a.status, err = status(s.ops+"/"+row, "")
		well = true
	}
	return a, well && a.status == http.StatusOK, err
}

// status is that of the answer to a GET.
func status(address, bearer string) (int, error) {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// through lets an outage come and go, and expects every row to be well afterwards, in time.
func (s *sufferer) through(t *testing.T, o outage) {
	t.Helper()
	login := passwordGrant()
	if o.chain != "" {
		login = loginOf("remote", userPassword)
		login.Set("auth_chain", o.chain)
	}
	during, after := s.issue(t), s.issue(t)
	o.begin()
	s.suffers(t, o, during, login)
	o.end()
	end := time.Now()
	took := make([]time.Duration, len(rows))
	heals := func(i int) {
		for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
			a, well, err := s.ask(rows[i], after, login)
			if took[i] = time.Since(end); well {
				return
			}
			if took[i] > patience {
				t.Errorf("%s: %s is not well: %d %v %v", o.name, rows[i], a.status, a.body, err)
				return
			}
		}
	}
	// One of them is alone at first: nobody else's request may be what it needs to be well again.
	alone := []int{0, len(rows) - 1}[len(s.list)%2]
	heals(alone)
	var wg sync.WaitGroup
	for i := range rows {
		if i != alone {
			wg.Go(func() { heals(i) })
		}
	}
	wg.Wait()
	s.list = append(s.list, o.name)
	s.took[o.name] = took
	for i, row := range rows {
		if *soak && took[i] > recoveryTime {
			t.Errorf("%s: %s is well only %v after the end", o.name, row, took[i])
		}
	}
}

// suffers asks until an outage is felt, and then everything again: answers are right, or are faults.
func (s *sufferer) suffers(t *testing.T, o outage, of tokensFor, login url.Values) {
	t.Helper()
	eventually(t, o.name+" is felt", func() bool {
		a, _, err := s.ask(rows[0], of, login)
		if err != nil || (a.status != http.StatusOK && a.status != o.status) {
			t.Errorf("%s: a password grant: %d %v %v", o.name, a.status, a.body, err)
		}
		return a.status == o.status
	})
	many := 8 // more than the threshold: what is left reserved would show
	if o.gentle {
		many = 1
	}
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() { s.judge(t, o, rows[0], of, login) })
	}
	for _, row := range rows[1:] {
		wg.Go(func() { s.judge(t, o, row, of, login) })
	}
	wg.Wait()
}

func (s *sufferer) judge(t *testing.T, o outage, row string, of tokensFor, login url.Values) {
	a, well, err := s.ask(row, of, login)
	fault := a.status == http.StatusServiceUnavailable || (a.status == http.StatusInternalServerError && o.status == a.status)
	if err != nil || (!well && !fault) || (!well && (row == "metadata" || row == "healthz")) {
		t.Errorf("%s: %s: %d %v %v", o.name, row, a.status, a.body, err)
	}
}

func (s *sufferer) print(t *testing.T) {
	t.Helper()
	w := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "ms until well again\t%s\t\n", strings.Join(rows, "\t"))
	for _, name := range s.list {
		fmt.Fprintf(w, "%s\t", name)
		for _, d := range s.took[name] {
			fmt.Fprintf(w, "%d\t", d.Milliseconds())
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
}

// suffering starts a server with a strict audit log, and a journey that asks a web service.
func suffering(t *testing.T, storage, service string) *sufferer {
	t.Helper()
	dir := t.TempDir()
	shareSecret(t, dir)
	remote := fmt.Sprintf(`      Remote:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check: {type: HTTPDecision, settings: {url: "http://%s/check", secret_file: service.secret, link: any}, outcomes: {true: success, false: failure, locked: failure, expired: failure}}
`, service)
	configure(t, dir, storage, strings.Replace(alpha, "    authentication: {",
		"    limits: {address: {requests: 0}, client: {requests: 0}, user_client: {requests: 0}}\n    authentication: {", 1)+remote)
	path := filepath.Join(dir, "config.yaml")
	for name, text := range map[string]string{
		path: file(t, path) + "audit: {file: audit.log, mode: strict}\n", filepath.Join(dir, "service.secret"): strings.Repeat("s", 32) + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &sufferer{process: start(t, dir), took: map[string][]time.Duration{}}
	s.enroll(t)
	s.cli(t, userPassword, "user", "create", "--realm", "alpha", "--username", "remote", "--password-stdin")
	return s
}

// bad are the kinds of bad weather between a server and what it needs.
func (p *proxy) bad(status int, kinds map[string]weather) []outage {
	list := []outage{{name: "refused", begin: p.shut, end: p.open, status: status}}
	for name, how := range kinds {
		list = append(list, outage{name: name, begin: func() { p.turn(how) }, end: func() { p.turn(weather{}) }, status: status})
	}
	return list
}

// Whatever failed: when it is over, every endpoint answers well within two seconds, and nobody had to do anything.
func TestTheServerRecoversByItself(t *testing.T) {
	server := redistest.Start(t)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(web.Close)
	store, service := before(t, server.Addr()), before(t, web.Listener.Addr().String())
	s := suffering(t, fmt.Sprintf("{driver: redis, redis: {addrs: [%q]}}", store.addr), service.addr)
	list := append(store.bad(http.StatusServiceUnavailable, map[string]weather{
		"slow": {late: 400 * time.Millisecond}, "hanging": {hang: true}, "lost replies": {lost: true},
		"loading": {reply: "-LOADING Redis is loading the dataset in memory\r\n"}, "garbage": {reply: "?what is this\r\n"},
	}), ofRedis(t, server)...)
	list = append(list, limitOutages(s.process, "audit sink full", http.StatusServiceUnavailable)...)
	for _, o := range service.bad(http.StatusServiceUnavailable, map[string]weather{"hanging": {hang: true}, "garbage": {reply: "what is this\r\n"}}) {
		o.name, o.chain, o.gentle = "source "+o.name, "Remote", true
		list = append(list, o)
	}
	for _, o := range list {
		s.through(t, o)
	}
	s.print(t)
}

// The same with the embedded store, whose disk is full.
func TestTheServerRecoversWhenThereIsRoomOnTheDisk(t *testing.T) {
	s := suffering(t, "{driver: bolt, bolt: {path: store.db}}", "127.0.0.1:1")
	for _, name := range []string{"disk full", "disk full again"} {
		for _, o := range limitOutages(s.process, name, http.StatusServiceUnavailable) {
			s.through(t, o)
		}
	}
	s.print(t)
}

// ofRedis are states of a real server.
func ofRedis(t *testing.T, server *redistest.Server) []outage {
	run := func(commands ...[]string) func() {
		return func() {
			for _, c := range commands {
				if said := command(t, server.Addr(), c...); strings.HasPrefix(said, "-") {
					t.Errorf("%q: %s", c, said)
				}
			}
		}
	}
	// Values that are there are set aside, and others put under their keys.
	const aside = `local set = {} for _, k in ipairs(redis.call('KEYS', '*')) do if redis.call('TYPE', k).ok == 'string' then set[#set+1] = k end; end
		table.sort(set) for i, k in ipairs(set) do redis.call('COPY', k, 'aside:' .. k) end
		for i, k in ipairs(set) do %s end return #set`
	const back = `for _, k in ipairs(redis.call('KEYS', 'aside:*')) do redis.call('RENAME', k, string.sub(k, 7)) end return 'OK'`
	eval := func(script string) []string { return []string{"EVAL", script, "0"} }
	return []outage{
		{name: "stopped process", begin: server.Pause, end: server.Resume, status: http.StatusServiceUnavailable},
		{name: "out of memory", status: http.StatusServiceUnavailable, begin: run([]string{"CONFIG", "SET", "maxmemory", "1"}), end: run([]string{"CONFIG", "SET", "maxmemory", "0"})},
		{name: "too few replicas", status: http.StatusServiceUnavailable, begin: run([]string{"CONFIG", "SET", "min-replicas-to-write", "1"}), end: run([]string{"CONFIG", "SET", "min-replicas-to-write", "0"})},
		{name: "read-only", status: http.StatusServiceUnavailable, begin: run([]string{"REPLICAOF", "127.0.0.1", "1"}), end: run([]string{"REPLICAOF", "NO", "ONE"})},
		{name: "scripts gone, paused", status: http.StatusServiceUnavailable, begin: run([]string{"SCRIPT", "FLUSH"}, []string{"CLIENT", "PAUSE", "60000", "WRITE"}), end: run([]string{"CLIENT", "UNPAUSE"})},
		{name: "wrong type", status: http.StatusInternalServerError, begin: run(eval(fmt.Sprintf(aside, `redis.call('DEL', k) redis.call('RPUSH', k, 'x')`))), end: run(eval(back))},
		{name: "damaged", status: http.StatusInternalServerError, begin: run(eval(fmt.Sprintf(aside, `redis.call('SET', k, 'damaged')`))), end: run(eval(back))},
		{name: "another key's value", status: http.StatusInternalServerError, begin: run(eval(fmt.Sprintf(aside, `redis.call('COPY', 'aside:' .. set[i % #set + 1], k, 'REPLACE')`))), end: run(eval(back))},
	}
}

// command is the first line of the answer of a Redis.
func command(t *testing.T, addr string, words ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(c, "$%d\r\n%s\r\n", len(w), w)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}
