package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// limited is a password grant in the realm with limits: five of a client, two of a user name, two failures of an address.
func (w *world) limited(t testing.TB, user, password string, headers ...string) answer {
	t.Helper()
	body := form("grant_type", "password", "username", user, "password", password)
	return w.send(t, post(endpoint("/limited", "access_token"), body, headers...))
}

// statuses are those of one request after the other.
func statuses(n int, send func(i int) answer) (list []int) {
	for i := range n {
		list = append(list, send(i).status)
	}
	return list
}

func from(address string) string { return "X-Forwarded-For: " + address }

func expect(t *testing.T, what string, got []int, want ...int) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Who guesses at a client's secret exhausts an address of one's own, and nothing of the client's.
func TestNobodyExhaustsAnothersClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{proxies: proxies("127.0.0.1/32")})
	right := passwordOf("/limited")
	expect(t, "wrong secrets", statuses(20, func(i int) answer {
		return w.limited(t, "demo", right, basicRaw("app", "wrong"), from(fmt.Sprintf("192.0.2.%d", i/2)))
	}), 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401)
	expect(t, "the client itself", statuses(2, func(int) answer {
		return w.limited(t, "demo", right, basic("/limited", "app"), from("198.51.100.1"))
	}), 200, 200)
	expect(t, "its user's third login", statuses(1, func(int) answer {
		return w.limited(t, "demo", right, basic("/limited", "app"), from("198.51.100.1"))
	}), 429)
}

// A public client shows an id that everybody knows: it has no limit that somebody else could exhaust.
func TestPublicClientIsLimitedByAddressAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{proxies: proxies("127.0.0.1/32")})
	login := func(password, address string) answer {
		body := form("grant_type", "password", "username", "demo", "password", password, "client_id", "open")
		return w.send(t, post(endpoint("/limited", "access_token"), body, from(address)))
	}
	for i := range 9 {
		login("wrong", fmt.Sprintf("192.0.2.%d", i/2))
	}
	w.clock.move(time.Hour) // the owner is no longer locked
	expect(t, "logins", statuses(9, func(int) answer { return login(passwordOf("/limited"), "198.51.100.1") }), 200, 200, 200, 200, 200, 200, 200, 200, 200)
}

// An IPv6 user has a whole /64, and no more.
func TestIPv6AddressesOfOneNetworkHaveOneLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{proxies: proxies("127.0.0.1/32")})
	expect(t, "one network", statuses(3, func(i int) answer {
		return w.limited(t, "demo", "x", basicRaw("app", "wrong"), from(fmt.Sprintf("2001:db8::%d:1", i)))
	}), 401, 401, 429)
	expect(t, "another network", statuses(1, func(int) answer {
		return w.limited(t, "demo", "x", basicRaw("app", "wrong"), from("2001:db8:0:1::1"))
	}), 401)
}

// What fails at one endpoint counts at all that authenticate clients.
func TestFailuresCountAtEveryEndpoint(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"access_token", "introspect", "token/revoke"} {
		w := newWorld(t, setup{})
		body := form("grant_type", "refresh_token", "refresh_token", "x", "token", "x")
		expect(t, first, statuses(3, func(int) answer {
			return w.send(t, post(endpoint("/limited", first), body, basicRaw("nobody", "x")))
		}), 401, 401, 429)
		for _, name := range []string{"access_token", "introspect", "token/revoke"} {
			expect(t, first+", then "+name, statuses(1, func(int) answer {
				return w.send(t, post(endpoint("/limited", name), body, basic("/limited", "app")))
			}), 429)
			if e := w.event(t); e["reason"] != "budget" || e["outcome"] != "denied" || e["client_id"] != nil {
				t.Errorf("event %v", e)
			}
		}
	}
}

// A back end asks for many users: what they type wrong does not throttle it. It does throttle a user's own address.
func TestFailedLoginsCountWhereTheAddressIsTheUsers(t *testing.T) {
	t.Parallel()
	right := passwordOf("/limited")
	for _, row := range []struct {
		name    string
		headers func(i int) []string
		client  string
		want    []int // of wrong passwords of users who differ, and a right one of the last
	}{
		{"a back end", nil, "app", []int{400, 400, 400, 200}},
		{"a client that may report addresses and doesn't", nil, "reporter", []int{400, 400, 400, 200}},
		{"one that reports nonsense", func(int) []string { return []string{"X-End-User: nonsense"} }, "reporter", []int{400, 400, 400, 200}},
		{"a back end that reports without being trusted", func(int) []string { return []string{"X-End-User: 192.0.2.1"} }, "app", []int{400, 400, 400, 200}},
		{"a trusted client reports one user", func(int) []string { return []string{"X-End-User: 192.0.2.1"} }, "reporter", []int{400, 400, 429, 429}},
		{"a trusted client reports several users", func(i int) []string { return []string{fmt.Sprintf("X-End-User: 192.0.2.%d", i)} }, "reporter", []int{400, 400, 400, 200}},
		{"a public client", nil, "open", []int{400, 400, 429, 429}},
	} {
		w := newWorld(t, setup{})
		expect(t, row.name, statuses(4, func(i int) answer {
			password := "wrong"
			user := fmt.Sprintf("user%d", i)
			if i == 3 {
				user, password = "demo", right
			}
			var headers []string
			if row.headers != nil {
				headers = row.headers(i)
			}
			body := form("grant_type", "password", "username", user, "password", password)
			if row.client == "open" {
				body += "&client_id=open"
			} else {
				headers = append(headers, basic("/limited", row.client))
			}
			return w.send(t, post(endpoint("/limited", "access_token"), body, headers...))
		}), row.want...)
	}
}

