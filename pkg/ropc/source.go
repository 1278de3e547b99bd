package ropc

import (
	"net/netip"

	"github.com/ropcd/ropcd/storage"
)

// AddressOf tells whose a site's address is, and who says so.
type AddressOf int

const (
	// AddressUnsure is an address of which nobody knows whether it is the end user's: a proxy's own, or what is left when a
	// header is malformed.
	AddressUnsure AddressOf = iota
	// AddressConnected is the address of whoever connected: the peer, or the one that trusted proxies were connected by.
	AddressConnected
	// AddressReported is the end user's, as a client reports it that is trusted with that.
	AddressReported
)

// known is the address for journeys; empty if nobody knows whether it is anybody's but a proxy's.
func (s *Site) known() string {
	if s.AddressOf == AddressUnsure {
		return ""
	}
	return s.Address
}

// limited is the address at which failures through the client are counted; empty: at none. A public client runs where its
// user is, and whoever hides behind a proxy's own address, or a malformed one, is counted there with all others who do. A
// back end's address is that of all its users.
func (s *Site) limited(c Client) string {
	if s.AddressOf == AddressReported || c.Public {
		return s.Address
	}
	return ""
}

// Source is where an attempt on a name comes from through the site's client, for the owner's known sources. It is zero
// unless the address is the end user's own. Who connected is the end user only if the client is public, which runs on the
// end user's device: a confidential client is a back end, with one address for all its users and for whoever guesses
// through it, whatever proxies stand in front.
func (s *Site) Source(c Client, username string) storage.Source {
	own := s.AddressOf == AddressReported || (s.AddressOf == AddressConnected && c.Public)
	address, err := netip.ParseAddr(s.Address)
	if !own || err != nil {
		return storage.Source{}
	}
	return storage.SourceOf(s.RealmKey(), username, c.ID, address)
}
