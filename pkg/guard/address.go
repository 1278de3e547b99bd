package guard

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the addresses whose X-Forwarded-For is believed. The zero value believes nobody.
type Proxies []netip.Prefix

// Trusts reports whether an address is one of the proxies.
func (p Proxies) Trusts(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// Peer is the other end of the connection; invalid for what is not TCP.
func Peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// Reported is the end user's address as a trusted client reports it, in the one header of that name; false if it is not
// there once, or is no address.
func Reported(r *http.Request, header string) (string, bool) {
	values := r.Header.Values(header)
	if len(values) != 1 {
		return "", false
	}
	at, err := netip.ParseAddr(strings.TrimSpace(values[0]))
	if err != nil {
		return "", false
	}
	return at.Unmap().WithZone("").String(), true
}

// Address is the end user's address: the peer, or, if that is a trusted proxy, the right-most hop of X-Forwarded-For that
// is not. A malformed hop ends the search: then it is the nearest one that could be believed.
func (p Proxies) Address(r *http.Request) string {
	at := Peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && at.IsValid() && p.Trusts(at); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = hop.Unmap().WithZone("")
	}
	if !at.IsValid() {
		return ""
	}
	return at.String()
}
