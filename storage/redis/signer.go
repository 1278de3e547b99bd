package redis

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// signerLife is how long it is remembered who looked last at the servers.
const signerLife = 24 * time.Hour

// signer notices processes of the same store that have another system secret: tokens of one are none to the other, and
// nothing else would tell.
type signer struct {
	mark   string      // of the secret, of which it tells nothing; empty: there is none
	unlike atomic.Bool // the last look found another's mark
}

// markOf is empty without a key.
func markOf(strangersKey []byte) string {
	if len(strangersKey) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, strangersKey)
	mac.Write([]byte("mark"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// sign leaves the mark of this process, and looks whose was there before.
func (s *Store) sign(ctx context.Context) error {
	if s.signer.mark == "" {
		return nil
	}
	before, err := s.rdb.SetArgs(ctx, s.keys.signer(), s.signer.mark, goredis.SetArgs{TTL: signerLife, Get: true}).Result()
	if errors.Is(err, goredis.Nil) {
		return nil
	}
	if err != nil {
		return s.diagnose(ctx, err)
	}
	unlike := before != s.signer.mark
	if unlike && !s.signer.unlike.Load() {
		s.log.Warn("another process of this store signs with another system secret", "todo", unlikeTodo)
	}
	s.signer.unlike.Store(unlike)
	return nil
}

const unlikeTodo = "give all processes the same secrets.system_files in the same order; while one is being replaced, this is expected"
