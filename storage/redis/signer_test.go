package redis_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

func TestProcessesWithUnlikeSecretsAreNoticed(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes")
	var log bytes.Buffer
	with := func(key string) *redis.Store {
		return open(t, server.Addr(), prefix("shared"), func(o *redis.Options) {
			o.StrangersKey, o.Logger = []byte(key), slog.New(slog.NewTextHandler(&log, nil))
		})
	}
	a, b, c := with("a secret of everybody"), with("a secret of everybody"), with("another")
	for _, s := range []*redis.Store{a, b} {
		ok(t, "ready", s.Ready(t.Context()))
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
	found := examined(t, b, false)
	if f := found["system secrets"]; f.Level != storage.LevelOK {
		t.Errorf("%+v", f)
	}
	ok(t, "ready", c.Ready(t.Context()))
	if n := strings.Count(log.String(), "another system secret"); n != 1 {
		t.Errorf("%d warnings: %s", n, &log)
	}
	if f := examined(t, a, false)["system secrets"]; f.Level != storage.LevelWarn {
		t.Errorf("%+v", f)
	}
	ok(t, "config", raw(t, server.Addr()).ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	if f, told := examined(t, with("another"), false)["system secrets"]; told {
		t.Errorf("nobody has looked: %+v", f)
	}
	for _, key := range []string{"a secret of everybody", "another"} {
		if value := raw(t, server.Addr()).Get(t.Context(), "shared:{000}:s").Val(); strings.Contains(key, value) || len(value) != 16 {
			t.Errorf("the mark %q tells of the secret", value)
		}
	}
}
