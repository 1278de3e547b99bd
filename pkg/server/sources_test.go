package server_test

import (
	"net/http"
	"testing"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
)

// Who logs in from a place where they did before is not locked out by guesses from elsewhere, if it is known that the
// address is the end user's own. Otherwise the attacker could have the same.
func TestKnownSourcesNeedAnAddressThatIsTheEndUsers(t *testing.T) {
	t.Parallel()
	const (
		device, backEnd, reporting = "open", "app", "reporting"
		home, away                 = "203.0.113.1", "203.0.113.66"
	)
	proxy := proxies("127.0.0.0/8")
	for _, tc := range []struct {
		name, client string
		proxies      guard.Proxies
		headers      func(address string) []string
		want         int
		failures     int // of the account of all places that are not known
	}{
		{"a device, through a proxy", device, proxy, header("X-Forwarded-For"), http.StatusOK, 5},
		{"a device, its address invented", device, nil, header("X-Forwarded-For"), http.StatusBadRequest, 0},
		{"a device, behind a proxy that tells nothing", device, proxy, header("X-Nothing"), http.StatusBadRequest, 5},
		{"a device, behind a proxy that tells nonsense", device, proxy, func(a string) []string {
			return []string{"X-Forwarded-For: " + a + ", nonsense"}
		}, http.StatusBadRequest, 5},
		{"a back end, through a proxy", backEnd, proxy, header("X-Forwarded-For"), http.StatusBadRequest, 5},
		{"a back end, as a trusted client would", backEnd, nil, header("X-End-User"), http.StatusBadRequest, 5},
		{"a trusted back end", reporting, nil, header("X-End-User"), http.StatusOK, 5},
		{"a trusted back end that reports nothing", reporting, proxy, header("X-Forwarded-For"), http.StatusBadRequest, 5},
		{"a trusted back end that reports nonsense", reporting, nil, func(a string) []string {
			return []string{"X-End-User: " + a + ", nonsense"}
		}, http.StatusBadRequest, 5},
	} {
		w := newWorld(t, setup{proxies: tc.proxies})
		w.addClients(t, with("/alpha", reporting, func(c *realm.Client) { c.TrustEndUserIP = "X-End-User" }))
		login := func(address, body string) int {
			headers := tc.headers(address)
			if tc.client == device {
				body += "&" + form("client_id", device)
			} else {
				headers = append(headers, basic("/alpha", tc.client))
			}
			return w.send(t, post(endpoint("/alpha", "access_token"), body, headers...)).status
		}
		right := passwordGrant("/alpha", "demo")
		wrong := form("grant_type", "password", "username", "demo", "password", "wrong")
		if got := login(home, right); got != http.StatusOK {
			t.Fatalf("%s: the first login: %d", tc.name, got)
		}
		for range 6 {
			login(away, wrong)
		}
		if got := login(home, right); got != tc.want {
			t.Errorf("%s: a login at home is %d, want %d", tc.name, got, tc.want)
		}
		if u := value(w.store.UserByName(t.Context(), "/alpha", "demo"))(t); u.Login.Failures != tc.failures {
			t.Errorf("%s: %d failures, want %d", tc.name, u.Login.Failures, tc.failures)
		}
		if got := login(away, right); got != http.StatusBadRequest {
			t.Errorf("%s: a login where the guesses came from is %d", tc.name, got)
		}
	}
}

func header(name string) func(address string) []string {
	return func(address string) []string { return []string{name + ": " + address} }
}
