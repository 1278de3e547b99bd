package bolt

import (
	"context"
	"errors"
	"os"
	"reflect"
	"unsafe"

	"go.etcd.io/bbolt"

	"github.com/ropcd/ropcd/storage"
)

// OnCommit replaces what the writer does to commit; f gets the real thing. A nil f puts that back.
func (s *Store) OnCommit(ctx context.Context, f func(commit func() error) error) error {
	return s.write(ctx, func(*tx) error {
		s.commit = (*bbolt.Tx).Commit
		if f != nil {
			s.commit = func(btx *bbolt.Tx) error { return f(btx.Commit) }
		}
		return nil
	})
}

// OnWritten has f told what each commit has written, from now on.
func (s *Store) OnWritten(ctx context.Context, f func(pages, bytes int64)) error {
	return s.write(ctx, func(*tx) error {
		s.commit = func(btx *bbolt.Tx) error {
			err := btx.Commit()
			stats := btx.Stats()
			f(stats.GetWrite(), stats.GetPageAlloc())
			return err
		}
		return nil
	})
}

// File is the file under the store.
func (s *Store) File() *os.File { return s.file }

// OnResync replaces what the writer does after a commit that failed; f gets the real thing.
func (s *Store) OnResync(ctx context.Context, f func(resync func() error) error) error {
	return s.write(ctx, func(*tx) error {
		s.resync = func() error { return f(s.rewriteMeta) }
		return nil
	})
}

// WriteAt writes to a file.
type WriteAt = func(b []byte, at int64) (int, error)

// OnWriteAt replaces how bbolt writes pages, by its own seam for tests; f gets the real thing.
func (s *Store) OnWriteAt(ctx context.Context, f func(write WriteAt, b []byte, at int64) (int, error)) error {
	return s.write(ctx, func(*tx) error {
		s.onWriteAt(f)
		return nil
	})
}

func (s *Store) onWriteAt(f func(write WriteAt, b []byte, at int64) (int, error)) {
	seam := reflect.ValueOf(s.db).Elem().FieldByName("ops").FieldByName("writeAt")
	writeAt := (*WriteAt)(unsafe.Pointer(seam.UnsafeAddr()))
	write := *writeAt
	*writeAt = func(b []byte, at int64) (int, error) { return f(write, b, at) }
}

// OpenOn is Open, with resynced told when the meta pages were written again, and writeAt in the place of how bbolt writes
// from then on.
func OpenOn(path string, opts Options, resynced func(), writeAt func(write WriteAt, b []byte, at int64) (int, error)) (*Store, error) {
	s := newStore(opts)
	s.resync = func() error {
		err := s.rewriteMeta()
		if err == nil {
			resynced()
		}
		s.onWriteAt(writeAt)
		s.resync = s.rewriteMeta
		return err
	}
	return s, s.start(path)
}

// PageSize is that of the file.
func (s *Store) PageSize() int { return s.db.Info().PageSize }

// Sound is nil when bbolt finds nothing wrong with the whole file.
func (s *Store) Sound() (err error) {
	_ = s.db.View(func(btx *bbolt.Tx) error {
		for fault := range btx.Check() {
			err = errors.Join(err, fault)
		}
		return nil
	})
	return err
}

// Change runs f in the writer, between two puts.
func (s *Store) Change(ctx context.Context, name string, f func()) error {
	return s.write(ctx, func(t *tx) error {
		t.put(metaBucket, []byte(name), []byte{1})
		f()
		t.put(metaBucket, []byte(name), []byte{2})
		return nil
	})
}

// Changed is what Change has put.
func (s *Store) Changed(ctx context.Context, name string) (v []byte) {
	_ = s.read(ctx, func(t *tx) error {
		v = append(v, t.get(metaBucket, []byte(name))...)
		return nil
	})
	return v
}

// SetGrant replaces the record of a grant.
func (s *Store) SetGrant(ctx context.Context, id storage.GrantID, record []byte) error {
	return s.write(ctx, func(t *tx) error {
		t.put(grantsBucket, id[:], record)
		return nil
	})
}

// Queued is how many changes wait for the writer.
func (s *Store) Queued() int { return len(s.queue) }

// Sweep does what the sweeper does every now and then.
func (s *Store) Sweep(ctx context.Context) error { return s.sweep(ctx) }

// Count is how many records a bucket has.
func (s *Store) Count(bucket string) (n int) {
	_ = s.db.View(func(btx *bbolt.Tx) error {
		return btx.Bucket([]byte(bucket)).ForEach(func(_, _ []byte) error {
			n++
			return nil
		})
	})
	return n
}

// Held is how many accounts have attempts under way.
func (s *Store) Held() (n int) {
	for i := range s.held.shards {
		sh := &s.held.shards[i]
		sh.Lock()
		n += len(sh.accounts)
		sh.Unlock()
	}
	return n
}

// RememberParties sets how many parties a layer of limits remembers.
func (s *Store) RememberParties(n int) { s.limits.most = n }

// Limited is how many parties have taken places.
func (s *Store) Limited() (n int) {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	for _, p := range s.limits.layers {
		n += len(p.byID)
	}
	return n
}
