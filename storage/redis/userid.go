package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// pointerHead is what stands before the name in a pointer: see claim.lua.
const pointerHead = 22

// UserByID finds an owner by id, or [storage.ErrNotFound], in two round trips.
func (s *Store) UserByID(ctx context.Context, realmKey, id string) (*realm.User, error) {
	pointer, err := s.get(ctx, s.keys.id(realmKey, id))
	if err != nil {
		return nil, err
	}
	return s.follow(ctx, realmKey, id, pointer)
}

// follow is the owner that a pointer leads to; an owner with another id is none.
func (s *Store) follow(ctx context.Context, realmKey, id, pointer string) (*realm.User, error) {
	if len(pointer) <= pointerHead {
		return nil, fmt.Errorf("pointer to an owner: %w", storage.ErrDamaged)
	}
	u, err := s.UserByName(ctx, realmKey, pointer[pointerHead:])
	if err != nil {
		return nil, err
	}
	if u.ID != id {
		return nil, storage.ErrNotFound
	}
	return u, nil
}

// CreateUser claims the id, then writes the owner. When the process dies in between, the claim is void after ten
// seconds for another name, and at once for the same one.
func (s *Store) CreateUser(ctx context.Context, u *realm.User) error {
	ctx, cancel := context.WithTimeout(ctx, claimLife/2) // the owner is written while the claim holds
	defer cancel()
	first := *u
	first.Version, first.Login = 1, realm.Login{}
	record, err := storage.EncodeUser(&first)
	if err != nil {
		return err
	}
	n := newNonce()
	if err := s.claim(ctx, u, n); err != nil {
		return err
	}
	key := s.keys.user(u.Realm, u.Username)
	reply, err := s.confirm(ctx, createScript, []string{key, s.keys.done(key, n[:])}, record, millis(doneLife))
	if err != nil {
		return err
	}
	if err = verdict(reply); errors.Is(err, storage.ErrExists) {
		return s.nameTaken(ctx, u, n)
	}
	return err
}

// claim points the id at the name, or answers [storage.ErrExists].
func (s *Store) claim(ctx context.Context, u *realm.User, n nonce) error {
	old := ""
	for range maxRounds {
		reply, err := s.run(ctx, claimScript, []string{s.keys.id(u.Realm, u.ID)}, n[:], u.Username, millis(claimLife), old)
		if err != nil {
			return err
		}
		list, ok := reply.([]any)
		if !ok || len(list) == 0 {
			return errReply
		}
		if err = verdict(list[0]); !errors.Is(err, errAsk) {
			return err
		}
		if len(list) != 2 {
			return errReply
		}
		if old, err = text(list[1]); err != nil {
			return err
		}
		if _, err = s.follow(ctx, u.Realm, u.ID, old); err == nil {
			return storage.ErrExists
		} else if !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	return errContended
}

// nameTaken gives the id back unless the owner who has the name has the id too.
func (s *Store) nameTaken(ctx context.Context, u *realm.User, n nonce) error {
	other, err := s.UserByName(ctx, u.Realm, u.Username)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if other == nil || other.ID != u.ID {
		if err := s.release(ctx, u, nil, n[:]); err != nil {
			return err
		}
	}
	return storage.ErrExists
}

// release removes the pointer from an owner's id if it is the one given, or was written under the nonce.
func (s *Store) release(ctx context.Context, u *realm.User, pointer, nonce []byte) error {
	reply, err := s.run(ctx, releaseScript, []string{s.keys.id(u.Realm, u.ID)}, pointer, nonce)
	if err != nil {
		return err
	}
	return verdict(reply)
}
