package guard_test

import (
	"net/http"
	"net/netip"
	"slices"
	"testing"

	"github.com/ropcd/ropcd/pkg/guard"
)

func proxies(cidrs ...string) (p guard.Proxies) {
	for _, c := range cidrs {
		p = append(p, netip.MustParsePrefix(c))
	}
	return p
}

func TestAddress(t *testing.T) {
	behind := proxies("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")
	for _, tc := range []struct {
		name, peer string
		forwarded  []string
		trusted    guard.Proxies
		want       string
	}{
		{"no proxy", "192.0.2.7:4711", nil, nil, "192.0.2.7"},
		{"IPv6", "[2001:db8::1]:4711", nil, nil, "2001:db8::1"},
		{"IPv6 with a zone", "[fe80::1%eth0]:4711", nil, nil, "fe80::1"},
		{"IPv4 mapped", "[::ffff:192.0.2.7]:4711", nil, nil, "192.0.2.7"},
		{"nobody is believed by default", "192.0.2.7:4711", []string{"198.51.100.1"}, nil, "192.0.2.7"},
		{"a stranger is not believed", "192.0.2.7:4711", []string{"198.51.100.1"}, behind, "192.0.2.7"},
		{"a stranger that claims to be a proxy", "192.0.2.7:4711", []string{"198.51.100.1, 10.0.0.1"}, behind, "192.0.2.7"},
		{"a proxy", "10.0.0.1:4711", []string{"198.51.100.1"}, behind, "198.51.100.1"},
		{"a proxy, mapped", "[::ffff:10.0.0.1]:4711", []string{"198.51.100.1"}, behind, "198.51.100.1"},
		{"a proxy without a word", "10.0.0.1:4711", nil, behind, "10.0.0.1"},
		{"two proxies", "10.0.0.1:4711", []string{"198.51.100.1, 10.0.0.2"}, behind, "198.51.100.1"},
		{"two lines", "10.0.0.1:4711", []string{"203.0.113.9", "198.51.100.1, 10.0.0.2"}, behind, "198.51.100.1"},
		{"no space", "10.0.0.1:4711", []string{"198.51.100.1,10.0.0.2"}, behind, "198.51.100.1"},
		{"IPv6 proxy", "[fd00::1]:4711", []string{"2001:db8::1"}, behind, "2001:db8::1"},
		{"only proxies", "10.0.0.1:4711", []string{"10.0.0.3, 10.0.0.2"}, behind, "10.0.0.3"},

		{"what the client wrote in front does not count", "10.0.0.1:4711", []string{"127.0.0.1, 198.51.100.1"}, behind, "198.51.100.1"},
		{"nor a proxy's address in front", "10.0.0.1:4711", []string{"10.9.9.9, 198.51.100.1"}, behind, "198.51.100.1"},
		{"nor junk in front", "10.0.0.1:4711", []string{"', <script>, 198.51.100.1"}, behind, "198.51.100.1"},
		{"mapped in the header", "10.0.0.1:4711", []string{"::ffff:198.51.100.1"}, behind, "198.51.100.1"},
		{"a mapped proxy in the header", "10.0.0.1:4711", []string{"198.51.100.1, ::ffff:10.0.0.2"}, behind, "198.51.100.1"},
		{"a zone in the header", "10.0.0.1:4711", []string{"fe80::1%eth0"}, behind, "fe80::1"},

		{"malformed", "10.0.0.1:4711", []string{"unknown"}, behind, "10.0.0.1"},
		{"empty", "10.0.0.1:4711", []string{""}, behind, "10.0.0.1"},
		{"empty hop", "10.0.0.1:4711", []string{"198.51.100.1,"}, behind, "10.0.0.1"},
		{"with a port", "10.0.0.1:4711", []string{"198.51.100.1:80"}, behind, "10.0.0.1"},
		{"leading zeros", "10.0.0.1:4711", []string{"198.051.100.1"}, behind, "10.0.0.1"},
		{"malformed behind a proxy", "10.0.0.1:4711", []string{"198.51.100.1, junk, 10.0.0.2"}, behind, "10.0.0.1"},
		{"not TCP", "@", []string{"198.51.100.1"}, behind, ""},
		{"nothing", "", []string{"198.51.100.1"}, behind, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tc.peer, Header: http.Header{"X-Forwarded-For": tc.forwarded}}
			got, malformed := tc.trusted.Address(r, guard.XForwardedFor)
			if got != tc.want || malformed != slices.Contains([]string{"malformed", "empty", "empty hop", "with a port", "leading zeros", "malformed behind a proxy"}, tc.name) {
				t.Errorf("Address = %q, malformed %t, want %q", got, malformed, tc.want)
			}
		})
	}
}

