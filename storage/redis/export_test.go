package redis

import goredis "github.com/redis/go-redis/v9"

// AddHook lets a test see and change what is sent.
func (s *Store) AddHook(h goredis.Hook) { s.rdb.AddHook(h) }
