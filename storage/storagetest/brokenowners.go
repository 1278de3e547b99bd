package storagetest

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// ownerFaults are faults of owners and clients.
var ownerFaults = map[Fault]func(s storage.Store) storage.Store{
	"the last change wins": func(s storage.Store) storage.Store {
		return &hooked{Store: s, updateUser: func(ctx context.Context, u *realm.User, end bool) error {
			if now, err := s.UserByName(ctx, u.Realm, u.Username); err == nil {
				u.Version = now.Version
			}
			return s.UpdateUser(ctx, u, end)
		}}
	},
	"the last change of a client wins": func(s storage.Store) storage.Store {
		return &hooked{Store: s, updateClient: func(ctx context.Context, c *realm.Client) error {
			if now, err := s.Client(ctx, c.Realm, c.ID); err == nil {
				c.Version = now.Version
			}
			return s.UpdateClient(ctx, c)
		}}
	},
	"ids are not unique": func(s storage.Store) storage.Store {
		return &hooked{Store: s, createUser: func(ctx context.Context, u *realm.User) error {
			err := s.CreateUser(ctx, u)
			if _, taken := s.UserByName(ctx, u.Realm, u.Username); err != nil && taken != nil && ctx.Err() == nil {
				other := *u
				other.ID += "'"
				return s.CreateUser(ctx, &other)
			}
			return err
		}}
	},
	"disabling leaves grants": func(s storage.Store) storage.Store {
		return &hooked{Store: s, updateUser: func(ctx context.Context, u *realm.User, _ bool) error { return s.UpdateUser(ctx, u, false) }}
	},
	"disabling ends grants later": func(s storage.Store) storage.Store {
		return &hooked{Store: s, updateUser: func(ctx context.Context, u *realm.User, end bool) error {
			err := s.UpdateUser(ctx, u, false)
			if err == nil && end {
				time.AfterFunc(30*time.Millisecond, func() { _ = s.EndUser(context.WithoutCancel(ctx), u.Realm, u.Username) })
			}
			return err
		}}
	},
	"every change ends grants": func(s storage.Store) storage.Store {
		return &hooked{Store: s, updateUser: func(ctx context.Context, u *realm.User, _ bool) error { return s.UpdateUser(ctx, u, true) }}
	},
	"unlocking does nothing": func(s storage.Store) storage.Store {
		return &hooked{Store: s, unlockUser: func(ctx context.Context, realmKey, name string) error {
			_, err := s.UserByName(ctx, realmKey, name)
			return err
		}}
	},
	"realms leak": func(s storage.Store) storage.Store {
		return &hooked{Store: s, userByName: func(ctx context.Context, realmKey, name string) (*realm.User, error) {
			u, err := s.UserByName(ctx, realmKey, name)
			if err != nil {
				return u, err
			}
			if other, err := s.UserByName(ctx, realmKey+"/a", name); err == nil {
				return other, nil
			}
			return u, nil
		}}
	},
	"lists are cut short": func(s storage.Store) storage.Store {
		return &hooked{Store: s, listUsers: func(ctx context.Context, realmKey string) iter.Seq2[*realm.User, error] {
			return func(yield func(*realm.User, error) bool) {
				n := 0
				for u, err := range s.Users(ctx, realmKey) {
					if n++; n > 256 || !yield(u, err) {
						return
					}
				}
			}
		}}
	},
	"a change resets the attempts": func(s storage.Store) storage.Store {
		return &hooked{Store: s, updateUser: func(ctx context.Context, u *realm.User, end bool) error {
			err := s.UpdateUser(ctx, u, end)
			if err == nil {
				err = s.UnlockUser(ctx, u.Realm, u.Username)
			}
			return err
		}}
	},
	"records are shared": func(s storage.Store) storage.Store {
		var seen sync.Map
		return &hooked{Store: s, userByName: func(ctx context.Context, realmKey, name string) (*realm.User, error) {
			u, err := s.UserByName(ctx, realmKey, name)
			if err == nil {
				first, _ := seen.LoadOrStore([2]string{realmKey, name}, u)
				return first.(*realm.User), nil
			}
			return u, err
		}}
	},
	"attributes are lost": func(s storage.Store) storage.Store {
		return &hooked{Store: s, createUser: func(ctx context.Context, u *realm.User) error {
			n := *u
			n.Attributes = nil
			return s.CreateUser(ctx, &n)
		}}
	},
	"deleting does nothing": func(s storage.Store) storage.Store {
		return &hooked{Store: s, deleteUser: func(ctx context.Context, realmKey, name string) error {
			_, err := s.UserByName(ctx, realmKey, name)
			return err
		}}
	},
	"lifetimes of a client are lost": func(s storage.Store) storage.Store {
		return &hooked{Store: s, createClient: func(ctx context.Context, c *realm.Client) error {
			n := *c
			n.Overrides = realm.Overrides{}
			return s.CreateClient(ctx, &n)
		}}
	},
	"changing a client ends its grants": func(s storage.Store) storage.Store {
		return &hooked{Store: s, updateClient: func(ctx context.Context, c *realm.Client) error {
			_ = s.EndClient(ctx, c.Realm, c.ID)
			return s.UpdateClient(ctx, c)
		}}
	},
}
