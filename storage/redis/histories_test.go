package redis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis/redistest"
	"github.com/ropcd/ropcd/storage/storagetest/histories"
)

// Two stores are what two processes see: each remembers epochs, and refusals, of its own.
func TestHistoriesAreExplainedByTheContract(t *testing.T) {
	server := redistest.Start(t)
	remembers := timeout(600 * time.Millisecond) // a longer one leaves no time to remember epochs
	var views []storage.Store
	for range 2 {
		s := open(t, server.Addr(), prefix("histories"), remembers)
		s.AddHook(hook{command: unreliable})
		views = append(views, s)
	}
	histories.Test(t, views, histories.Options{Faults: 0.1})
}

// unreliable does with each script and each increment what a history asks for: the server has done it when its reply is
// lost, or when it is delivered once more.
func unreliable(ctx context.Context, cmd goredis.Cmder, next goredis.ProcessHook) error {
	switch fault := histories.FaultOf(ctx); {
	case !writes(cmd):
	case fault == histories.Twice:
		return again(nil).ProcessHook(next)(ctx, cmd)
	case fault == histories.Lost:
		if err := next(ctx, cmd); err != nil {
			return err
		}
		cmd.SetErr(errLost)
		return errLost
	}
	return next(ctx, cmd)
}

func writes(cmd goredis.Cmder) bool {
	return cmd.Name() == "evalsha" || cmd.Name() == "eval" || cmd.Name() == "incr"
}

var errLost = errors.New("the reply was lost")