// Whatever the reason of a denial, it counts at the address.
func TestEveryDenialCountsAtTheAddress(t *testing.T) {
	t.Parallel()
	for _, who := range []struct{ user, password string }{
		{"demo", "wrong"}, {"nobody", "wrong"}, {"demo", strings.Repeat("x", 1025)}, {"demo", "\x00"}, {"de mo", "x"},
	} {
		w := newWorld(t, setup{})
		body := form("grant_type", "password", "username", who.user, "password", who.password, "client_id", "open")
		send := func(int) answer { return w.send(t, post(endpoint("/limited", "access_token"), body)) }
		expect(t, who.user, statuses(2, send), 400, 400)
		body = form("grant_type", "password", "username", "another", "password", "x", "client_id", "open")
		expect(t, who.user+", then another", statuses(1, send), 429)
		if e := w.event(t); e["reason"] != "budget" {
			t.Errorf("%s: event %v", who.user, e)
		}
	}
}

// Over a limit nothing dear happens, and nobody else pays.
func TestRefusedRequestsSpendNothing(t *testing.T) {
	t.Parallel()
	w, f := newFaultyWorld(t, setup{})
	right := passwordOf("/limited")
	app := basic("/limited", "app")
	expect(t, "logins", statuses(2, func(int) answer { return w.limited(t, "demo", right, app) }), 200, 200)
	hashes := w.hashes.count.Load()
	f.fail("Begin", func(context.Context) error { t.Error("an attempt was reserved"); return nil })
	expect(t, "wrong passwords over the limit", statuses(10, func(int) answer { return w.limited(t, "demo", "wrong", app) }),
		429, 429, 429, 429, 429, 429, 429, 429, 429, 429)
	f.fail("Begin", nil)
	if now := w.hashes.count.Load(); now != hashes {
		t.Errorf("%d passwords were hashed", now-hashes)
	}
	u := value(w.store.UserByName(t.Context(), "/limited", "demo"))(t)
	if u.Login.Failures != 0 {
		t.Errorf("%d failures of the owner", u.Login.Failures)
	}
	expect(t, "the client's other users", statuses(4, func(i int) answer { return w.limited(t, fmt.Sprint("u", i), "x", app) }), 400, 400, 400, 429)
}

func TestLimitsHoldForRequestsInParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	var in atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if w.limited(t, "demo", passwordOf("/limited"), basic("/limited", "app")).status == http.StatusOK {
				in.Add(1)
			}
		})
	}
	all.Wait()
	if in.Load() != 2 {
		t.Errorf("%d logins of two", in.Load())
	}
}

// A store that can't be asked for a limit is a fault: nobody logs in, and no wrong secret is told to be wrong.
func TestFaultOfALimitIsAFault(t *testing.T) {
	t.Parallel()
	w, f := newFaultyWorld(t, setup{})
	f.fail("Charge", func(context.Context) error { return storage.ErrUnavailable })
	for what, header := range map[string]string{"a login": basic("/limited", "app"), "a wrong secret": basicRaw("app", "wrong")} {
		a := w.limited(t, "demo", passwordOf("/limited"), header)
		if a.status != http.StatusServiceUnavailable || a.header("Retry-After") == "" {
			t.Errorf("%s: %s", what, a)
		}
		if e := w.event(t); e["reason"] != "store" || e["outcome"] != "fault" {
			t.Errorf("%s: event %v", what, e)
		}
	}
	f.fail("Charge", nil)
	if a := w.limited(t, "demo", passwordOf("/limited"), basic("/limited", "app")); a.status != http.StatusOK {
		t.Errorf("once it is back: %s", a)
	}
}

// Refused requests are counted by realm and layer, whoever they name.
func TestLimitedRequestsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	app := basic("/limited", "app")
	for range 4 {
		w.limited(t, "demo", passwordOf("/limited"), app)
	}
	for i := range 6 {
		w.limited(t, fmt.Sprintf("stranger%d", i), "x", app)
	}
	for range 5 {
		w.limited(t, "demo", "x", basicRaw("stranger", "wrong"))
	}
	var got []string
	for line := range strings.SplitSeq(w.metrics(t), "\n") {
		if strings.HasPrefix(line, "ropcd_limited_total") {
			got = append(got, line)
		}
	}
	want := []string{
		`ropcd_limited_total{layer="address",realm="/limited"} 3`, `ropcd_limited_total{layer="client",realm="/limited"} 3`,
		`ropcd_limited_total{layer="user_client",realm="/limited"} 2`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// Retry-After is rounded up: who comes back then is let in.
func TestRetryAfterIsWhenThereIsAPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	right, app := passwordOf("/limited"), basic("/limited", "app")
	expect(t, "logins", statuses(2, func(int) answer { return w.limited(t, "demo", right, app) }), 200, 200)
	w.clock.move(500 * time.Millisecond)
	a := w.limited(t, "demo", right, app)
	if a.status != http.StatusTooManyRequests || a.header("Retry-After") != "30" {
		t.Fatal(a)
	}
	w.clock.move(28 * time.Second)
	expect(t, "before", statuses(1, func(int) answer { return w.limited(t, "demo", right, app) }), 429)
	w.clock.move(2 * time.Second)
	expect(t, "then", statuses(1, func(int) answer { return w.limited(t, "demo", right, app) }), 200)
}
