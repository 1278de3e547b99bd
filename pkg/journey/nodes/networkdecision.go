package nodes

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/ropcd/ropcd/pkg/journey"
)

// NetworkDecision asks whether the end user's address is in one of some networks. It is as true as the address: behind a
// reverse proxy that is not trusted, every user has the proxy's.
type NetworkDecision struct {
	// Networks are in CIDR notation, such as 10.0.0.0/8 or 2001:db8::/32; one address is a /32 or /128.
	Networks []netip.Prefix `yaml:"networks" reference:"required"`
}

// Outcomes are "true" (inside) and "false" (outside, or the address is not known).
func (*NetworkDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

// Open fails without networks, and for one that is not written as it is understood.
func (d *NetworkDecision) Open(journey.Env) (journey.Node, error) {
	if len(d.Networks) == 0 {
		return nil, errors.New("networks: list at least one")
	}
	for i, network := range d.Networks {
		if err := checkNetwork(network); err != nil {
			return nil, fmt.Errorf("networks[%d]: %w", i, err)
		}
	}
	return networks(slices.Clone(d.Networks)), nil
}

// checkNetwork refuses a network that is not written as it is understood.
func checkNetwork(network netip.Prefix) error {
	switch {
	case !network.IsValid():
		return errors.New("is empty")
	case network.Addr().Is4In6():
		return fmt.Errorf("%s holds no address, write IPv4 networks as such", network)
	case network.Masked() != network:
		return fmt.Errorf("has bits set behind the prefix; did you mean %q?", network.Masked())
	}
	return nil
}

type networks []netip.Prefix

func (n networks) Run(_ context.Context, s *journey.State) (string, error) {
	return decision(n.contain(s.Address())), nil
}

// contain reads the address as the server writes addresses: IPv4 as such, and without a zone.
func (n networks) contain(text string) bool {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(n, func(network netip.Prefix) bool { return network.Contains(address) })
}
