package redis

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
)

//go:embed lua/*.lua
var lua embed.FS

// nonce marks one request, however often it is delivered.
type nonce [16]byte

func newNonce() (n nonce) {
	_, _ = rand.Read(n[:]) // never fails, see crypto/rand
	return n
}

// freshNonce is newNonce for who needs it once.
func freshNonce() []byte {
	n := newNonce()
	return n[:]
}

// load is the script in lua/name.lua behind lib.lua and the other libraries it needs.
func load(name string, libraries ...string) *goredis.Script {
	var src strings.Builder
	for _, file := range append(append([]string{"lib"}, libraries...), name) {
		b, err := lua.ReadFile("lua/" + file + ".lua")
		if err != nil {
			panic(err) // the file is not in the binary
		}
		src.Write(b)
	}
	return goredis.NewScript(src.String())
}

var (
	beginScript      = load("begin", "login", "sources", "attempts")
	finishScript     = load("finish", "login", "sources", "attempts", "record", "grant", "room")
	inspectScript    = load("inspect", "record", "grant")
	refreshScript    = load("refresh", "record", "grant")
	revokeScript     = load("revoke", "record", "grant")
	endGrantScript   = load("endgrant", "record", "grant")
	endUserScript    = load("enduser", "record", "grant")
	grantsOfScript   = load("grantsof")
	createScript     = load("create")
	replaceScript    = load("replace")
	updateUserScript = load("updateuser", "login", "record", "grant")
	unlockScript     = load("unlock", "login", "sources", "attempts")
	deleteUserScript = load("deleteuser", "login", "record", "grant")
	claimScript      = load("claim")
	releaseScript    = load("release")
	limitScript      = load("limit")

	permissionsScript = load("permissions")
	unindexedScript   = load("unindexed", "record", "grant")
	orphansScript     = load("orphans")
)

// run runs a script within the store's timeout and gives its reply. All keys have one tag.
func (s *Store) run(ctx context.Context, script *goredis.Script, keys []string, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	reply, err := script.Run(ctx, s.rdb, keys, args...).Result()
	if errors.Is(err, goredis.Nil) {
		return nil, errReply
	}
	return reply, fault(err)
}

// confirm is run for what must not be lost in a failover: with Options.WaitReplicas it has the write confirmed, on the
// connection it was made on. An error does not say that nothing was written.
func (s *Store) confirm(ctx context.Context, script *goredis.Script, keys []string, args ...any) (any, error) {
	if s.opts.WaitReplicas == 0 {
		return s.run(ctx, script, keys, args...)
	}
	return s.waited(ctx, keys[0], func(ctx context.Context, p goredis.Pipeliner, whole bool) *goredis.Cmd {
		if whole {
			return script.Eval(ctx, p, keys, args...)
		}
		return script.EvalSha(ctx, p, keys, args...)
	})
}

// waited pipelines WAIT behind the command that put adds, on a connection to the key's master. A slot that moves is looked
// for again, for as long as there is time; a script that is not loaded there is sent as a whole.
//
// WAIT waits for all that the master has written before, so that a command which finds itself done, by a delivery that was
// not confirmed, is confirmed too.
func (s *Store) waited(
	ctx context.Context, key string, put func(ctx context.Context, p goredis.Pipeliner, whole bool) *goredis.Cmd,
) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	asked, slept := "", 0
	for whole := false; ; {
		master, err := s.master(ctx, key, asked)
		if err != nil {
			return nil, fault(err)
		}
		p := master.Pipeline()
		if asked != "" {
			p.Do(ctx, "asking")
		}
		cmd := put(ctx, p, whole)
		wait := p.Do(ctx, "wait", s.opts.WaitReplicas, s.opts.Timeout.Milliseconds()*2/3)
		if err := unsent(p.Exec(ctx)); err != nil {
			return nil, err
		}
		if err = cmd.Err(); err == nil {
			return s.confirmed(cmd, wait)
		}
		if goredis.HasErrorPrefix(err, "NOSCRIPT") && !whole {
			whole = true
			continue
		}
		var again bool
		if asked, again = s.movedAway(ctx, err, asked, slept); !again {
			return nil, fault(err)
		}
		if asked == "" {
			slept++
		}
	}
}

func (s *Store) confirmed(cmd, wait *goredis.Cmd) (any, error) {
	n, err := wait.Int()
	if err != nil {
		return nil, fault(err)
	}
	if n < s.opts.WaitReplicas {
		return nil, fmt.Errorf("%w: %d of %d replicas confirmed the write", storage.ErrUnavailable, n, s.opts.WaitReplicas)
	}
	return cmd.Val(), nil
}

// unsent is the error of a pipeline that go-redis gave to none of its commands, as when it could not connect: they look
// as if the server had answered with nothing.
func unsent(cmds []goredis.Cmder, err error) error {
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return nil //nolint:nilerr // each command has its own
		}
	}
	return fault(err)
}

// master is the client of the server that writes the key: in a cluster the one at the address, if any, that was asked for.
func (s *Store) master(ctx context.Context, key, asked string) (goredis.Cmdable, error) {
	cluster, ok := s.rdb.(*goredis.ClusterClient)
	if !ok {
		return s.rdb, nil
	}
	if asked != "" {
		all, err := eachMaster(ctx, cluster)
		for _, c := range all {
			if err == nil && c.Options().Addr == asked {
				return c, nil
			}
		}
	}
	return cluster.MasterForKey(ctx, key)
}

// movedAway reports whether a refusal in a cluster is worth another try: because the slot is served elsewhere now, and the
// map of slots is read again; or is on its way, and where to ask for this key. Who has not just asked elsewhere, and is told
// to, does so at once; all else sleeps, longer the more often it has.
func (s *Store) movedAway(ctx context.Context, err error, asked string, slept int) (next string, again bool) {
	cluster, ok := s.rdb.(*goredis.ClusterClient)
	if !ok {
		return "", false
	}
	addr, ask := goredis.IsAskError(err)
	if ask && asked == "" {
		return addr, ctx.Err() == nil
	}
	_, moved := goredis.IsMovedError(err)
	switch {
	case moved || goredis.IsReadOnlyError(err):
		cluster.ReloadState(ctx)
	case !ask && !goredis.IsTryAgainError(err):
		return "", false
	}
	select {
	case <-ctx.Done():
		return "", false
	case <-time.After(min(minBackoff<<min(slept, 16), maxBackoff)):
		return "", true
	}
}
