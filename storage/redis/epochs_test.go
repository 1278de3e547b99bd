package redis_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

func TestEndOfAClientReachesOtherProcessesWithinASecond(t *testing.T) {
	server := redistest.Start(t)
	here := open(t, server.Addr(), prefix("e"), timeout(300*time.Millisecond))
	there := open(t, server.Addr(), prefix("e"), timeout(300*time.Millisecond))
	addUser(t, here, "alice")
	for what, end := range map[string]func() error{
		"client": func() error { return here.EndClient(t.Context(), alpha, clientID) },
		"realm":  func() error { return here.EndRealm(t.Context(), alpha) },
	} {
		g := login(t, here, "alice")
		_, err := there.Inspect(t.Context(), g.ID) // now it remembers the epochs
		ok(t, "inspect", err)
		ok(t, "end", end())
		ended := time.Now()
		if _, err := here.Inspect(t.Context(), g.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: here the grant lives on: %v", what, err)
		}
		until(t, "the grant ends there", func() bool {
			_, err := there.Inspect(t.Context(), g.ID)
			return errors.Is(err, storage.ErrNotFound)
		})
		if took := time.Since(ended); took > 2*time.Second { // a busy machine may add to the second
			t.Errorf("%s: there the grant lived for %v", what, took)
		}
	}
}

func TestEpochBehindTheGrantsOwnIsReadAgain(t *testing.T) {
	server := redistest.Start(t)
	here := open(t, server.Addr(), prefix("e"), timeout(300*time.Millisecond))
	there := open(t, server.Addr(), prefix("e"), timeout(300*time.Millisecond))
	addUser(t, here, "alice")
	calls := map[string]func(g *storage.Grant) bool{
		"inspect": func(g *storage.Grant) bool {
			_, err := there.Inspect(t.Context(), g.ID)
			return errors.Is(err, storage.ErrNotFound)
		},
		"refresh": func(g *storage.Grant) bool {
			out, err := there.Refresh(t.Context(), refreshStep(g))
			return err == nil && out.Outcome == storage.RefreshRefused
		},
		"revoke": func(g *storage.Grant) bool {
			return errors.Is(there.Revoke(t.Context(), revocation(g, true)), storage.ErrNotFound)
		},
	}
	for what, ended := range calls {
		old := login(t, here, "alice")
		_, err := there.Inspect(t.Context(), old.ID) // now it remembers the epochs
		ok(t, "inspect", err)
		ok(t, "end", here.EndClient(t.Context(), alpha, clientID))
		g := login(t, here, "alice") // of a newer epoch
		ok(t, "end", here.EndClient(t.Context(), alpha, clientID))
		if !ended(g) {
			t.Errorf("%s: the grant lives on", what)
		}
	}
}

func TestLostEpochLetsTheGrantLive(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	s := open(t, server.Addr())
	addUser(t, s, "alice")
	ok(t, "end", s.EndClient(t.Context(), alpha, clientID))
	g := login(t, s, "alice")
	keys := keysOf(t, c, "*", ":e:")
	ok(t, "lose", c.Del(t.Context(), keys...).Err())
	_, err := s.Inspect(t.Context(), g.ID)
	ok(t, "inspect", err)
	out, err := s.Refresh(t.Context(), refreshStep(g))
	if err != nil || out.Outcome != storage.RefreshDone {
		t.Errorf("refresh: %v %v", out.Outcome, err)
	}
}

func TestEpochThatIsNoneIsDamage(t *testing.T) {
	server := redistest.Start(t)
	c := raw(t, server.Addr())
	for _, value := range []string{"", "-1", "x", "99999999999", "a list"} {
		p := "epoch" + value
		s := open(t, server.Addr(), prefix(p))
		addUser(t, s, "alice")
		g := login(t, s, "alice")
		ok(t, "end", s.EndClient(t.Context(), alpha, clientID))
		for _, k := range keysOf(t, c, p, ":e:") {
			ok(t, "set", c.Set(t.Context(), k, value, 0).Err())
			if value == "a list" {
				ok(t, "del", c.Del(t.Context(), k).Err())
				ok(t, "rpush", c.RPush(t.Context(), k, value).Err())
			}
		}
		if _, err := s.Inspect(t.Context(), g.ID); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("epoch %q: %v", value, err)
		}
	}
}
