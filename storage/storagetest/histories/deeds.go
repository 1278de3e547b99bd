package histories

import (
	"context"
	"math/bits"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

func (p *player) inspect(how kind) {
	k, ok := p.grant()
	if !ok {
		return
	}
	c := &call{kind: how, grant: k.number}
	p.do(c, func(ctx context.Context, s storage.Store) error {
		ask := s.Inspect
		if how == inspectOwner {
			ask = s.InspectOwner
		}
		v, err := ask(ctx, k.grant.ID)
		if err != nil {
			return err
		}
		c.answer = answer{generation: v.Grant.Generation, seq: v.Grant.Seq}
		for seq := uint32(1); seq <= v.Grant.Seq; seq++ {
			if v.Grant.IsRevoked(seq) {
				c.answer.revoked |= 1 << seq
			}
		}
		if v.User != nil {
			c.answer.owner = viewOf(v.User)
		}
		return nil
	})
}

// list notes the grants by number; one that nobody asked for has a number that none can have.
func (p *player) list() {
	c := &call{kind: list}
	p.do(c, func(ctx context.Context, s storage.Store) error {
		gs, err := s.GrantsOf(ctx, p.drama.realm, ownerName)
		p.drama.mu.Lock()
		defer p.drama.mu.Unlock()
		for _, g := range gs {
			number := maxGrants
			for _, k := range p.grants {
				if k.grant.ID == g.ID {
					number = k.number
				}
			}
			c.answer.live |= 1 << number
		}
		if err == nil && bits.OnesCount64(c.answer.live) != len(gs) {
			c.answer.live |= 1 << maxGrants // listed twice
		}
		return err
	})
}

func (p *player) look() *realm.User {
	var u *realm.User
	c := &call{kind: look}
	p.do(c, func(ctx context.Context, s storage.Store) (err error) {
		if u, err = s.UserByName(ctx, p.drama.realm, ownerName); err == nil {
			c.answer.owner = viewOf(u)
		}
		return err
	})
	return u
}

func (p *player) revokeAccess() {
	if k, ok := p.grant(); ok {
		p.revoke(k, &call{access: true, seq: 1 + p.dice.Uint32N(k.seq)})
	}
}

func (p *player) revokeRefresh() {
	if k, ok := p.grant(); ok {
		p.revoke(k, &call{})
	}
}

func (p *player) revoke(k known, c *call) {
	c.kind, c.grant = revoke, k.number
	r := storage.Revocation{ID: k.grant.ID, Digest: k.grant.RefreshDigest, Realm: p.drama.realm, ClientID: clientName}
	if c.access {
		r.Access, r.Digest, r.Seq = true, k.grant.AccessDigest, c.seq
	}
	p.do(c, func(ctx context.Context, s storage.Store) error { return s.Revoke(ctx, r) })
}

func (p *player) endGrant() {
	if k, ok := p.grant(); ok {
		p.do(&call{kind: endGrant, grant: k.number}, func(ctx context.Context, s storage.Store) error {
			return s.EndGrant(ctx, p.drama.realm, k.grant.ID)
		})
	}
}

func (p *player) endUser() {
	p.do(&call{kind: endUser}, func(ctx context.Context, s storage.Store) error {
		return s.EndUser(ctx, p.drama.realm, ownerName)
	})
}

func (p *player) unlock() {
	p.do(&call{kind: unlock}, func(ctx context.Context, s storage.Store) error {
		return s.UnlockUser(ctx, p.drama.realm, ownerName)
	})
}

// update disables an owner who is enabled, with the end of all grants, or enables one who is not. Half of the
// time it changes neither.
func (p *player) update() {
	u := p.look()
	if u == nil {
		return
	}
	c := &call{kind: update, version: u.Version, enabled: u.Enabled}
	if !u.Enabled || p.once(2) {
		c.enabled = !u.Enabled
		c.ending = u.Enabled
	}
	u.Enabled = c.enabled
	p.do(c, func(ctx context.Context, s storage.Store) error { return s.UpdateUser(ctx, u, c.ending) })
}
