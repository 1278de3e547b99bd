package redis_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// reads are the calls that must notice what is wrong with alice, her grant and client c.
func reads(ctx context.Context, s *redis.Store, g *storage.Grant) map[string]error {
	_, begin := s.Begin(ctx, attempt("alice"))
	_, inspect := s.Inspect(ctx, g.ID)
	_, inspectOwner := s.InspectOwner(ctx, g.ID)
	_, byName := s.UserByName(ctx, alpha, "alice")
	_, byID := s.UserByID(ctx, alpha, "id of alice")
	_, client := s.Client(ctx, alpha, "c")
	_, list := s.GrantsOf(ctx, alpha, "alice")
	_, refresh := s.Refresh(ctx, refreshStep(g))
	return map[string]error{
		"Begin": begin, "Inspect": inspect, "InspectOwner": inspectOwner, "Refresh": refresh, "UserByName": byName,
		"UserByID": byID, "Client": client, "GrantsOf": list, "Revoke": s.Revoke(ctx, revocation(g, false)),
	}
}

func TestDamageIsNoticed(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	kinds := map[string][]string{ // kind of key: who must notice
		":u:":  {"Begin", "InspectOwner", "UserByName", "UserByID"},
		":g:":  {"Inspect", "InspectOwner", "Refresh", "GrantsOf", "Revoke"},
		":c:":  {"Client"},
		":id:": {"UserByID"},
	}
	spoil := map[string]func(t *testing.T, key, other string){
		"wrong type": func(t *testing.T, key, _ string) {
			ok(t, "del", c.Del(t.Context(), key).Err())
			ok(t, "rpush", c.RPush(t.Context(), key, "x").Err())
		},
		"garbage":         func(t *testing.T, key, _ string) { ok(t, "set", c.Set(t.Context(), key, "garbage", 0).Err()) },
		"empty":           func(t *testing.T, key, _ string) { ok(t, "set", c.Set(t.Context(), key, "", 0).Err()) },
		"another's value": func(t *testing.T, key, other string) { ok(t, "set", c.Set(t.Context(), key, other, 0).Err()) },
	}
	for kind, who := range kinds {
		for how, f := range spoil {
			if kind == ":id:" && how == "another's value" {
				continue // leads to an owner with another id: not found
			}
			t.Run(kind+how, func(t *testing.T) {
				s := open(t, server.Addr(), prefix("damage"+strings.Trim(kind, ":")+how))
				addUser(t, s, "alice")
				addUser(t, s, "bob")
				ok(t, "create", s.CreateClient(t.Context(), newClient("c")))
				ok(t, "create", s.CreateClient(t.Context(), newClient("other")))
				g := login(t, s, "alice")
				mine := keysOf(t, c, "damage"+strings.Trim(kind, ":")+how, kind)
				login(t, s, "bob")
				key, other := mine[0], ""
				for _, k := range keysOf(t, c, "damage"+strings.Trim(kind, ":")+how, kind) {
					if strings.HasSuffix(k, "alice") || strings.HasSuffix(k, "/alphac") {
						key = k
					} else if k != key {
						other = c.Get(t.Context(), k).Val()
					}
				}
				f(t, key, other)
				got := reads(t.Context(), s, g)
				for _, call := range who {
					if !errors.Is(got[call], storage.ErrDamaged) || errors.Is(got[call], storage.ErrUnavailable) {
						t.Errorf("%s: error %v, want ErrDamaged", call, got[call])
					}
				}
			})
		}
	}
}

func keysOf(t *testing.T, c *goredis.Client, prefix, kind string) []string {
	t.Helper()
	keys, err := c.Keys(t.Context(), prefix+":*}"+kind+"*").Result()
	ok(t, "keys", err)
	if len(keys) == 0 {
		t.Fatalf("no key of kind %s", kind)
	}
	return keys
}
