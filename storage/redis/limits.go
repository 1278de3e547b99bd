package redis

import (
	"context"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/storage"
)

// giveBack takes a place back that another party's limit has made worthless.
const giveBack storage.Mode = storage.Count + 1

// limitNonce is how much of a nonce a limit keeps.
const limitNonce = 8

// party is what one run of the script decides: the charges of one party in one realm, whose keys have one tag.
type party struct {
	charges []storage.Charge
	ids     []limitID
	wait    time.Duration // for the charge "over"; 0: allowed
	over    int
}

// limitID names a limit as it is configured now.
type limitID struct {
	key  string
	rate guard.Rate
}

// Charge decides in one round trip, or in none when this process knows of a refusal that still holds. Each party's
// charges are one script; places of a party that were taken in vain are given back.
func (s *Store) Charge(ctx context.Context, charges ...storage.Charge) (storage.Verdict, error) {
	if err := ctx.Err(); err != nil {
		return storage.Verdict{}, fault(err)
	}
	parties, known := s.parties(charges)
	if known.Refused() || len(parties) == 0 {
		return known, nil
	}
	asked := time.Now()
	if err := s.decide(ctx, parties); err != nil {
		return storage.Verdict{}, err
	}
	var worst storage.Verdict
	for _, p := range parties {
		if p.wait > 0 {
			s.refusals.add(p.ids[p.over], asked.Add(p.wait))
			worst = worst.Worse(storage.Verdict{Over: p.charges[p.over].Layer, Retry: p.wait})
		}
	}
	if worst.Refused() {
		s.takeBack(ctx, parties)
	}
	return worst, nil
}

// Known implements [storage.Limits] from what this process was answered.
func (s *Store) Known(c storage.Charge) storage.Verdict {
	if !c.Limit.On() {
		return storage.Verdict{}
	}
	return s.known(c.Layer, s.limitID(c))
}

func (s *Store) known(layer storage.Layer, id limitID) storage.Verdict {
	if wait := s.refusals.wait(id); wait > 0 {
		return storage.Verdict{Over: layer, Retry: wait}
	}
	return storage.Verdict{}
}

func (s *Store) limitID(c storage.Charge) limitID {
	return limitID{s.keys.limit(s.opts.StrangersKey, c), guard.RateOf(c.Limit)}
}

// parties sorts charges by party. The verdict is what is known without asking; where something is to be counted, nothing.
func (s *Store) parties(charges []storage.Charge) (list []*party, known storage.Verdict) {
	counts := false
	byParty := map[[2]string]*party{}
	for _, c := range charges {
		if !c.Limit.On() {
			continue
		}
		p := byParty[[2]string{c.Realm, c.Party}]
		if p == nil {
			p = &party{}
			byParty[[2]string{c.Realm, c.Party}] = p
			list = append(list, p)
		}
		id := s.limitID(c)
		p.charges, p.ids = append(p.charges, c), append(p.ids, id)
		counts = counts || c.Mode == storage.Count
		known = known.Worse(s.known(c.Layer, id))
	}
	if counts {
		return list, storage.Verdict{}
	}
	return list, known
}

// takeBack gives back the places of parties that would have allowed a request. If that fails, they come back with time.
func (s *Store) takeBack(ctx context.Context, parties []*party) {
	var back []*party
	for _, p := range parties {
		b := &party{}
		for i, c := range p.charges {
			if c.Mode == storage.Take && p.wait == 0 {
				c.Mode = giveBack
				b.charges, b.ids = append(b.charges, c), append(b.ids, p.ids[i])
			}
		}
		if len(b.charges) > 0 {
			back = append(back, b)
		}
	}
	if len(back) > 0 {
		_ = s.decide(context.WithoutCancel(ctx), back)
	}
}

// decide runs the script for all parties in one round trip.
func (s *Store) decide(ctx context.Context, parties []*party) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	if len(parties) > 1 {
		return s.decideAll(ctx, parties)
	}
	reply, err := s.run(ctx, limitScript, parties[0].keys(), parties[0].args()...)
	if err != nil {
		return err
	}
	return parties[0].answer(reply)
}

// decideAll is decide for parties whose keys have several tags: a pipeline. Where the script is not loaded it is run again.
func (s *Store) decideAll(ctx context.Context, parties []*party) error {
	cmds, args := make([]*goredis.Cmd, len(parties)), make([][]any, len(parties))
	err := unsent(s.rdb.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
		for i, p := range parties {
			args[i] = p.args()
			cmds[i] = limitScript.EvalSha(ctx, pipe, p.keys(), args[i]...)
		}
		return nil
	}))
	if err != nil {
		return err
	}
	for i, p := range parties {
		reply, err := cmds[i].Result()
		if goredis.HasErrorPrefix(err, "NOSCRIPT") {
			reply, err = s.run(ctx, limitScript, p.keys(), args[i]...)
		}
		if err != nil {
			return fault(err)
		}
		if err := p.answer(reply); err != nil {
			return err
		}
	}
	return nil
}

func (p *party) keys() (keys []string) {
	for _, id := range p.ids {
		keys = append(keys, id.key)
	}
	return keys
}

func (p *party) args() []any {
	args := []any{freshNonce()[:limitNonce]}
	for i, id := range p.ids {
		args = append(args, id.rate.Interval.Microseconds(), id.rate.Room.Microseconds(), int(p.charges[i].Mode))
	}
	return args
}

// answer reads the script's reply.
func (p *party) answer(reply any) error {
	list, ok := reply.([]any)
	if !ok || len(list) != 2 {
		return errReply
	}
	over, ok := list[0].(int64)
	wait, ok2 := list[1].(int64)
	if !ok || !ok2 || over < 0 || over > int64(len(p.ids)) || wait < 0 || (over > 0) != (wait > 0) {
		return errReply
	}
	p.over, p.wait = max(int(over)-1, 0), time.Duration(wait)*time.Microsecond
	return nil
}

// maxRefusals is how many refusals are remembered.
const maxRefusals = 16384

// refusals remember until when a limit refuses at least.
type refusals struct {
	mu    sync.Mutex
	until map[limitID]time.Time
}

func (r *refusals) add(id limitID, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = map[limitID]time.Time{}
	}
	if _, ok := r.until[id]; !ok && len(r.until) >= maxRefusals {
		for other := range r.until { // any one
			delete(r.until, other)
			break
		}
	}
	if until.After(r.until[id]) {
		r.until[id] = until
	}
}

// wait is how long the limit refuses at least; 0 or less: it may not.
func (r *refusals) wait(id limitID) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, ok := r.until[id]
	if !ok {
		return 0
	}
	wait := time.Until(until)
	if wait <= 0 {
		delete(r.until, id)
	}
	return wait
}