func TestAddressOfForwarded(t *testing.T) {
	behind := proxies("10.0.0.0/8", "fd00::/8")
	for _, tc := range []struct {
		forwarded []string
		want      string
		malformed bool
	}{
		{[]string{"for=198.51.100.1"}, "198.51.100.1", false},
		{[]string{"For=198.51.100.1;proto=http;by=10.0.0.1"}, "198.51.100.1", false},
		{[]string{"proto=http; for=198.51.100.1"}, "198.51.100.1", false},
		{[]string{`for="198.51.100.1:4711"`}, "198.51.100.1", false},
		{[]string{"for=198.51.100.1:4711"}, "198.51.100.1", false},
		{[]string{`for="[2001:db8::1]"`}, "2001:db8::1", false},
		{[]string{`for="[2001:db8::1]:4711"`}, "2001:db8::1", false},
		{[]string{"for=203.0.113.9, for=198.51.100.1, for=10.0.0.2"}, "198.51.100.1", false},
		{[]string{"for=203.0.113.9", "for=198.51.100.1", `for="[fd00::2]"`}, "198.51.100.1", false},
		{[]string{`for="203.0.113.9, for=198.51.100.1`}, "198.51.100.1", false},
		{[]string{"for=unknown"}, "10.0.0.1", true},
		{[]string{"for=_hidden"}, "10.0.0.1", true},
		{[]string{"proto=https"}, "10.0.0.1", true},
		{[]string{"198.51.100.1"}, "10.0.0.1", true},
		{[]string{`for="[2001:db8::1]x"`}, "10.0.0.1", true},
		{[]string{"for=198.51.100.1, for=junk, for=10.0.0.2"}, "10.0.0.1", true},
		{[]string{""}, "10.0.0.1", true},
		{nil, "10.0.0.1", false},
	} {
		// The other header, which this proxy passes on as it came, is not looked at.
		r := &http.Request{RemoteAddr: "10.0.0.1:4711", Header: http.Header{"Forwarded": tc.forwarded, "X-Forwarded-For": {"203.0.113.66"}}}
		if got, malformed := behind.Address(r, guard.Forwarded); got != tc.want || malformed != tc.malformed {
			t.Errorf("%q: %q, malformed %t", tc.forwarded, got, malformed)
		}
	}
}

func TestTrustsKnowsMappedAddresses(t *testing.T) {
	p := proxies("10.0.0.0/8")
	for address, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "11.0.0.1": false, "::": false} {
		if got := p.Trusts(netip.MustParseAddr(address)); got != want {
			t.Errorf("Trusts(%s) = %v", address, got)
		}
	}
	if p.Trusts(netip.Addr{}) || (guard.Proxies)(nil).Trusts(netip.MustParseAddr("127.0.0.1")) {
		t.Error("nobody is trusted by default")
	}
}

// Whatever a stranger sends, the address is the one that it connects from.
func FuzzAddressOfAStranger(f *testing.F) {
	f.Add("198.51.100.1")
	f.Add("10.0.0.1, 10.0.0.2")
	f.Add(",,::ffff:10.0.0.1%,")
	behind := proxies("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, forwarded string) {
		h := http.Header{"X-Forwarded-For": {forwarded}}
		if got, _ := behind.Address(&http.Request{RemoteAddr: "192.0.2.7:1", Header: h}, guard.XForwardedFor); got != "192.0.2.7" {
			t.Fatalf("Address = %q", got)
		}
		// Nor can anybody get out of what a proxy has appended.
		h.Add("X-Forwarded-For", "198.51.100.1")
		if got, _ := behind.Address(&http.Request{RemoteAddr: "10.0.0.1:1", Header: h}, guard.XForwardedFor); got != "198.51.100.1" {
			t.Fatalf("behind a proxy: %q", got)
		}
		h = http.Header{"Forwarded": {forwarded, "for=198.51.100.1;proto=https"}}
		if got, _ := behind.Address(&http.Request{RemoteAddr: "10.0.0.1:1", Header: h}, guard.Forwarded); got != "198.51.100.1" {
			t.Fatalf("behind a proxy that says Forwarded: %q", got)
		}
	})
}
