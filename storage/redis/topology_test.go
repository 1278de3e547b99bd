package redis_test

import (
	"errors"
	"testing"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// A connection that was open when its server became a replica is not answered from what that replica has.
func TestConnectionToServerThatBecameReplicaAnswersNothing(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr())
	addUser(t, s, "alice")
	g := login(t, s, "alice")
	ctx, c := t.Context(), raw(t, server.Addr())
	ok(t, "replicaof", c.Do(ctx, "replicaof", "127.0.0.1", "1").Err()) // nobody is there, so that it keeps what it has

	_, inspect := s.Inspect(ctx, g.ID)
	_, refresh := s.Refresh(ctx, refreshStep(newGrant(storage.Reservation{Realm: alpha, Username: "alice"})))
	_, grants := s.GrantsOf(ctx, alpha, "alice")
	for what, err := range map[string]error{
		"inspect": inspect, "refresh of a grant that it does not know": refresh, "list": grants,
		"revocation of a grant that it does not know": s.EndGrant(ctx, alpha, storage.NewGrantID(alpha, "alice")),
	} {
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", what, err)
		}
	}
	ok(t, "replicaof no one", c.Do(ctx, "replicaof", "no", "one").Err())
	until(t, "used again", func() bool { _, err := s.Inspect(ctx, g.ID); return err == nil })
}

// What stops writes does not stop introspection.
func TestIntrospectionWorksWhereWritesDoNot(t *testing.T) {
	server := redistest.Start(t)
	c, s := raw(t, server.Addr()), open(t, server.Addr())
	addUser(t, s, "alice")
	g := login(t, s, "alice")
	for setting, value := range map[string]string{"min-replicas-to-write": "1", "maxmemory": "1"} {
		old := c.ConfigGet(t.Context(), setting).Val()[setting]
		ok(t, "config", c.ConfigSet(t.Context(), setting, value).Err())
		if _, err := s.Begin(t.Context(), attempt("alice")); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%s: begin: %v", setting, err)
		}
		if _, err := s.Inspect(t.Context(), g.ID); err != nil {
			t.Errorf("%s: inspect: %v", setting, err)
		}
		ok(t, "config", c.ConfigSet(t.Context(), setting, old).Err())
	}
}
