package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// filler puts owners and live grants into a store through its contract, as the server would: an owner is made, each
// grant is one login, and each is refreshed once, as most are.
type filler struct {
	store    storage.Store
	each     int // grants an owner
	parallel int // logins at once
}

var errFill = errors.New("the store does not do what it is filled by")

// owners makes owners from one number up to another.
func (f filler) owners(ctx context.Context, from, to int) error {
	hash, _ := nullHasher{}.Hash([]byte(ownerPassword))
	return f.all(ctx, from, to, func(i int) error {
		return f.store.CreateUser(ctx, &realm.User{
			Realm: realmKey, ID: uuid.NewString(), Username: owner(i), PasswordHash: "{o}" + hash, Enabled: true, Created: storage.Trim(time.Now()),
		})
	})
}

// grants logs these owners in.
func (f filler) grants(ctx context.Context, from, to int) error {
	return f.all(ctx, from, to, func(i int) error {
		for range f.each {
			if err := f.login(ctx, owner(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// all calls a function for all numbers, for some of them at once, until one fails.
func (f filler) all(ctx context.Context, from, to int, do func(i int) error) error {
	var next atomic.Int64
	next.Store(int64(from))
	faults := make([]error, f.parallel)
	var wg sync.WaitGroup
	for w := range f.parallel {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < to && faults[w] == nil; i = int(next.Add(1)) - 1 {
				if faults[w] = ctx.Err(); faults[w] == nil {
					faults[w] = do(i)
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("fill the store: %w", err)
	}
	return nil
}

// login is one grant, refreshed once.
func (f filler) login(ctx context.Context, name string) error {
	lockout := realm.Lockout{Threshold: 5, Window: 15 * time.Minute, Duration: 30 * time.Second, MaxDuration: 15 * time.Minute, StopAfter: 100}
	begun, err := f.store.Begin(ctx, storage.Attempt{Realm: realmKey, Username: name, Policy: lockout, Hold: time.Minute})
	if err != nil {
		return err
	}
	if begun.Standing != storage.Reserved || begun.User == nil {
		return fmt.Errorf("%w: standing %d", errFill, begun.Standing)
	}
	g := grantOf(&begun)
	if err := f.store.Finish(ctx, storage.Settlement{Reservation: begun.Reservation, Outcome: storage.Success, Grant: g}); err != nil {
		return err
	}
	step := storage.RefreshStep{
		ID: g.ID, Digest: g.RefreshDigest, Realm: g.Realm, ClientID: g.ClientID, Rotate: true, AccessLifetime: time.Hour,
		RefreshLifetime: 7 * 24 * time.Hour, ClientScopes: g.Scopes, Grace: 10 * time.Second,
	}
	_, _ = rand.Read(step.Nonce[:]) // never fails, see crypto/rand
	done, err := f.store.Refresh(ctx, step)
	if err == nil && done.Outcome != storage.RefreshDone {
		err = fmt.Errorf("%w: refresh outcome %d", errFill, done.Outcome)
	}
	return err
}

// grantOf is the record that the server makes of a login; the client's id is a UUID and the address one of IPv4.
func grantOf(b *storage.Begun) *storage.Grant {
	now := storage.Trim(b.Reservation.Clock())
	id := storage.NewGrantID(b.User.Realm, b.User.Username)
	return &storage.Grant{
		ID: id, Realm: b.User.Realm, Username: b.User.Username, Subject: b.User.ID, ClientID: "0b8f4f6e-6a8e-4a36-9f3e-6d1c2f7a9b01",
		Scopes: []string{"openid", "profile", "mail"}, GrantType: realm.GrantPassword, Journey: "PasswordGrant", Rule: "realm", AuthTime: now,
		Address: "192.0.2.7", Seq: 1, HasRefresh: true, AccessExpires: now.Add(time.Hour), RefreshExpires: now.Add(7 * 24 * time.Hour),
		KeepUntil:     now.Add(7 * 24 * time.Hour),
		RefreshDigest: storage.DigestOf(id[:]), AccessDigest: storage.DigestOf(id[2:]),
	}
}
