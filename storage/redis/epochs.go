package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/storage"
)

// maxEpochs is how many pairs of realm and client are remembered.
const maxEpochs = 4096

// pairOfEpochs is what a grant's own epochs are compared with.
type pairOfEpochs struct {
	realm, client uint32
	read          time.Time // before the question was sent
}

// dead reports whether a grant was ended by an epoch that moved on.
func (p pairOfEpochs) dead(g *storage.Grant) bool {
	return g.RealmEpoch < p.realm || g.ClientEpoch < p.client
}

// behind reports whether the grant knows of newer epochs.
func (p pairOfEpochs) behind(g *storage.Grant) bool {
	return g.RealmEpoch > p.realm || g.ClientEpoch > p.client
}

type realmClient struct{ realm, client string }

// epochs remembers what was read for so long that a call which relies on it is over a second after the reading.
type epochs struct {
	life time.Duration

	mu    sync.Mutex
	known map[realmClient]pairOfEpochs
	floor time.Time // what was asked before it may be older than an end of grants that this process has made
}

func newEpochs(timeout time.Duration) *epochs {
	return &epochs{life: max(time.Second-timeout, 0), known: map[realmClient]pairOfEpochs{}}
}

func (e *epochs) get(k realmClient) (pairOfEpochs, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.known[k]
	return p, ok && time.Since(p.read) < e.life
}

// some are epochs of a realm's clients that are remembered, no more than so many.
func (e *epochs) some(realmKey string, most int) map[string]uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]uint32{}
	for k, p := range e.known {
		if k.realm == realmKey && time.Since(p.read) < e.life {
			out[k.client] = p.client
		}
		if len(out) == most {
			break
		}
	}
	return out
}

func (e *epochs) put(k realmClient, p pairOfEpochs) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p.read.Before(e.known[k].read) || p.read.Before(e.floor) {
		return
	}
	if _, ok := e.known[k]; !ok && len(e.known) >= maxEpochs {
		for old := range e.known { // any one
			delete(e.known, old)
			break
		}
	}
	e.known[k] = p
}

// forget drops what is known of a realm's client, or of all of them.
func (e *epochs) forget(realmKey string, all bool, client string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.floor = time.Now()
	for k := range e.known {
		if k.realm == realmKey && (all || k.client == client) {
			delete(e.known, k)
		}
	}
}

// epochsOf are the epochs of a realm and one of its clients, from memory unless fresh.
func (s *Store) epochsOf(ctx context.Context, k realmClient, fresh bool) (pairOfEpochs, error) {
	if p, ok := s.epochs.get(k); ok && !fresh {
		return p, nil
	}
	all, err := s.readEpochs(ctx, []realmClient{k})
	return all[k], err
}

// readEpochs reads in one round trip. It does not use MGET, which takes a value of a wrong type for none.
func (s *Store) readEpochs(ctx context.Context, ks []realmClient) (map[realmClient]pairOfEpochs, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	read := time.Now()
	cmds := make([]*goredis.StringCmd, 0, 2*len(ks))
	err := unsent(s.rdb.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, k := range ks {
			cmds = append(cmds, p.Get(ctx, s.keys.realmEpoch(k.realm)), p.Get(ctx, s.keys.clientEpoch(k.realm, k.client)))
		}
		return nil
	}))
	if err != nil {
		return nil, err
	}
	out := make(map[realmClient]pairOfEpochs, len(ks))
	for i, k := range ks {
		realmEpoch, err := epoch(cmds[2*i])
		if err != nil {
			return nil, err
		}
		clientEpoch, err := epoch(cmds[2*i+1])
		if err != nil {
			return nil, err
		}
		out[k] = pairOfEpochs{realm: realmEpoch, client: clientEpoch, read: read}
		s.epochs.put(k, out[k])
	}
	return out, nil
}

// epoch is the number in a reply; one that is missing is 0.
func epoch(cmd *goredis.StringCmd) (uint32, error) {
	v, err := cmd.Result()
	if errors.Is(err, goredis.Nil) {
		return 0, nil
	}
	if err != nil {
		return 0, fault(err)
	}
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("epoch: %w", storage.ErrDamaged)
	}
	return uint32(n), nil
}

// alive reports whether no epoch has ended the grant. A remembered epoch that is behind the grant's is read again.
func (s *Store) alive(ctx context.Context, g *storage.Grant) (bool, error) {
	k := realmClient{g.Realm, g.ClientID}
	p, err := s.epochsOf(ctx, k, false)
	if err == nil && p.behind(g) && !p.dead(g) {
		p, err = s.epochsOf(ctx, k, true)
	}
	return err == nil && !p.dead(g), err
}

// advance moves an epoch on. Delivered twice it moves two steps, which ends the same grants.
func (s *Store) advance(ctx context.Context, key string) error {
	if s.opts.WaitReplicas > 0 {
		_, err := s.waited(ctx, key, func(ctx context.Context, p goredis.Pipeliner, _ bool) *goredis.Cmd {
			return p.Do(ctx, "incr", key)
		})
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	return fault(s.rdb.Incr(ctx, key).Err())
}

// EndClient ends all grants of a client: here at once, in other processes within a second.
func (s *Store) EndClient(ctx context.Context, realmKey, clientID string) error {
	err := s.advance(ctx, s.keys.clientEpoch(realmKey, clientID))
	s.epochs.forget(realmKey, false, clientID)
	return err
}

// EndRealm ends all grants of a realm: here at once, in other processes within a second.
func (s *Store) EndRealm(ctx context.Context, realmKey string) error {
	err := s.advance(ctx, s.keys.realmEpoch(realmKey))
	s.epochs.forget(realmKey, true, "")
	return err
}
