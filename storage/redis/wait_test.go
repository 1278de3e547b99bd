package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// withReplica is a patient store, and two of two processes that wait for the one replica there is.
func withReplica(t *testing.T) (s, a, b *redis.Store, replica *redistest.Server) {
	t.Helper()
	master := redistest.Start(t)
	_, port, _ := strings.Cut(master.Addr(), ":")
	replica = redistest.Start(t, "--replicaof", "127.0.0.1 "+port)
	until(t, "the replica follows", func() bool {
		info, err := raw(t, replica.Addr()).InfoMap(t.Context(), "replication").Result()
		return err == nil && info["Replication"]["master_link_status"] == "up"
	})
	waits := func(o *redis.Options) { o.WaitReplicas, o.Timeout = 1, time.Second }
	return open(t, master.Addr(), prefix("t")), open(t, master.Addr(), prefix("t"), waits), open(t, master.Addr(), prefix("t"), waits), replica
}

// What a limit of grants refuses or ends is confirmed like a failure: how long it takes tells neither from a wrong password.
func TestLoginsThatMeetALimitOfGrantsWaitForReplicas(t *testing.T) {
	s, a, _, replica := withReplica(t)
	for name, limit := range map[string]realm.GrantLimit{"alice": {Most: 1}, "bob": {Most: 1, EvictOldest: true}} {
		addUser(t, s, name)
		login(t, s, name)
		st := within(reserve(t, s, name), clientID, limit)
		replica.Pause()
		if err := a.Finish(t.Context(), st); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("a limit %+v with a silent replica: %v", limit, err)
		}
		replica.Resume()
		var err error
		until(t, "the replica confirms", func() bool {
			err = a.Finish(t.Context(), st)
			return !errors.Is(err, storage.ErrUnavailable)
		})
		if full := errors.Is(err, storage.ErrTooManyGrants); full == limit.EvictOldest || !full && err != nil {
			t.Errorf("a limit %+v with a replica: %v", limit, err)
		}
	}
}

// A client repeats what it got a 503 for. That it finds the work done, at another process, does not make it safe.
func TestRepeatedWritesWaitForReplicasToo(t *testing.T) {
	s, a, b, replica := withReplica(t)
	addUser(t, s, "alice")
	rotated, ended, revoked := login(t, s, "alice"), login(t, s, "alice"), login(t, s, "alice")
	another := func() storage.RefreshStep { // another request with the same token
		r := refreshStep(rotated)
		r.Grace = time.Minute
		return r
	}
	writes := map[string]func(s *redis.Store) error{
		"refresh":                func(s *redis.Store) error { _, err := s.Refresh(t.Context(), another()); return err },
		"revoke a refresh token": func(s *redis.Store) error { return s.Revoke(t.Context(), revocation(ended, false)) },
		"revoke an access token": func(s *redis.Store) error { return s.Revoke(t.Context(), revocation(revoked, true)) },
		"end an owner's grants":  func(s *redis.Store) error { return s.EndUser(t.Context(), alpha, "alice") },
	}
	replica.Pause()
	for _, what := range []string{"refresh", "revoke a refresh token", "revoke an access token", "end an owner's grants"} {
		for _, at := range []*redis.Store{a, b} {
			if err := writes[what](at); !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("%s with a silent replica: %v", what, err)
			}
		}
	}
	replica.Resume()
	for what, write := range writes {
		until(t, what, func() bool { return !errors.Is(write(b), storage.ErrUnavailable) })
	}
}
