package redis

import (
	"context"
	"errors"
	"iter"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// scanCount is how many keys a server is asked to look at in one call of SCAN.
const scanCount = 1000

// errStop ends a scan whose caller has seen enough.
var errStop = errors.New("stop")

// Users lists the owners of a realm in no order. It looks at every key there is, on each master.
func (s *Store) Users(ctx context.Context, realmKey string) iter.Seq2[*realm.User, error] {
	prefix := pair(realmKey, "")
	return listed(ctx, s, s.keys.pattern("u", prefix), func(key, v string) (*realm.User, error) {
		_, rest, _ := strings.Cut(key, "}:u:")
		return storage.DecodeUser(realmKey, strings.TrimPrefix(rest, prefix), []byte(v))
	})
}

// Clients lists the clients of a realm in no order. It looks at every key there is, on each master.
func (s *Store) Clients(ctx context.Context, realmKey string) iter.Seq2[*realm.Client, error] {
	return listed(ctx, s, s.keys.pattern("c", pair(realmKey, "")), func(key, v string) (*realm.Client, error) {
		return decodeClient(key, []byte(v))
	})
}

// Grants lists the live grants of a realm in no order. It reads all grants there are, on each master.
func (s *Store) Grants(ctx context.Context, realmKey string) iter.Seq2[*storage.Grant, error] {
	return listed(ctx, s, s.keys.pattern("g", ""), func(key, v string) (*storage.Grant, error) {
		id, ok := s.keys.parseGrant(key)
		if !ok {
			return nil, nil
		}
		g, err := storage.DecodeGrant(id, []byte(v))
		if err != nil || g.Realm != realmKey {
			return nil, err
		}
		alive, err := s.alive(ctx, g)
		if err != nil || !alive {
			return nil, err
		}
		return g, nil
	})
}

// listed gives what decode makes of every key that matches, once each; nil is left out. A damaged value is given as an
// error and the next one follows; any other error is the last.
func listed[T any](ctx context.Context, s *Store, pattern string, decode func(key, v string) (*T, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		seen := map[string]bool{}
		err := s.masters(ctx, func(c goredis.Cmdable) error {
			return s.scan(ctx, c, pattern, func(key, v string) error {
				if seen[key] {
					return nil
				}
				seen[key] = true
				x, err := decode(key, v)
				if err != nil && !errors.Is(err, storage.ErrDamaged) {
					return err
				}
				if (x != nil || err != nil) && !yield(x, err) {
					return errStop
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, fault(err))
		}
	}
}

// scan calls f with the keys of a server that match, and their values. SCAN may give a key twice.
func (s *Store) scan(ctx context.Context, c goredis.Cmdable, pattern string, f func(key, v string) error) error {
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		var keys []string
		var err error
		if keys, cursor, err = s.page(ctx, c, cursor, pattern); err != nil {
			return err
		}
		values, err := s.values(ctx, c, keys)
		if err != nil {
			return err
		}
		for i, v := range values {
			if v == nil {
				continue // gone since
			}
			if err := f(keys[i], *v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) page(ctx context.Context, c goredis.Cmdable, cursor uint64, pattern string) ([]string, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	return c.Scan(ctx, cursor, pattern, scanCount).Result()
}

// values reads many keys of one server in one round trip.
func (s *Store) values(ctx context.Context, c goredis.Cmdable, keys []string) ([]*string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	cmds := make([]*goredis.StringCmd, len(keys))
	err := unsent(c.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i, key := range keys {
			cmds[i] = p.Get(ctx, key)
		}
		return nil
	}))
	if err != nil {
		return nil, err
	}
	out := make([]*string, len(keys))
	for i, cmd := range cmds {
		v, err := cmd.Result()
		if errors.Is(err, goredis.Nil) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[i] = &v
	}
	return out, nil
}
