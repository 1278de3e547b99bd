package provider

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

const (
	// clientTTL bounds how long a change made by another process is not seen.
	clientTTL = time.Second
	// maxCached bounds the memory of the cache; beyond it clients are read from the store.
	maxCached = 10000
)

// Clients finds clients: the static one first, else the store's, which is remembered for a second. Safe for concurrent
// use.
type Clients struct {
	Store  storage.Clients
	Realms *atomic.Pointer[Realms]

	mu     sync.Mutex
	cached map[clientKey]cachedClient
}

type cachedClient struct {
	client *realm.Client
	until  time.Time
}

var _ ropc.ClientSource = (*Clients)(nil)

// Lookup implements ropc.ClientSource: storage.ErrNotFound for an unknown client; other errors are faults. A disabled
// client is found.
func (c *Clients) Lookup(ctx context.Context, realmKey, id string) (*realm.Client, error) {
	if static, ok := c.Realms.Load().Static(realmKey, id); ok {
		return static, nil
	}
	key := clientKey{realmKey, id}
	if client, ok := c.recall(key); ok {
		return client, nil
	}
	// The time counts from before the read: what is remembered was true at some moment of the last second.
	until := time.Now().Add(clientTTL)
	client, err := c.Store.Client(ctx, realmKey, id)
	if err != nil {
		return nil, err
	}
	c.remember(key, cachedClient{client, until})
	return client, nil
}

func (c *Clients) recall(key clientKey) (*realm.Client, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.cached[key]
	if ok && time.Now().After(e.until) {
		delete(c.cached, key)
		return nil, false
	}
	return e.client, ok
}

func (c *Clients) remember(key clientKey, e cachedClient) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cached == nil || len(c.cached) >= maxCached {
		c.cached = make(map[clientKey]cachedClient)
	}
	c.cached[key] = e
}

// Forget drops what is remembered of a client, after a change made by this process.
func (c *Clients) Forget(realmKey, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.cached, clientKey{realmKey, id})
}
