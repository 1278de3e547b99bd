package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ropcd/ropcd/storage/bolt"
	"github.com/ropcd/ropcd/storage/redis"
)

// startUp is from exec to the first token, in ms, with a hash in it.
func (b *bench) startUp(ctx context.Context) (took figure, idle figure, err error) {
	s, err := b.serve(ctx, setup{storage: boltAt("ropcd.db"), owners: 1})
	if err != nil {
		return unknown, unknown, err
	}
	s.stop()
	var starts, residents []figure
	for range b.rounds {
		if err := ctx.Err(); err != nil {
			return unknown, unknown, err
		}
		before := time.Now()
		again, err := b.start(s.dir, false)
		if err != nil {
			return unknown, unknown, err
		}
		all, _ := again.resident()
		residents = append(residents, all)
		_, err = tokens(again.addr, write(again.addr, realmURL+"access_token", backEnd, s.secrets[backEnd]), []int{0})
		starts = append(starts, since(before))
		again.stop()
		if err != nil {
			return unknown, unknown, err
		}
	}
	return median(starts), median(residents), nil
}

// processes are the goals of the process by itself. hash is what one takes, in ms.
func (b *bench) processes(ctx context.Context) (list []verdict, err error) {
	loop, err := startHashLoop(b.cores.server, "argon2id")
	if err != nil {
		return nil, err
	}
	raw, err := loop.run(b.hashing / 4)
	loop.kill()
	if err != nil {
		return nil, err
	}
	hash := millis(raw.quantile(0.5))
	took, idle, err := b.startUp(ctx)
	if err != nil {
		return nil, err
	}
	full, anonymous, err := b.fullBolt(ctx)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(b.binary)
	if err != nil {
		return nil, fmt.Errorf("measure the binary: %w", err)
	}
	return []verdict{
		atMost(100+hash, "ms").judge("start (exec) to first token", "100 ms plus one hash of "+hash.text(0)+" ms", took),
		atMost(30, "MiB").judge("resident memory, idle, bolt", "", mib(idle)),
		told(fmt.Sprintf("resident memory, bolt with %d grants", b.live), "anonymous: "+mib(anonymous).text(0)+" MiB", "MiB", mib(full)),
		atMost(25, "MiB").judge("the binary, stripped", "", mib(figure(info.Size()))),
	}, nil
}

// fullBolt is the memory of a server, all and without the pages of its file, on a file with grants, after some requests.
func (b *bench) fullBolt(ctx context.Context) (all, anonymous figure, err error) {
	path := filepath.Join(b.dir, "full.db")
	owners := b.live / 10
	store, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return unknown, unknown, err
	}
	f := filler{store: store, each: 10, parallel: 256}
	if err = f.owners(ctx, 0, owners); err == nil {
		err = f.grants(ctx, 0, owners)
	}
	if errClose := store.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return unknown, unknown, err
	}
	defer func() { _ = os.Remove(path) }()
	s, err := b.serve(ctx, setup{storage: boltAt(path), null: true})
	if err != nil {
		return unknown, unknown, err
	}
	defer s.stop()
	login := s.under(b.logins(s, b.connections, owners))
	defer login.close()
	if _, err := login.run(b.phase); err != nil {
		return unknown, unknown, err
	}
	all, anonymous = s.resident()
	return all, anonymous, nil
}

// memory is what a live grant takes of Redis.
func (b *bench) memory(ctx context.Context) (list []verdict, err error) {
	for _, row := range []struct {
		each int
		most figure
	}{{10, 400}, {1, 560}} {
		per, err := b.bytesPerGrant(ctx, row.each)
		if err != nil {
			return nil, err
		}
		list = append(list, atMost(row.most, "bytes").judge(fmt.Sprintf("Redis' memory per live grant, %d an owner", row.each), "", per))
	}
	return list, nil
}

func (b *bench) bytesPerGrant(ctx context.Context, each int) (figure, error) {
	r, err := startRedis(b.cores.redis)
	if err != nil {
		return unknown, err
	}
	defer r.close()
	store, err := openRedis(r)
	if err != nil {
		return unknown, err
	}
	defer func() { _ = store.Close() }()
	owners := b.live / each
	f := filler{store: store, each: each, parallel: 64}
	if err := f.owners(ctx, 0, owners+1); err != nil {
		return unknown, err
	}
	if err := f.grants(ctx, owners, owners+1); err != nil { // scripts, epochs
		return unknown, err
	}
	b.settle(ctx)
	before, err := r.used(ctx)
	if err != nil {
		return unknown, err
	}
	if err := f.grants(ctx, 0, owners); err != nil {
		return unknown, err
	}
	after, err := r.used(ctx)
	return (after - before) / figure(owners*each), err
}

// openRedis opens the store with more patience than by default, but not with so much that it would remember no epochs.
func openRedis(r *redisServer) (*redis.Store, error) {
	return redis.Open(redis.Options{Addrs: []string{r.addr}, Timeout: 500 * time.Millisecond})
}
