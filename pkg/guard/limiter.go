package guard

import (
	"context"
	"fmt"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// LimitError means that a rate limit refuses a request. Nothing was charged to anybody.
type LimitError struct {
	Layer storage.Layer
	Retry time.Duration // when there may be a place again
}

// Error implements error. It names no party.
func (e *LimitError) Error() string { return fmt.Sprintf("over the limit of the layer %s", e.Layer) }

// Limiter holds requests against the rate limits of their realm. An address is that of one end user: see [Network]; an
// empty one has no limit. Safe for concurrent use.
type Limiter struct {
	Limits storage.Limits
}

// Grant is a password grant that is about to be evaluated.
type Grant struct {
	ClientID string // that has authenticated with a secret; empty: a public one has no limits of its own
	Username string // canonical
	Address  string // of the end user; empty when it is that of a back end
}

// Address refuses, with a [LimitError], an address that has failed too often as far as this process knows. It asks
// nobody.
func (l *Limiter) Address(r *realm.Realm, address string) error {
	c, ok := failures(r, address)
	if !ok {
		return nil
	}
	return refusal(l.Limits.Known(c))
}

// Admit takes a place for a grant in every limit that it has, in one step: a [LimitError] when there is none, or a
// storage error as it is.
func (l *Limiter) Admit(ctx context.Context, r *realm.Realm, g Grant) error {
	var charges []storage.Charge
	if r.Limits.Client.On() && g.ClientID != "" {
		charges = append(charges, storage.Charge{
			Layer: storage.LayerClient, Realm: r.Path.Key(), Party: g.ClientID, Limit: r.Limits.Client,
		})
	}
	if r.Limits.UserClient.On() && g.ClientID != "" {
		charges = append(charges, storage.Charge{
			Layer: storage.LayerUserClient, Realm: r.Path.Key(), Party: g.ClientID, Username: g.Username, Limit: r.Limits.UserClient,
		})
	}
	if c, ok := failures(r, g.Address); ok {
		c.Mode = storage.Look
		charges = append(charges, c)
	}
	if len(charges) == 0 {
		return nil
	}
	v, err := l.Limits.Charge(ctx, charges...)
	if err != nil {
		return fmt.Errorf("charge limits: %w", err)
	}
	return refusal(v)
}

// Fail counts one failure of an address, also when the caller has gone. The error is one of storage.
func (l *Limiter) Fail(ctx context.Context, r *realm.Realm, address string) error {
	c, ok := failures(r, address)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	c.Mode = storage.Count
	if _, err := l.Limits.Charge(ctx, c); err != nil {
		return fmt.Errorf("charge limits: %w", err)
	}
	return nil
}

// failures is the limit of an address; false: there is none.
func failures(r *realm.Realm, address string) (storage.Charge, bool) {
	network := Network(address)
	if network == "" || !r.Limits.Address.On() {
		return storage.Charge{}, false
	}
	return storage.Charge{Layer: storage.LayerAddress, Realm: r.Path.Key(), Party: network, Limit: r.Limits.Address}, true
}

func refusal(v storage.Verdict) error {
	if !v.Refused() {
		return nil
	}
	return &LimitError{Layer: v.Over, Retry: v.Retry}
}
