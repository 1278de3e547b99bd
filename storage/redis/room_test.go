package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// within settles a success whose grant has to fit into a limit.
func within(r storage.Reservation, client string, limit realm.GrantLimit) storage.Settlement {
	g := newGrant(r)
	g.ClientID = client
	return storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g, GrantLimit: limit}
}

func TestRoundTripsOfALimit(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr(), timeout(300*time.Millisecond))
	ctx := t.Context()
	refuse, evict := realm.GrantLimit{Most: 2}, realm.GrantLimit{Most: 2, EvictOldest: true}
	addUser(t, s, "alice")
	login(t, s, "alice") // loads the scripts, and has the epochs remembered
	c := &counter{}
	s.AddHook(c.hook())
	for _, row := range []struct {
		what   string
		client string
		limit  realm.GrantLimit
		want   int
		answer error
	}{
		{"with room", clientID, refuse, 1, nil},
		{"without room", clientID, refuse, 1, storage.ErrTooManyGrants},
		{"that evicts", clientID, evict, 1, nil},
		{"through another client, whose epoch is read, and that of the one before", "another", evict, 2, nil},
		{"of a client that is not remembered", "another", evict, 3, nil},
	} {
		if row.want == 3 {
			ok(t, "forget an epoch", s.EndClient(ctx, alpha, "a third"))
			ok(t, "forget an epoch", s.EndClient(ctx, alpha, clientID))
			r := reserve(t, s, "alice")
			ok(t, "log in", s.Finish(ctx, within(r, clientID, realm.GrantLimit{}))) // its epoch is remembered again
			ok(t, "forget an epoch", s.EndClient(ctx, alpha, "another"))
			ok(t, "log in", s.Finish(ctx, within(reserve(t, s, "alice"), "another", realm.GrantLimit{})))
		}
		st := within(reserve(t, s, "alice"), row.client, row.limit)
		var err error
		if got := c.of(func() { err = s.Finish(ctx, st) }); got > row.want || !errors.Is(err, row.answer) {
			t.Errorf("finish %s: %d round trips, at most %d; %v", row.what, got, row.want, err)
		}
	}
}

// The epochs that decide are looked up, however long ago they were seen.
func TestLimitLooksUpTheEpochsOfOtherClients(t *testing.T) {
	server := redistest.Start(t)
	shared := prefix("shared")
	s, other := open(t, server.Addr(), shared), open(t, server.Addr(), shared)
	ctx := t.Context()
	addUser(t, s, "alice")
	for _, client := range []string{"a", "b", "c"} {
		ok(t, "log in", other.Finish(ctx, within(reserve(t, other, "alice"), client, realm.GrantLimit{})))
	}
	st := within(reserve(t, s, "alice"), clientID, realm.GrantLimit{Most: 3})
	if err := s.Finish(ctx, st); !errors.Is(err, storage.ErrTooManyGrants) {
		t.Fatal(err)
	}
	fresh := open(t, server.Addr(), shared)
	ok(t, "end a client's grants", other.EndClient(ctx, alpha, "b"))
	ok(t, "log in", fresh.Finish(ctx, within(reserve(t, fresh, "alice"), clientID, realm.GrantLimit{Most: 3})))
	gs, err := fresh.GrantsOf(ctx, alpha, "alice")
	if err != nil || len(gs) != 3 {
		t.Errorf("%d grants, %v", len(gs), err)
	}
}

// A grant that can't be read is a fault of the login that needs to know about it. Ending the owner's grants mends it.
func TestLimitNoticesDamagedGrants(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	s := open(t, server.Addr(), prefix("damage"))
	ctx := t.Context()
	addUser(t, s, "alice")
	login(t, s, "alice")
	key := keysOf(t, c, "damage", ":g:")[0]
	whole, err := c.Get(ctx, key).Result()
	ok(t, "get", err)
	for how, value := range map[string]string{"garbage": "garbage", "cut short": whole[:len(whole)-1], "another's": "\x01" + whole[2:]} {
		ok(t, "set", c.Set(ctx, key, value, 0).Err())
		for _, evict := range []bool{false, true} {
			r := reserve(t, s, "alice")
			st := within(r, clientID, realm.GrantLimit{Most: 1, EvictOldest: evict})
			if err := s.Finish(ctx, st); !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("%s: %v", how, err)
			}
			ok(t, "log in without a limit", s.Finish(ctx, storage.Settlement{Reservation: r, Outcome: storage.Success}))
		}
	}
	ok(t, "end all", s.EndUser(ctx, alpha, "alice"))
	ok(t, "log in", s.Finish(ctx, within(reserve(t, s, "alice"), clientID, realm.GrantLimit{Most: 1})))
}

// Nobody pays for all grants of an owner who has far more than there may be.
func TestRefusedLoginReadsNoMoreGrantsThanThereMayBe(t *testing.T) {
	server := redistest.Start(t)
	c, s := raw(t, server.Addr()), open(t, server.Addr())
	addUser(t, s, "alice")
	for range 30 {
		login(t, s, "alice")
	}
	for _, most := range []int{3, 20} {
		st := within(reserve(t, s, "alice"), clientID, realm.GrantLimit{Most: most})
		var err error
		got := commands(t, c, func() { err = s.Finish(t.Context(), st) })
		if want := fmt.Sprintf(" get:%d ", most+4); !errors.Is(err, storage.ErrTooManyGrants) || !strings.Contains(got, want) {
			t.Errorf("limit %d: %v, %s, want %s: those grants, the owner, the sources and two epochs", most, err, got, want)
		}
	}
}

// Grants that nobody can tell about without their client's epoch decide only if those that are known do not.
func TestLimitAsksForNoEpochsWhenItIsMetWithoutThem(t *testing.T) {
	server := redistest.Start(t)
	shared := prefix("shared")
	s, other := open(t, server.Addr(), shared, timeout(300*time.Millisecond)), open(t, server.Addr(), shared)
	addUser(t, s, "alice")
	for _, client := range []string{"a", clientID, clientID} {
		ok(t, "log in", other.Finish(t.Context(), within(reserve(t, other, "alice"), client, realm.GrantLimit{})))
	}
	login(t, s, "alice") // has the client's epochs remembered
	c := &counter{}
	s.AddHook(c.hook())
	for i, want := range []int{1, 3} {
		most := 3 + i
		st := within(reserve(t, s, "alice"), clientID, realm.GrantLimit{Most: most})
		var err error
		if n := c.of(func() { err = s.Finish(t.Context(), st) }); n > want || !errors.Is(err, storage.ErrTooManyGrants) {
			t.Errorf("limit %d of 4: %d round trips, at most %d; %v", most, n, want, err)
		}
	}
}
