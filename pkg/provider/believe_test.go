package provider_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// Only a confidential client that has authenticated, and is trusted with a header, tells the end user's address, and only
// with one address in it.
func TestEndUserAddressIsBelievedFromTrustedClientsOnly(t *testing.T) {
	const peer = "192.0.2.1"
	client := func(id, header string, public bool) *realm.Client {
		return &realm.Client{
			Realm: "/alpha", ID: id, SecretHash: password.HashSecret("/alpha", id, "secret"), Enabled: true, Public: public,
			TrustEndUserIP: header, Static: true,
		}
	}
	s := newSite(t, client("trusted", "X-End-User", false), client("plain", "", false), client("public", "X-End-User", true))
	for _, tt := range []struct {
		name, client, secret string
		header               []string
		want                 string
	}{
		{"trusted", "trusted", "secret", []string{"203.0.113.9"}, "203.0.113.9"},
		{"trusted, IPv6 with a zone", "trusted", "secret", []string{"fe80::1%eth0"}, "fe80::1"},
		{"trusted, IPv4 in IPv6", "trusted", "secret", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"trusted, absent", "trusted", "secret", nil, peer},
		{"trusted, malformed", "trusted", "secret", []string{"203.0.113.9, 10.0.0.1"}, peer},
		{"trusted, injected", "trusted", "secret", []string{"203.0.113.9\"}"}, peer},
		{"trusted, twice", "trusted", "secret", []string{"203.0.113.9", "203.0.113.10"}, peer},
		{"trusted, wrong secret", "trusted", "wrong", []string{"203.0.113.9"}, peer},
		{"not trusted", "plain", "secret", []string{"203.0.113.9"}, peer},
		{"public", "public", "", []string{"203.0.113.9"}, peer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("grant_type=password"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header["Authorization"] = basic(tt.client, tt.secret)
			r.Header["X-End-User"] = tt.header
			r.RemoteAddr = peer + ":4711"
			alpha, _ := s.Current().Realm("/alpha")
			site := &ropc.Site{Realm: alpha, Address: peer, AddressOf: ropc.AddressConnected}
			if _, err := s.Token(ropc.NewContext(t.Context(), site), r); err == nil {
				t.Fatal("a request without a user name gets a token")
			}
			malformed := strings.HasPrefix(tt.client, "trusted") && tt.secret == "secret" && tt.want == peer && tt.header != nil
			if site.Address != tt.want || site.AddressMalformed != malformed {
				t.Errorf("address %q, malformed %t, want %q", site.Address, site.AddressMalformed, tt.want)
			}
			of := ropc.AddressConnected
			if malformed {
				of = ropc.AddressUnsure
			} else if tt.want != peer {
				of = ropc.AddressReported
			}
			if site.AddressOf != of {
				t.Errorf("the address is %d, want %d", site.AddressOf, of)
			}
		})
	}
}
