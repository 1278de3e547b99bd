package admin

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// Place is one from which a user has logged in, with failures of its own. The store keeps a hash of the client and the
// network alone; they are told while a session from there is alive.
type Place struct {
	ClientID    string     `json:"client_id,omitempty"`
	Network     string     `json:"network,omitempty"`
	Failures    int        `json:"failures"`     // in a row
	LockedUntil *time.Time `json:"locked_until"` // null: not locked
	Stopped     bool       `json:"stopped"`
	LastLogin   *time.Time `json:"last_login"`
}

// places are those known of a user, the latest first.
func (a *api) places(ctx context.Context, u found) ([]Place, error) {
	known, err := a.Store.Sources(ctx, u.Realm, u.Username)
	if err != nil {
		return nil, fmt.Errorf("known sources: %w", err)
	}
	if len(known) == 0 {
		return nil, nil
	}
	grants, err := a.Store.GrantsOf(ctx, u.Realm, u.Username)
	if err != nil {
		return nil, fmt.Errorf("grants: %w", err)
	}
	names := map[storage.Source]*storage.Grant{}
	for _, g := range grants {
		names[storage.SourceOf(u.Realm, u.Username, g.ClientID, address(g))] = g
	}
	slices.SortFunc(known, func(a, b storage.KnownSource) int { return b.Login.LastLogin.Compare(a.Login.LastLogin) })
	var list []Place
	for _, k := range known {
		p := Place{
			Failures: k.Login.Consecutive, LockedUntil: locked(&k.Login), Stopped: stopped(&k.Login, u.policy), LastLogin: moment(k.Login.LastLogin),
		}
		if g := names[k.Source]; g != nil {
			p.ClientID, p.Network = g.ClientID, storage.Network(address(g)).String()
		}
		list = append(list, p)
	}
	return list, nil
}

// address is where a session began. The zero one belongs to no place.
func address(g *storage.Grant) netip.Addr {
	a, err := netip.ParseAddr(g.Address)
	if err != nil {
		return netip.Addr{}
	}
	return a
}
