package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// maxRounds is how often a change of what was read is tried again before it is the server's fault.
const maxRounds = 8

// errContended is given up on.
var errContended = fmt.Errorf("%w: too many changes at once", storage.ErrUnavailable)

// get reads a key, or [storage.ErrNotFound].
func (s *Store) get(ctx context.Context, key string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	v, err := s.rdb.Get(ctx, key).Result()
	if errors.Is(err, goredis.Nil) {
		return "", storage.ErrNotFound
	}
	return v, fault(err)
}

// UserByName finds an owner, or [storage.ErrNotFound].
func (s *Store) UserByName(ctx context.Context, realmKey, name string) (*realm.User, error) {
	v, err := s.get(ctx, s.keys.user(realmKey, name))
	if err != nil {
		return nil, err
	}
	return storage.DecodeUser(realmKey, name, []byte(v))
}

// Sources lists an owner's known sources, none for who has none.
func (s *Store) Sources(ctx context.Context, realmKey, name string) ([]storage.KnownSource, error) {
	v, err := s.get(ctx, s.keys.sources(realmKey, name))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return storage.DecodeSources([]byte(v))
}

// UpdateUser replaces an owner's administrative part if u.Version is the stored one. A rehash that a login makes at the
// same time is replaced too.
func (s *Store) UpdateUser(ctx context.Context, u *realm.User, endGrants bool) error {
	for range maxRounds {
		old, err := s.UserByName(ctx, u.Realm, u.Username)
		if err != nil {
			return err
		}
		if old.Version != u.Version {
			return storage.ErrConflict
		}
		next := *u
		next.ID, next.Created, next.Version = old.ID, old.Created, old.Version+1
		if err := s.replaceUser(ctx, old, &next, endGrants); err == nil {
			u.Version = next.Version
			return nil
		} else if !errors.Is(err, errChanged) {
			return err
		}
	}
	return errContended
}

func (s *Store) replaceUser(ctx context.Context, old, next *realm.User, endGrants bool) error {
	before, err := storage.EncodeAdministrative(old)
	if err != nil {
		return err
	}
	after, err := storage.EncodeAdministrative(next)
	if err != nil {
		return err
	}
	key := s.keys.user(old.Realm, old.Username)
	bucket := storage.Bucket(old.Realm, old.Username)
	reply, err := s.confirm(ctx, updateUserScript, []string{
		key, s.keys.index(old.Realm, old.Username), s.keys.sources(old.Realm, old.Username), s.keys.done(key, freshNonce()),
	},
		s.keys.base(bucket), before, after, flag(endGrants), storage.Millis(next.Expires),
		bucketBytes(bucket), millis(doneLife), flag(endGrants || storage.ForgetsSources(old, next)))
	if err != nil {
		return err
	}
	return verdict(reply)
}

// UnlockUser clears failures, the consecutive count and locks, those of known sources too, and forgives attempts that were
// not settled in time.
func (s *Store) UnlockUser(ctx context.Context, realmKey, name string) error {
	reply, err := s.run(ctx, unlockScript, []string{
		s.keys.user(realmKey, name), s.keys.reservations(realmKey, name), s.keys.sources(realmKey, name),
	})
	if err != nil {
		return err
	}
	return verdict(reply)
}

// DeleteUser removes an owner with grants, known sources and attempts under way in one step, then the pointer from the id.
// The pointer to an owner whose record can't be read stays: it leads nowhere then, and nobody takes it for anything.
func (s *Store) DeleteUser(ctx context.Context, realmKey, name string) error {
	for range maxRounds {
		record, err := s.get(ctx, s.keys.user(realmKey, name)) // "" when it is of another type
		if err != nil && !errors.Is(err, storage.ErrDamaged) {
			return err
		}
		old, err := storage.DecodeUser(realmKey, name, []byte(record))
		pointer := ""
		if err == nil {
			pointer, err = s.get(ctx, s.keys.id(realmKey, old.ID))
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrDamaged) {
			return err
		}
		if err := s.removeUser(ctx, realmKey, name, record[min(storage.LoginSize, len(record)):]); err == nil {
			if pointer == "" {
				return nil
			}
			return s.release(ctx, old, []byte(pointer), nil)
		} else if !errors.Is(err, errChanged) {
			return err
		}
	}
	return errContended
}

// removeUser removes an owner whose record still has the administrative part that was read.
func (s *Store) removeUser(ctx context.Context, realmKey, name, part string) error {
	key := s.keys.user(realmKey, name)
	reply, err := s.confirm(ctx, deleteUserScript, []string{
		key, s.keys.index(realmKey, name), s.keys.reservations(realmKey, name), s.keys.sources(realmKey, name),
		s.keys.done(key, freshNonce()),
	}, s.keys.in(realmKey, name), part, millis(doneLife))
	if err != nil {
		return err
	}
	return verdict(reply)
}
