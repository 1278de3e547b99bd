package redis

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
)

// Store is a [storage.Store] in Redis. It is safe for concurrent use.
type Store struct {
	rdb    goredis.UniversalClient
	opts   Options
	keys   keyring
	log    *slog.Logger
	epochs *epochs
	health health
	signer signer
	voids  *voids

	refusals refusals
}

var (
	_ storage.Store     = (*Store)(nil)
	_ storage.Connected = (*Store)(nil)
)

// Open makes a store. It fails only for impossible options: a server that cannot be reached is found by Ready, and used
// as soon as it can be.
func Open(opts Options) (*Store, error) {
	mark := markOf(opts.StrangersKey)
	opts, err := opts.complete()
	if err != nil {
		return nil, err
	}
	quiet()
	s := &Store{opts: opts, keys: keyring(opts.KeyPrefix), log: opts.Logger, epochs: newEpochs(opts.Timeout)}
	s.signer.mark = mark
	s.rdb = connect(opts, s.greet)
	s.voids = newVoids(s)
	return s, nil
}

// Close ends all connections. What was not given back by then counts as a failure: see Begin.
func (s *Store) Close() error {
	s.voids.close()
	return s.rdb.Close()
}

// Connections implements [storage.Connected].
func (s *Store) Connections() storage.Connections {
	p := s.rdb.PoolStats()
	return storage.Connections{
		Open: int(p.TotalConns), Idle: int(p.IdleConns), Waited: uint64(p.WaitCount), TimedOut: uint64(p.Timeouts),
	}
}

// quiet sends go-redis's own log, which goes to standard error, to slog. The one there is serves all stores.
var quiet = sync.OnceFunc(func() { goredis.SetLogger(libraryLog{}) })

type libraryLog struct{}

func (libraryLog) Printf(ctx context.Context, format string, v ...any) {
	if l := slog.Default(); l.Enabled(ctx, slog.LevelDebug) {
		l.DebugContext(ctx, "go-redis", "message", fmt.Sprintf(format, v...))
	}
}
