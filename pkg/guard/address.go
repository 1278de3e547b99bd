package guard

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/ropcd/ropcd/storage"
)

// Proxies are the addresses that are believed about whom they ask for. The zero value believes nobody.
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

// Reported is the end user's address as a trusted client reports it, in the one header of that name. Absent is no problem,
// and what is not one address, once, is malformed; address is empty then.
func Reported(r *http.Request, header string) (address string, malformed bool) {
	values := r.Header.Values(header)
	if len(values) == 0 {
		return "", false
	}
	at, err := netip.ParseAddr(strings.TrimSpace(values[0]))
	if err != nil || len(values) > 1 {
		return "", true
	}
	return at.Unmap().WithZone("").String(), false
}

// The headers in which proxies say whom they ask for. Which one counts is configured: whoever may choose could choose the
// one that the proxy passes on as it came.
const (
	XForwardedFor = "X-Forwarded-For"
	Forwarded     = "Forwarded" // RFC 7239
)

// Address is the end user's address: the peer, or, if that is a trusted proxy, the right-most hop of the header that is not.
// With a hop that is malformed, or not an address, it is the peer.
func (p Proxies) Address(r *http.Request, header string) (address string, malformed bool) {
	peer := Peer(r)
	if !peer.IsValid() {
		return "", false
	}
	at := peer
	values := r.Header.Values(header)
	if len(values) == 0 || !p.Trusts(peer) {
		return peer.String(), false
	}
	hops := strings.Split(strings.Join(values, ","), ",")
	for i := len(hops) - 1; i >= 0 && p.Trusts(at); i-- {
		hop, err := netip.ParseAddr(node(hops[i], header))
		if err != nil {
			return peer.String(), true
		}
		at = hop.Unmap().WithZone("")
	}
	return at.String(), false
}

// node is the address of a hop as its header writes it. An element of Forwarded is a list of pairs, of which `for` counts; an
// IPv6 address stands in brackets and quotes, and either may have a port (RFC 7239 sections 4 and 6).
func node(hop, header string) string {
	hop = strings.TrimSpace(hop)
	if header != Forwarded {
		return hop
	}
	for pair := range strings.SplitSeq(hop, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if !strings.EqualFold(name, "for") {
			continue
		}
		value = unquote(value)
		if inside, rest, ok := strings.Cut(strings.TrimPrefix(value, "["), "]"); ok && strings.HasPrefix(value, "[") {
			if rest == "" || strings.HasPrefix(rest, ":") {
				return inside
			}
			return ""
		}
		if host, _, ok := strings.Cut(value, ":"); ok && strings.Count(value, ":") == 1 {
			return host
		}
		return value
	}
	return ""
}

func unquote(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}

// Network is what limits take for one end user, see [storage.Network]: an IPv4 address without its length, or the prefix of
// an IPv6 address. It is empty for what is no address.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	if network := storage.Network(a); network.Addr().Is6() {
		return network.String()
	}
	return a.Unmap().String()
}
