package redis_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
	"github.com/ropcd/ropcd/storage/storagetest"
)

// again delivers each script and each increment a second time, as a client does that lost the first answer. check, if
// not nil, sees both.
func again(check func(first, second *goredis.Cmd)) goredis.Hook {
	return hook{command: func(ctx context.Context, cmd goredis.Cmder, next goredis.ProcessHook) error {
		script, ok := cmd.(*goredis.Cmd)
		if ok && (cmd.Name() == "evalsha" || cmd.Name() == "eval") {
			first := goredis.NewCmd(ctx, cmd.Args()...)
			_ = next(ctx, first)
			err := next(ctx, cmd)
			if check != nil {
				check(first, script)
			}
			return err
		}
		if cmd.Name() == "incr" {
			_ = next(ctx, goredis.NewIntCmd(ctx, cmd.Args()...))
		}
		return next(ctx, cmd)
	}}
}

func TestStoreKeepsTheContractWhenEveryScriptIsDeliveredTwice(t *testing.T) {
	s := open(t, redistest.Start(t).Addr())
	s.AddHook(again(nil))
	for _, c := range storagetest.Cases() {
		if others[c.Name] {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if err := c.Check(s); err != nil {
				t.Errorf("%v\nrule: %s", err, c.Rule)
			}
		})
	}
}

// others are rules that a lost answer breaks for good: without a nonce nothing can be recognized; when another request
// comes in between, what it finds is that the token was used, or that the grant was ended for room; and the clock that is
// told goes on.
var others = map[string]bool{
	"replay/no nonce":      true,
	"concurrency/rotation": true,
	"concurrency/numbers":  true,
	"refresh/rotates":      true,

	"limits/places in parallel": true,
	"grantlimit/in parallel":    true,
}

// dump is all that a database holds, without the lives of keys.
func dump(t testing.TB, c *goredis.Client) map[string]string {
	t.Helper()
	out := map[string]string{}
	keys, err := c.Keys(t.Context(), "*").Result()
	ok(t, "keys", err)
	for _, k := range keys {
		v, err := c.Dump(t.Context(), k).Result()
		ok(t, "dump", err)
		out[k] = v
	}
	return out
}

// answer is a script's reply without the clock.
func answer(cmd *goredis.Cmd) string {
	v, err := cmd.Result()
	if list, ok := v.([]any); ok {
		kept := []any{}
		for _, x := range list {
			if n, isInt := x.(int64); !isInt || n < 1000 {
				kept = append(kept, x)
			}
		}
		v = kept
	}
	return fmt.Sprintf("%q %v", v, err)
}

func TestScriptDeliveredTwiceAnswersAndLeavesTheSame(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	s := open(t, server.Addr())
	scripts := 0
	var between map[string]string
	s.AddHook(hook{command: func(ctx context.Context, cmd goredis.Cmder, next goredis.ProcessHook) error {
		if cmd.Name() != "evalsha" && cmd.Name() != "eval" {
			return next(ctx, cmd)
		}
		first := goredis.NewCmd(ctx, cmd.Args()...)
		_ = next(ctx, first)
		between = dump(t, c)
		err := next(ctx, cmd)
		scripts++
		if a, b := answer(first), answer(cmd.(*goredis.Cmd)); a != b {
			t.Errorf("first %s\nthen  %s", a, b)
		}
		after := dump(t, c)
		for k := range between {
			if between[k] != after[k] && !claimed(k) {
				t.Errorf("key %q changed", k)
			}
		}
		if len(between) != len(after) {
			t.Errorf("%d keys became %d", len(between), len(after))
		}
		return err
	}})
	everything(t, s)
	if scripts < 20 {
		t.Errorf("only %d scripts ran", scripts)
	}
	if between == nil || reflect.DeepEqual(between, map[string]string{}) {
		t.Error("nothing was compared")
	}
}

// claimed is a pointer from an id: its time is that of the last delivery.
func claimed(key string) bool { return kindOf(key) == "id" }

