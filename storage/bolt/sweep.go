package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// sweepSize is how many grants one transaction of the sweeper deletes: few, so that nobody waits long behind it.
const sweepSize = 128

// sweeper deletes what nobody will ask for again, until the store is closed.
func (s *Store) sweeper() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-s.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(s.sweepEvery)
	defer tick.Stop()
	for {
		err := s.sweep(ctx)
		select {
		case <-s.closed:
			return
		default:
		}
		if err != nil {
			s.log.Warn("sweep", "error", err)
		}
		select {
		case <-tick.C:
		case <-s.closed:
			return
		}
	}
}

// sweep counts abandoned attempts, deletes dead grants, and forgets rate limits that nobody is near.
func (s *Store) sweep(ctx context.Context) error {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	s.limits.sweep(s.clock())
	var errs []error
	for _, who := range s.held.stale(s.now()) {
		errs = append(errs, s.countUnsettled(ctx, who))
	}
	errs = append(errs, s.sweepExpired(ctx))
	if s.epochMoved.Swap(false) {
		err := s.sweepEpochs(ctx)
		if err != nil {
			s.epochMoved.Store(true)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// sweepExpired deletes grants that have come to their end.
func (s *Store) sweepExpired(ctx context.Context) error {
	for {
		n := 0
		err := s.write(ctx, func(t *tx) error {
			n = t.deleteExpired()
			return nil
		})
		if err != nil || n < sweepSize {
			return err
		}
	}
}

func (t *tx) deleteExpired() (n int) {
	type dead struct {
		at, owner []byte
		id        storage.GrantID
	}
	var found []dead
	c := t.Bucket(endsBucket).Cursor()
	for k, owner := c.First(); len(k) == 8+len(storage.GrantID{}) && len(found) < sweepSize; k, owner = c.Next() {
		if binary.BigEndian.Uint64(k) > millis(t.now) {
			break
		}
		found = append(found, dead{bytes.Clone(k), bytes.Clone(owner), storage.GrantID(k[8:])})
	}
	for _, d := range found {
		t.deleteGrant(d.owner, d.id)
		t.delete(endsBucket, d.at) // also when the owner's index knew of another end
	}
	return len(found)
}

// sweepEpochs deletes grants whose client's or realm's epoch has moved on.
func (s *Store) sweepEpochs(ctx context.Context) error {
	for from := []byte{}; from != nil; {
		var ids []storage.GrantID
		err := s.read(ctx, func(t *tx) error {
			from = t.page(grantsBucket, nil, from, func(k, _ []byte) {
				if len(k) != len(storage.GrantID{}) {
					return
				}
				if _, err := t.grant(storage.GrantID(k)); errors.Is(err, storage.ErrNotFound) {
					ids = append(ids, storage.GrantID(k))
				}
			})
			return nil
		})
		if err == nil && len(ids) > 0 {
			err = s.write(ctx, func(t *tx) error {
				for _, id := range ids {
					t.deleteDead(id)
				}
				return nil
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteDead deletes a grant that was found dead; the dead don't come back, but their id may be gone already.
func (t *tx) deleteDead(id storage.GrantID) {
	v := t.get(grantsBucket, id[:])
	if v == nil {
		return
	}
	if g, err := storage.DecodeGrant(id, v); err == nil {
		t.deleteGrant(key(g.Realm, g.Username), id)
	}
}
