package provider

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/ropcd/ropcd/pkg/realm"
)

// verified remembers which secret was right for which hash, as a MAC under a key that dies with the process. So it knows
// nothing of a new hash, and a hash that is no longer asked about is as good as forgotten.
type verified struct {
	mu   sync.Mutex
	key  [32]byte
	seen map[[sha256.Size]byte]struct{}
}

// maxVerified bounds the memory; beyond it the next ones are verified anew.
const maxVerified = 1000

func newVerified() *verified {
	v := &verified{seen: map[[sha256.Size]byte]struct{}{}}
	_, _ = rand.Read(v.key[:]) // never fails, see crypto/rand
	return v
}

func (v *verified) mac(c *realm.Client, hash, secret string) [sha256.Size]byte {
	h := hmac.New(sha256.New, v.key[:])
	for _, part := range []string{c.Realm, c.ID, hash, secret} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (v *verified) has(c *realm.Client, hash, secret string) bool {
	m := v.mac(c, hash, secret)
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.seen[m]
	return ok
}

func (v *verified) add(c *realm.Client, hash, secret string) {
	m := v.mac(c, hash, secret)
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.seen) >= maxVerified {
		clear(v.seen)
	}
	v.seen[m] = struct{}{}
}