// everything calls each method that writes at least once with each kind of answer that changes something.
func everything(t *testing.T, s *redis.Store) {
	ctx := t.Context()
	addUser(t, s, "alice")
	if err := s.CreateUser(ctx, owner("alice")); err == nil {
		t.Error("alice exists twice")
	}
	for _, name := range []string{"alice", "nobody"} {
		r := reserve(t, s, name)
		ok(t, "fail", s.Finish(ctx, storage.Settlement{Reservation: r, Outcome: storage.Failure}))
		r = reserve(t, s, name)
		ok(t, "void", s.Finish(ctx, storage.Settlement{Reservation: r}))
	}
	settlements(t, s)
	g := login(t, s, "alice")
	if gs, err := s.GrantsOf(ctx, alpha, "alice"); err != nil || len(gs) != 1 {
		t.Errorf("%d grants, %v", len(gs), err)
	}
	out, err := s.Refresh(ctx, refreshStep(g))
	ok(t, "refresh", err)
	step := refreshStep(out.Grant)
	step.Rotate = false
	out, err = s.Refresh(ctx, step)
	ok(t, "refresh without rotation", err)
	if out.Grant.Seq != 3 || out.Grant.Generation != 1 {
		t.Errorf("seq %d, generation %d", out.Grant.Seq, out.Grant.Generation)
	}
	ok(t, "revoke", s.Revoke(ctx, revocation(out.Grant, true)))
	ok(t, "revoke", s.Revoke(ctx, revocation(out.Grant, false)))
	ok(t, "end a grant", s.EndGrant(ctx, alpha, login(t, s, "alice").ID))
	login(t, s, "alice")
	ok(t, "end an owner's grants", s.EndUser(ctx, alpha, "alice"))
	u, err := s.UserByName(ctx, alpha, "alice")
	ok(t, "read", err)
	ok(t, "update", s.UpdateUser(ctx, u, false))
	if u.Version != 4 {
		t.Errorf("version %d", u.Version)
	}
	grantLimits(t, s)
	sources(t, s)
	ok(t, "unlock", s.UnlockUser(ctx, alpha, "alice"))
	ok(t, "delete", s.DeleteUser(ctx, alpha, "alice"))
	c := newClient("c")
	ok(t, "create a client", s.CreateClient(ctx, c))
	c.Version = 1
	ok(t, "update a client", s.UpdateClient(ctx, c))
	ok(t, "delete a client", s.DeleteClient(ctx, alpha, "c"))
	limited(t, s)
}

// grantLimits logs alice in under limits that refuse, that evict, and that have to look epochs up.
func grantLimits(t *testing.T, s *redis.Store) {
	ctx := t.Context()
	within := func(limit realm.GrantLimit, client string) (id storage.GrantID, evicted []storage.GrantID, err error) {
		r := reserve(t, s, "alice")
		st := storage.Settlement{
			Reservation: r, Outcome: storage.Success, Grant: newGrant(r), GrantLimit: limit, Evicted: &evicted,
		}
		st.Grant.ClientID = client
		err = s.Finish(ctx, st)
		return st.Grant.ID, evicted, err
	}
	first, _, err := within(realm.GrantLimit{Most: 1}, "another")
	ok(t, "log in", err)
	if _, _, err := within(realm.GrantLimit{Most: 1}, clientID); !errors.Is(err, storage.ErrTooManyGrants) {
		t.Errorf("a second grant: %v", err)
	}
	second, evicted, err := within(realm.GrantLimit{Most: 1, EvictOldest: true}, "a third")
	if err != nil || !slices.Equal(evicted, []storage.GrantID{first}) {
		t.Errorf("evicted %v, %v", evicted, err)
	}
	ok(t, "end a client's grants", s.EndClient(ctx, alpha, "a third"))
	if _, evicted, err := within(realm.GrantLimit{Most: 1, EvictOldest: true}, clientID); err != nil || len(evicted) > 0 {
		t.Errorf("dead %v, evicted %v, %v", second, evicted, err)
	}
	ok(t, "end an owner's grants", s.EndUser(ctx, alpha, "alice"))
}

