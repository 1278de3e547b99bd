package redis

import (
	"context"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
)

// AddHook lets a test see and change what is sent.
func (s *Store) AddHook(h goredis.Hook) { s.rdb.AddHook(h) }

// StrangerNumber tells which of its bucket's accounts a name that belongs to nobody has.
func StrangerNumber(secret []byte, realmKey, name string) string {
	account, _ := keyring("p").stranger(secret, realmKey, name)
	return account[strings.LastIndexByte(account, ':')+1:]
}

// MaxRefusals is how many refusals are remembered.
const MaxRefusals = maxRefusals

// Refusals is how many are.
func (s *Store) Refusals() int {
	s.refusals.mu.Lock()
	defer s.refusals.mu.Unlock()
	return len(s.refusals.until)
}

// SetGrant replaces the record of a grant, which lives as long as before.
func (s *Store) SetGrant(ctx context.Context, id storage.GrantID, record []byte) error {
	return s.rdb.Set(ctx, s.keys.grant(id), record, goredis.KeepTTL).Err()
}

// GrantRecord reads it.
func (s *Store) GrantRecord(ctx context.Context, id storage.GrantID) ([]byte, error) {
	return s.rdb.Get(ctx, s.keys.grant(id)).Bytes()
}
