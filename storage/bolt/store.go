package bolt

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/ropcd/ropcd/storage"
)

// ErrLocked means that another process has the file open.
var ErrLocked = errors.New("the file is in use by another process")

// Options of a store. The zero value is usable.
type Options struct {
	Logger     *slog.Logger     // nil: slog.Default
	Now        func() time.Time // nil: time.Now
	SweepEvery time.Duration    // how often what has expired is deleted; 0: a minute

	// StrangersKey decides, so that nobody outside can tell, which account of attempts a name that belongs to nobody has.
	// If empty, it is a random one of this opening, and strangers' accounts begin anew with each.
	StrangersKey []byte
}

// Store is one open file.
type Store struct {
	db         *bbolt.DB
	log        *slog.Logger
	clock      func() time.Time
	sweepEvery time.Duration

	queue  chan *change
	closed chan struct{}
	wg     sync.WaitGroup
	commit func(*bbolt.Tx) error // (*bbolt.Tx).Commit, except in tests
	failed atomic.Bool           // the last commit failed
	file   *os.File              // bbolt's
	resync func() error          // see repair.go, except in tests

	held       reservations
	limits     limits
	ringKey    [32]byte
	sweeping   sync.Mutex
	epochMoved atomic.Bool // grants may be dead without having expired
}

var _ storage.Store = (*Store)(nil)

// Open opens the file, or makes it and its directory, readable by its owner only. [ErrLocked] when another process has
// it open, [ErrPages] when its pages are damaged, [storage.ErrDamaged] when it is no file of ours or of a newer format. A
// file of an older format is refused, and stays as it is. The caller closes the store.
func Open(path string, opts Options) (*Store, error) {
	s := newStore(opts)
	if err := s.start(path); err != nil {
		return nil, err
	}
	return s, nil
}

func newStore(opts Options) *Store {
	s := &Store{
		log: opts.Logger, clock: opts.Now, sweepEvery: opts.SweepEvery,
		queue: make(chan *change, maxBatch), closed: make(chan struct{}), commit: (*bbolt.Tx).Commit,
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.sweepEvery <= 0 {
		s.sweepEvery = time.Minute
	}
	s.resync = s.rewriteMeta
	s.held.init()
	s.limits.init()
	if len(opts.StrangersKey) > 0 {
		s.ringKey = sha256.Sum256(opts.StrangersKey)
	} else {
		_, _ = rand.Read(s.ringKey[:]) // never fails, see crypto/rand
	}
	s.epochMoved.Store(true) // what died before the start was perhaps not swept
	return s
}

func (s *Store) start(path string) error {
	if err := s.open(path); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	s.wg.Go(s.writer)
	s.wg.Go(s.sweeper)
	return nil
}

func (s *Store) open(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	_, err := os.Stat(path)
	isNew := errors.Is(err, os.ErrNotExist)
	if err := checkFile(path); err != nil {
		return err
	}
	// A process that was killed has let go of the lock at once, so there is nothing to wait for.
	s.db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: 60 * time.Millisecond, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
		InitialMmapSize: 64 << 20, NoStatistics: true, OpenFile: s.openFile,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", ErrPages, err)
	case err != nil:
		return err
	}
	err = s.restrict(path)
	if err == nil {
		err = s.resync()
	}
	if err == nil {
		err = s.db.Update(prepare)
	}
	if errors.Is(err, bolterrors.ErrIncompatibleValue) { // a record in the place of a bucket
		err = fmt.Errorf("%w: %w", ErrPages, err)
	}
	if err == nil && isNew {
		err = syncDir(dir)
	}
	if err != nil {
		_ = s.db.Close()
	}
	return err
}

// restrict takes away what others may do with a file that was there before.
func (s *Store) restrict(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	s.log.Warn("the database could be read by others; its mode is now 0600", "path", path, "mode", info.Mode().Perm().String())
	return os.Chmod(path, 0o600)
}

// syncDir makes the name of a new file durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openFile opens the file for bbolt, and keeps it for [Store.rewriteMeta].
func (s *Store) openFile(path string, flag int, mode os.FileMode) (f *os.File, err error) {
	s.file, err = os.OpenFile(path, flag, mode)
	return s.file, err
}

// Ready implements [storage.Store]. After a commit that failed (a full disk) it tries another one, so that the store
// recovers by itself.
func (s *Store) Ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	if !s.failed.Load() {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		t.put(metaBucket, []byte("probe"), nil)
		return nil
	})
}

// Close implements [storage.Store].
func (s *Store) Close() error {
	select {
	case <-s.closed:
		return nil
	default:
	}
	close(s.closed)
	s.wg.Wait()
	return s.db.Close()
}

// now is the store's clock, as exact as the store keeps times.
func (s *Store) now() time.Time { return storage.Trim(s.clock()) }

func unavailable(cause error) error { return fmt.Errorf("%w: %w", storage.ErrUnavailable, cause) }
