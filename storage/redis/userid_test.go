package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// pointer is the key of an owner's id.
func pointer(t *testing.T, c *goredis.Client, name string) string {
	t.Helper()
	for _, k := range keysOf(t, c, "*", ":id:") {
		if strings.HasSuffix(k, owner(name).ID) {
			return k
		}
	}
	t.Fatalf("no pointer to %s", name)
	return ""
}

// age makes a pointer as old as can be.
func age(t *testing.T, c *goredis.Client, key string) {
	t.Helper()
	ok(t, "age", c.SetRange(t.Context(), key, 0, strings.Repeat("\x00", 6)).Err())
}

func pointed(t *testing.T) (*redis.Store, *goredis.Client) {
	server := redistest.Start(t)
	s := open(t, server.Addr())
	addUser(t, s, "alice")
	addUser(t, s, "bob")
	return s, raw(t, server.Addr())
}

func TestPointerToAnotherOwnerFindsNobody(t *testing.T) {
	s, c := pointed(t)
	wrong := c.Get(t.Context(), pointer(t, c, "bob")).Val()
	ok(t, "set", c.Set(t.Context(), pointer(t, c, "alice"), wrong, 0).Err())
	if u, err := s.UserByID(t.Context(), alpha, owner("alice").ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("%v %v", u, err)
	}
}

func TestOldPointerIsTakenOverOnlyFromNobody(t *testing.T) {
	s, c := pointed(t)
	key := pointer(t, c, "alice")
	thief := owner("carol")
	thief.ID = owner("alice").ID
	age(t, c, key)
	if err := s.CreateUser(t.Context(), thief); !errors.Is(err, storage.ErrExists) {
		t.Errorf("alice's id is taken, and creating answers %v", err)
	}
	for _, k := range keysOf(t, c, "*", ":u:") {
		if strings.HasSuffix(k, "alice") {
			ok(t, "lose alice", c.Del(t.Context(), k).Err())
		}
	}
	ok(t, "create", s.CreateUser(t.Context(), thief))
	u, err := s.UserByID(t.Context(), alpha, thief.ID)
	if err != nil || u.Username != "carol" {
		t.Errorf("%v %v", u, err)
	}
}

func TestClaimOfAMomentAgoIsRespected(t *testing.T) {
	s, c := pointed(t)
	for _, k := range keysOf(t, c, "*", ":u:") { // as if alice's record were just being written
		ok(t, "del", c.Del(t.Context(), k).Err())
	}
	other := owner("carol")
	other.ID = owner("alice").ID
	if err := s.CreateUser(t.Context(), other); !errors.Is(err, storage.ErrExists) {
		t.Errorf("the id is claimed, and creating answers %v", err)
	}
	ok(t, "the same name finishes", s.CreateUser(t.Context(), owner("alice")))
}

func TestTakenNameGivesTheIDBack(t *testing.T) {
	s, c := pointed(t)
	twin := owner("alice")
	twin.ID = "another id"
	if err := s.CreateUser(t.Context(), twin); !errors.Is(err, storage.ErrExists) {
		t.Errorf("the name is taken, and creating answers %v", err)
	}
	for _, k := range keysOf(t, c, "*", ":id:") {
		if strings.HasSuffix(k, twin.ID) {
			t.Errorf("%q is left", k)
		}
	}
}

func TestUnlockForgivesWhatWasNeverSettled(t *testing.T) {
	s, _ := pointed(t)
	a := attempt("alice")
	a.Hold = time.Millisecond
	b, err := s.Begin(t.Context(), a)
	ok(t, "begin", err)
	until(t, "the hold is over", func() bool { return b.Reservation.Clock().After(b.Reservation.Now.Add(20 * time.Millisecond)) })
	ok(t, "unlock", s.UnlockUser(t.Context(), alpha, "alice"))
	b, err = s.Begin(t.Context(), attempt("alice"))
	ok(t, "begin", err)
	if b.User.Login.Failures != 0 {
		t.Errorf("%d failures after unlocking", b.User.Login.Failures)
	}
}
