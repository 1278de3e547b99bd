package server_test

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/guard"
)

func proxies(prefixes ...string) guard.Proxies {
	var list guard.Proxies
	for _, p := range prefixes {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

var ownID = regexp.MustCompile(`^[0-9a-f]{24}$`)

func TestRequestIDsAreTakenFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	trusting, alone := newWorld(t, setup{proxies: proxies("127.0.0.0/8")}), newWorld(t, setup{proxies: proxies("10.0.0.0/8")})
	for _, tc := range []struct {
		id   string
		kept bool
	}{
		{"a", true},
		{"A-Z_a.z-09", true},
		{strings.Repeat("x", 64), true},
		{strings.Repeat("x", 65), false},
		{"", false},
		{"a b", false},
		{"a/b", false},
		{`a"b`, false},
		{"a\tb", false},
		{"é", false},
		{"a,b", false},
	} {
		for _, w := range []*world{trusting, alone} {
			a := w.send(t, get("/nowhere", "X-Request-Id: "+tc.id))
			got := a.header("X-Request-Id")
			if kept := got == tc.id && tc.id != ""; kept != (tc.kept && w == trusting) || (!kept && !ownID.MatchString(got)) {
				t.Errorf("%q became %q", tc.id, got)
			}
		}
	}
}

func TestAddressesAreTakenFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		proxies guard.Proxies
		headers []string
		want    string
	}{
		{"nobody is trusted", nil, []string{"X-Forwarded-For: 192.0.2.1"}, "127.0.0.1"},
		{"another one is trusted", proxies("10.0.0.0/8"), []string{"X-Forwarded-For: 192.0.2.1"}, "127.0.0.1"},
		{"the peer is trusted", proxies("127.0.0.1/32"), []string{"X-Forwarded-For: 192.0.2.1"}, "192.0.2.1"},
		{"what a client sent is further left", proxies("127.0.0.1/32"), []string{"X-Forwarded-For: 198.51.100.1, 192.0.2.1"}, "192.0.2.1"},
		{"two proxies", proxies("127.0.0.1/32", "10.0.0.0/8"), []string{"X-Forwarded-For: 198.51.100.1, 192.0.2.1, 10.1.1.1"}, "192.0.2.1"},
		{"two headers", proxies("127.0.0.1/32", "10.0.0.0/8"), []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 10.1.1.1"}, "192.0.2.1"},
		{"IPv6", proxies("127.0.0.1/32"), []string{"X-Forwarded-For: 2001:db8::1"}, "2001:db8::1"},
		{"IPv4 in IPv6", proxies("127.0.0.1/32"), []string{"X-Forwarded-For: ::ffff:192.0.2.1"}, "192.0.2.1"},
		{"malformed", proxies("127.0.0.1/32"), []string{"X-Forwarded-For: nonsense"}, "127.0.0.1"},
		{"malformed behind a proxy", proxies("127.0.0.1/32", "10.0.0.0/8"), []string{"X-Forwarded-For: 192.0.2.1, nonsense, 10.1.1.1"}, "127.0.0.1"},
		{"empty", proxies("127.0.0.1/32"), []string{"X-Forwarded-For: "}, "127.0.0.1"},
		{"all are proxies", proxies("127.0.0.1/32", "10.0.0.0/8"), []string{"X-Forwarded-For: 10.2.2.2, 10.1.1.1"}, "10.2.2.2"},
		{"other headers are nothing", proxies("127.0.0.1/32"), []string{"X-Real-IP: 192.0.2.1", "True-Client-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1"}, "127.0.0.1"},
	} {
		w := newWorld(t, setup{proxies: tc.proxies})
		headers := append([]string{basic("/alpha", "app")}, tc.headers...)
		w.send(t, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", "demo"), headers...))
		malformed := strings.HasPrefix(tc.name, "malformed") || tc.name == "empty"
		if got := w.event(t); got["address"] != tc.want || (got["address_malformed"] == true) != malformed {
			t.Errorf("%s: %v, want %s", tc.name, got, tc.want)
		}
	}
}
