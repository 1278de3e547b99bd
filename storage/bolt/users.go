package bolt

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// user reads an owner, nil if there is none.
func (t *tx) user(who account) (*realm.User, error) {
	v := t.get(usersBucket, who.key())
	if v == nil {
		return nil, nil //nolint:nilnil // nobody is a value
	}
	return storage.DecodeUser(who.realm, who.name, v)
}

// owner reads an owner, or ErrNotFound.
func (t *tx) owner(who account) (*realm.User, error) {
	u, err := t.user(who)
	if err == nil && u == nil {
		err = storage.ErrNotFound
	}
	return u, err
}

// putUser writes an owner. On an error nothing has been written.
func (t *tx) putUser(u *realm.User) error {
	record, err := storage.EncodeUser(u)
	if err != nil {
		return err
	}
	t.put(usersBucket, key(u.Realm, u.Username), record)
	return nil
}

// CreateUser implements [storage.Users].
func (s *Store) CreateUser(ctx context.Context, u *realm.User) error {
	if err := listable(u.Realm, u.Username); err != nil {
		return err
	}
	n := u.Clone()
	n.Version, n.Login = 1, realm.Login{}
	return s.write(ctx, func(t *tx) error {
		id := key(n.Realm, n.ID)
		if t.get(usersBucket, key(n.Realm, n.Username)) != nil || t.get(idsBucket, id) != nil {
			return storage.ErrExists
		}
		if err := t.putUser(n); err != nil {
			return err
		}
		t.put(idsBucket, id, []byte(n.Username))
		return nil
	})
}

// UserByName implements [storage.Users].
func (s *Store) UserByName(ctx context.Context, realmKey, name string) (u *realm.User, err error) {
	err = s.read(ctx, func(t *tx) error {
		u, err = t.owner(account{realmKey, name})
		return err
	})
	return u, err
}

// Sources implements [storage.Users].
func (s *Store) Sources(ctx context.Context, realmKey, name string) (known []storage.KnownSource, err error) {
	err = s.read(ctx, func(t *tx) error {
		known, err = storage.DecodeSources(t.get(knownBucket, account{realmKey, name}.key()))
		return err
	})
	return known, err
}

// UserByID implements [storage.Users].
func (s *Store) UserByID(ctx context.Context, realmKey, id string) (u *realm.User, err error) {
	err = s.read(ctx, func(t *tx) error {
		name := t.get(idsBucket, key(realmKey, id))
		if name == nil {
			return storage.ErrNotFound
		}
		u, err = t.owner(account{realmKey, string(name)})
		if err != nil || u.ID != id {
			u, err = nil, storage.ErrDamaged
		}
		return err
	})
	return u, err
}

// UpdateUser implements [storage.Users].
func (s *Store) UpdateUser(ctx context.Context, u *realm.User, endGrants bool) error {
	n := u.Clone()
	var version uint32
	err := s.write(ctx, func(t *tx) error {
		who := account{n.Realm, n.Username}
		was, err := t.owner(who)
		switch {
		case err != nil:
			return err
		case was.Version != n.Version:
			return storage.ErrConflict
		}
		next := *n
		next.ID, next.Created, next.Login, next.Version = was.ID, was.Created, was.Login, was.Version+1
		if err := t.putUser(&next); err != nil {
			return err
		}
		if endGrants {
			t.endOwned(who)
		} else {
			t.capOwned(who, &next)
		}
		if endGrants || storage.ForgetsSources(was, &next) {
			t.putSources(who, nil)
		}
		version = next.Version
		return nil
	})
	if err == nil {
		u.Version = version
	}
	return err
}

// UnlockUser implements [storage.Users].
func (s *Store) UnlockUser(ctx context.Context, realmKey, name string) error {
	return s.write(ctx, func(t *tx) error {
		who := account{realmKey, name}
		a, err := s.attempts(t, who)
		switch {
		case err != nil:
			return err
		case a.user == nil:
			return storage.ErrNotFound
		}
		guard.Unlock(&a.login)
		for i := range a.known {
			guard.Unlock(&a.known[i].Login)
		}
		a.general, a.sources = true, len(a.known) > 0
		return s.put(t, who, a)
	})
}

// DeleteUser implements [storage.Users].
func (s *Store) DeleteUser(ctx context.Context, realmKey, name string) error {
	return s.write(ctx, func(t *tx) error {
		who := account{realmKey, name}
		u, err := t.owner(who)
		switch {
		case err == nil:
			t.delete(idsBucket, key(realmKey, u.ID))
		case errors.Is(err, storage.ErrDamaged):
			t.deleteIDs(who)
		default:
			return err
		}
		t.delete(usersBucket, who.key())
		t.putSources(who, nil)
		t.endOwned(who)
		s.held.drop(t, who)
		return nil
	})
}

// deleteIDs removes all ids that lead to an owner whose own can't be read. It goes through those of the realm.
func (t *tx) deleteIDs(who account) {
	var ids [][]byte
	prefix := key(who.realm)
	c := t.Bucket(idsBucket).Cursor()
	for k, name := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, name = c.Next() {
		if string(name) == who.name {
			ids = append(ids, bytes.Clone(k))
		}
	}
	for _, id := range ids {
		t.delete(idsBucket, id)
	}
}

// Users implements [storage.Users].
func (s *Store) Users(ctx context.Context, realmKey string) iter.Seq2[*realm.User, error] {
	return list(ctx, s, usersBucket, key(realmKey), func(_ *tx, k, v []byte) (*realm.User, error) {
		name, err := lastPart(k, realmKey)
		if err != nil {
			return nil, err
		}
		return storage.DecodeUser(realmKey, name, v)
	})
}