// limited charges with each answer and each mode, a party alone and several together.
func limited(t *testing.T, s *redis.Store) {
	client, user, address := limits()
	count, look := address, address
	count.Mode, look.Mode = storage.Count, storage.Look
	for i, row := range []struct {
		charges []storage.Charge
		refused bool
	}{
		{[]storage.Charge{client, user}, false},
		{[]storage.Charge{client, user, look}, false},
		{[]storage.Charge{client, user}, true},
		{[]storage.Charge{count}, false},
		{[]storage.Charge{count}, true},
		{[]storage.Charge{user, look}, true},
	} {
		v, err := s.Charge(t.Context(), row.charges...)
		ok(t, "charge", err)
		if v.Refused() != row.refused {
			t.Errorf("charge %d: %+v", i, v)
		}
	}
}

// sources settles alice's attempts from more places than can be known, in each way, and lets them be forgotten.
func sources(t *testing.T, s *redis.Store) {
	ctx := t.Context()
	for n := range byte(storage.MaxSources + 1) {
		ok(t, "log in", s.Finish(ctx, storage.Settlement{Reservation: reserveAt(t, s, "alice", n+1), Outcome: storage.Success}))
	}
	ok(t, "fail", s.Finish(ctx, storage.Settlement{Reservation: reserveAt(t, s, "alice", 9), Outcome: storage.Failure}))
	ok(t, "void", s.Finish(ctx, storage.Settlement{Reservation: reserveAt(t, s, "alice", 9)}))
	used := effects(reserveAt(t, s, "alice", 9), storage.Success, 9)
	used.Grant = nil
	if err := s.Finish(ctx, used); !errors.Is(err, storage.ErrCodeUsed) {
		t.Errorf("a code that was used: %v", err)
	}
	ok(t, "unlock", s.UnlockUser(ctx, alpha, "alice"))
	u, err := s.UserByName(ctx, alpha, "alice")
	ok(t, "read", err)
	ok(t, "forget the sources", s.UpdateUser(ctx, u, true))
	ok(t, "all effects", s.Finish(ctx, effects(reserveAt(t, s, "alice", 9), storage.Success, 10)))
}

// settlements settles alice's attempts with each effect, and with each answer that there is.
func settlements(t *testing.T, s *redis.Store) {
	ctx := t.Context()
	ok(t, "succeed with all effects", s.Finish(ctx, effects(reserve(t, s, "alice"), storage.Success, 7)))
	ok(t, "fail with all effects", s.Finish(ctx, effects(reserve(t, s, "alice"), storage.Failure, 8)))
	login(t, s, "alice")
	end := effects(reserve(t, s, "alice"), storage.Success, 9)
	end.EndGrants, end.Owner.Expires = false, storage.Trim(time.Now().Add(5*time.Hour))
	ok(t, "let the account end", s.Finish(ctx, end))
	gs, err := s.GrantsOf(ctx, alpha, "alice")
	ok(t, "list", err)
	for _, g := range gs {
		if !g.MaxExpires.Equal(end.Owner.Expires) {
			t.Errorf("a grant ends %v, the account %v", g.MaxExpires, end.Owner.Expires)
		}
	}
	for _, grant := range []bool{true, false} {
		used := effects(reserve(t, s, "alice"), storage.Success, 9)
		if !grant {
			used.Grant = nil
		}
		if err := s.Finish(ctx, used); !errors.Is(err, storage.ErrCodeUsed) {
			t.Errorf("a code that was used: %v", err)
		}
	}
	u, err := s.UserByName(ctx, alpha, "alice")
	ok(t, "read", err)
	if u.PasswordHash != "$hash+++" || u.Login.Logins != 2 || u.Login.CodeStep != 9 || u.Login.Failures != 2 || len(gs) != 2 {
		t.Errorf("%+v with %d grants", u, len(gs))
	}
	ok(t, "end an owner's grants", s.EndUser(ctx, alpha, "alice"))
}
