package bolt

import (
	"crypto/rand"
	"hash/maphash"
	"sync"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// shards is how many locks accounts share: Begin holds one while it reads.
const shards = 64

// reservations are the attempts under way. One stays until its outcome is on disk, so that at no moment an attempt is
// counted neither as under way nor as a failure.
type reservations struct {
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	sync.Mutex
	accounts map[account]map[[16]byte]*hold
}

// hold is one attempt under way.
type hold struct {
	until  time.Time
	policy realm.Lockout
	source storage.Source // whose account judged it; zero: the general one
	taken  bool           // settled by a change that is not on disk yet
}

func (r *reservations) init() {
	r.seed = maphash.MakeSeed()
	for i := range r.shards {
		r.shards[i].accounts = map[account]map[[16]byte]*hold{}
	}
}

func (r *reservations) shard(a account) *shard {
	return &r.shards[maphash.Comparable(r.seed, a)%shards]
}

// reserve adds an attempt. The caller has the lock.
func (sh *shard) reserve(a account, h *hold) (nonce [16]byte) {
	_, _ = rand.Read(nonce[:])
	if sh.accounts[a] == nil {
		sh.accounts[a] = map[[16]byte]*hold{}
	}
	sh.accounts[a][nonce] = h
	return nonce
}

// expired reports whether an attempt has outlived its hold. The caller has the lock.
func (sh *shard) expired(a account, now time.Time) bool {
	for _, h := range sh.accounts[a] {
		if !h.taken && !now.Before(h.until) {
			return true
		}
	}
	return false
}

// flying is how many attempts are under way that would be charged to an account of the list. The caller has the lock.
func (sh *shard) flying(who account, a *attempts, charged *realm.Login) (n int) {
	for _, h := range sh.accounts[who] {
		if a.of(h.source) == charged {
			n++
		}
	}
	return n
}

// remove forgets attempts. The caller has the lock.
func (sh *shard) remove(a account, nonces ...[16]byte) {
	for _, n := range nonces {
		delete(sh.accounts[a], n)
	}
	if len(sh.accounts[a]) == 0 {
		delete(sh.accounts, a)
	}
}

// giveBack forgets an attempt that nothing came of.
func (r *reservations) giveBack(a account, nonce [16]byte) {
	sh := r.shard(a)
	sh.Lock()
	defer sh.Unlock()
	if h := sh.accounts[a][nonce]; h != nil && !h.taken {
		sh.remove(a, nonce)
	}
}

// take lays hands on the attempts that match, for a change: they are gone once it is on disk, and there again if it
// fails.
func (r *reservations) take(t *tx, a account, match func(nonce [16]byte, h *hold) bool) (taken []*hold) {
	sh := r.shard(a)
	sh.Lock()
	defer sh.Unlock()
	var nonces [][16]byte
	for n, h := range sh.accounts[a] {
		if !h.taken && match(n, h) {
			h.taken = true
			nonces = append(nonces, n)
			taken = append(taken, h)
			t.onUndo(func() {
				sh.Lock()
				defer sh.Unlock()
				h.taken = false
			})
		}
	}
	if len(nonces) > 0 {
		t.onCommit(func() {
			sh.Lock()
			defer sh.Unlock()
			sh.remove(a, nonces...)
		})
	}
	return taken
}

// takeOne takes the attempt of that nonce, nil if it is not under way.
func (r *reservations) takeOne(t *tx, a account, nonce [16]byte) *hold {
	taken := r.take(t, a, func(n [16]byte, _ *hold) bool { return n == nonce })
	if len(taken) == 0 {
		return nil
	}
	return taken[0]
}

// drop forgets all attempts of an account, those that begin until the change is on disk too.
func (r *reservations) drop(t *tx, a account) {
	r.take(t, a, func([16]byte, *hold) bool { return true })
	t.onCommit(func() {
		sh := r.shard(a)
		sh.Lock()
		defer sh.Unlock()
		delete(sh.accounts, a)
	})
}

// stale lists the accounts with attempts that have outlived their hold.
func (r *reservations) stale(now time.Time) (out []account) {
	for i := range r.shards {
		sh := &r.shards[i]
		sh.Lock()
		for a := range sh.accounts {
			if sh.expired(a, now) {
				out = append(out, a)
			}
		}
		sh.Unlock()
	}
	return out
}
