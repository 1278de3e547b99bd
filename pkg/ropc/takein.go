package ropc

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/google/uuid"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// takeIn makes the owner's record of somebody whom an outside source vouches for, and goes on in that owner's own account
// of attempts: the reservation under the stranger's name is given back, for the credential was right. Of several first
// logins at once one makes the record, and all go on with it. hash is kept, if not empty.
func (a *attempt) takeIn(ctx context.Context, run journey.Result, hash string) (reason string, err error) {
	name := a.entry.Username
	if _, ok := realm.Username(name); !ok || a.login.Users == nil {
		return audit.UnknownUser, a.refuse(ctx, run)
	}
	now := a.turn.Reservation.Clock()
	u := &realm.User{
		Realm: a.entry.Realm, ID: uuid.NewString(), Username: name, Enabled: true, Created: storage.Trim(now), Source: run.Source,
		PasswordHash: hash,
	}
	if hash != "" {
		u.PasswordSet = u.Created
	}
	u.Attributes, _ = merge(nil, run.Attributes)
	if err := a.login.Users.CreateUser(ctx, u); err != nil && !errors.Is(err, storage.ErrExists) {
		return "", fmt.Errorf("take in an owner: %w", err)
	}
	if err := a.turn.Void(ctx); err != nil {
		return "", err
	}
	turn, err := a.login.Guard.Enter(ctx, a.entry)
	if err != nil {
		return "", err
	}
	a.turn = turn
	switch barred := journey.Barred(a.turn.User, a.turn.Reservation.Clock()); {
	case a.turn.Standing != storage.Reserved:
		return audit.Locked, a.turn.Void(ctx)
	case barred != "":
		return barred, a.turn.Void(ctx)
	}
	if now := a.turn.User; now.ID != u.ID && (now.Source != run.Source || len(now.Seed) > 0) {
		// Somebody else has made the owner meanwhile, and the journey did not see whom it let in: the next try will.
		return "", fmt.Errorf("%w: the owner was made meanwhile", guard.ErrBusy)
	}
	return "", nil
}

// migrated is the hash under which the password is kept from now on, when the journey wants it kept; empty: nothing is to
// be kept, or it is kept already. What can't be a password here stays where it is.
func (a *attempt) migrated(ctx context.Context, run journey.Result) (hash string, err error) {
	if !run.Migrate || a.right {
		return "", nil
	}
	inPool := a.turn.Hash(ctx, func() {
		if u := a.turn.User; u != nil && u.PasswordHash != "" {
			if kept, _, err := a.login.Passwords.Verify(a.password, u.PasswordHash); kept && err == nil {
				return
			}
		}
		hash, err = a.login.Passwords.Hash(a.password)
	})
	if inPool != nil {
		return "", inPool
	}
	if errors.Is(err, password.ErrPassword) {
		return "", nil
	}
	return hash, err
}

// merge is the attributes with those that a source knows in their place: an empty value removes one, and what a record can't
// hold is left out.
func merge(own, known map[string]string) (all map[string]string, differ bool) {
	all = maps.Clone(own)
	for k, v := range known {
		old, there := all[k]
		switch {
		case k == "" || len(k) > realm.MaxAttribute || len(v) > realm.MaxAttribute || (there && old == v):
		case v == "" && there:
			delete(all, k)
			differ = true
		case v != "" && (there || len(all) < realm.MaxAttributes):
			if all == nil {
				all = make(map[string]string, len(known))
			}
			all[k], differ = v, true
		}
	}
	return all, differ
}
