package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ropcd/ropcd/storage"
)

// maxBatch is how many changes one transaction holds at most.
const maxBatch = 512

var (
	errClosed = errors.New("store closed")
	errPanic  = errors.New("panic in a change")
)

// change is one atomic step on its way to the writer and back.
type change struct {
	ctx    context.Context
	do     func(t *tx) error
	answer error
	done   chan struct{}
}

func (c *change) end(answer error) {
	c.answer = answer
	close(c.done)
}

// write hands a change to the writer and waits until it is on disk. The error is the change's own answer, or is
// [storage.ErrUnavailable]: then the change has not happened, except when ctx ended while the writer had it, and when the
// very last sync of the commit failed: then it may have. What do captures belongs to the writer until write has returned
// nil.
func (s *Store) write(ctx context.Context, do func(t *tx) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	c := &change{ctx: ctx, do: do, done: make(chan struct{})}
	select {
	case s.queue <- c:
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-s.closed:
		return unavailable(errClosed)
	}
	select {
	case <-c.done:
		return c.answer
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

// writer commits what waits until the store is closed.
func (s *Store) writer() {
	for {
		select {
		case c := <-s.queue:
			s.process(s.gather(c))
		case <-s.closed:
			for {
				select {
				case c := <-s.queue:
					c.end(unavailable(errClosed))
				default:
					return
				}
			}
		}
	}
}

// gather takes all that waits, without waiting.
func (s *Store) gather(first *change) []*change {
	batch := []*change{first}
	for len(batch) < maxBatch {
		select {
		case c := <-s.queue:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// process runs and commits a batch. A change that panics is taken out, and the others run again without it.
func (s *Store) process(batch []*change) {
	for len(batch) > 0 {
		culprit, err := s.transact(batch)
		if culprit < 0 {
			s.settle(batch, err)
			return
		}
		batch[culprit].end(unavailable(err))
		batch = append(batch[:culprit], batch[culprit+1:]...)
	}
}

// settle tells callers how it went, and remembers whether the file takes writes.
func (s *Store) settle(batch []*change, err error) {
	if s.failed.Swap(err != nil) != (err != nil) {
		if err != nil {
			s.log.Error("commit failed", "error", err)
		} else {
			s.log.Info("commits succeed again")
		}
	}
	for _, c := range batch {
		if err != nil {
			c.answer = unavailable(err)
		}
		c.end(c.answer)
	}
}

// transact runs changes in one transaction and commits it. On an error nothing was acknowledged; culprit is the index of
// the change that panicked, or -1.
func (s *Store) transact(batch []*change) (culprit int, err error) {
	if s.failed.Load() {
		if err := s.resync(); err != nil {
			return -1, err
		}
	}
	btx, err := s.db.Begin(true)
	if err != nil {
		return -1, err
	}
	t := &tx{Tx: btx, now: s.now()}
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("panic while committing", "panic", r, "stack", string(debug.Stack()))
			culprit, err = -1, errPanic
		}
		if err != nil || !t.dirty {
			_ = btx.Rollback() // no effect after a commit
		}
		t.finish(err == nil)
	}()
	for i, c := range batch {
		if cause := c.ctx.Err(); cause != nil {
			c.answer = unavailable(cause)
			continue
		}
		if err := s.run(t, c); err != nil {
			return i, err
		}
		if t.fault != nil {
			return -1, t.fault
		}
	}
	if !t.dirty {
		return -1, nil
	}
	return -1, s.commit(btx)
}

// run calls a change, and turns a panic into an error.
func (s *Store) run(t *tx, c *change) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("panic in a change", "panic", r, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	c.answer = c.do(t)
	return nil
}

// read runs f in a transaction that only reads. A panic is bbolt's on a page that makes no sense.
func (s *Store) read(ctx context.Context, f func(t *tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("panic while reading", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: panic while reading", storage.ErrDamaged)
		}
	}()
	var answer error
	err = s.db.View(func(btx *bbolt.Tx) error {
		answer = f(&tx{Tx: btx, now: s.now()})
		return nil
	})
	if err != nil {
		return unavailable(err)
	}
	return answer
}

// tx is a transaction and the store's time in it. Faults of bbolt are collected: they fail the whole batch.
type tx struct {
	*bbolt.Tx
	now   time.Time
	dirty bool
	fault error

	committed, undone []func()
}

// get reads a value, nil if there is none. It is bbolt's memory: copy what outlives the transaction.
func (t *tx) get(bucket, key []byte) []byte { return t.Bucket(bucket).Get(key) }

func (t *tx) put(bucket, key, value []byte) {
	t.dirty = true
	if err := t.Bucket(bucket).Put(key, value); err != nil && t.fault == nil {
		t.fault = err
	}
}

func (t *tx) delete(bucket, key []byte) {
	t.dirty = true
	if err := t.Bucket(bucket).Delete(key); err != nil && t.fault == nil {
		t.fault = err
	}
}

// onCommit has f called once the changes are on disk, before anyone is told.
func (t *tx) onCommit(f func()) { t.committed = append(t.committed, f) }

// onUndo has f called when the changes did not happen after all.
func (t *tx) onUndo(f func()) { t.undone = append(t.undone, f) }

func (t *tx) finish(done bool) {
	calls := t.undone
	if done {
		calls = t.committed
	}
	for _, f := range calls {
		f()
	}
}
