package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// These tests are not parallel: they change what holds for the whole process.

// disk is where a store lives, and can be broken and mended while the store is open.
type disk struct {
	path       string
	fail, mend func()
	takes      bool // some writes even then: those for which there is room
}

// limited is a disk that is full for this process: no write to a file gets through (RLIMIT_FSIZE).
func limited(t *testing.T) disk {
	t.Helper()
	var was syscall.Rlimit
	const fileSize = 1 // RLIMIT_FSIZE
	if err := syscall.Getrlimit(fileSize, &was); err != nil {
		t.Fatal(err)
	}
	limit := func(l syscall.Rlimit) {
		if err := syscall.Setrlimit(fileSize, &l); err != nil {
			t.Error(err)
		}
	}
	mend := func() { limit(was) }
	t.Cleanup(mend)
	return disk{path: file(t), fail: func() { limit(syscall.Rlimit{Cur: 0, Max: was.Max}) }, mend: mend}
}

// small is a file system of a megabyte, or ok is false: only root may make one.
func small(t *testing.T) (d disk, ok bool) {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		return disk{}, false
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	return disk{path: filepath.Join(dir, "ropcd.db"), takes: true, fail: func() {
		for size := 1 << 20; size > 0; size /= 2 {
			for {
				f, err := os.OpenFile(ballast, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				_, err = f.Write(make([]byte, size))
				_ = f.Close()
				if err != nil {
					break
				}
			}
		}
	}, mend: func() { _ = os.Remove(ballast) }}, true
}

// A disk without room: what is refused has not happened, what was acknowledged is still there, and nobody has to do
// anything when there is room again.
func TestAFullDiskIsSurvived(t *testing.T) {
	disks := map[string]disk{"limit": limited(t)}
	if d, ok := small(t); ok {
		disks["tmpfs"] = d
	} else {
		t.Log("no right to mount a small file system: the limit of file sizes stands for it")
	}
	for name, d := range disks {
		t.Run(name, func(t *testing.T) {
			s := open(t, d.path)
			d.survived(t, s)
		})
	}
}

// The sync of the data fails, and what was written is lost: the system calls go to where nothing is kept and nothing can
// be synced.
func TestAFailedSyncOfDataIsSurvived(t *testing.T) {
	path := file(t)
	s := open(t, path)
	lose, mend := loser(t, s)
	disk{path: path, fail: lose, mend: mend}.survived(t, s)
}

// loser gives what makes the open file of a store lose what is written to it, and fail to sync.
func loser(t *testing.T, s *bolt.Store) (lose, mend func()) {
	t.Helper()
	fd := int(s.File().Fd())
	own, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	point := func(at int) {
		if err := syscall.Dup3(at, fd, syscall.O_CLOEXEC); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { _, _ = syscall.Close(own), syscall.Close(null) })
	return func() { point(null) }, func() { point(own) }
}

// survived writes before, during and after faults.
func (d disk) survived(t *testing.T, s *bolt.Store) {
	t.Helper()
	var acknowledged []string
	for i := range 100 {
		acknowledged = append(acknowledged, fmt.Sprint("before-", i))
		addUser(t, s, acknowledged[i])
	}
	for round := range 3 {
		d.fail()
		taken, lost := d.refuses(t, s, round)
		acknowledged = append(acknowledged, taken...)
		there(t, s, acknowledged)
		d.mend()
		start := time.Now()
		until(t, "it is ready", func() bool { return s.Ready(t.Context()) == nil })
		t.Logf("%d writes were taken and %d refused; ready %v after the end of the fault", len(taken), len(lost), time.Since(start))
		for _, name := range lost {
			if _, err := s.UserByName(t.Context(), alpha, name); !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("a write that was refused: %v", err)
			}
		}
		name := fmt.Sprint("after-", round)
		addUser(t, s, name)
		login(t, s, name, time.Hour)
		acknowledged = append(acknowledged, name)
	}
	if err := s.Sound(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	there(t, open(t, d.path), acknowledged)
}

// refuses writes until some were refused, which must be faults. Unless the disk takes some, nothing else is taken either.
func (d disk) refuses(t *testing.T, s *bolt.Store, round int) (taken, lost []string) {
	t.Helper()
	until(t, "writes fail", func() bool {
		name := fmt.Sprintf("during-%d-%d", round, len(taken)+len(lost))
		err := s.CreateUser(t.Context(), &realm.User{Realm: alpha, Username: name, ID: "id-" + name, Enabled: true})
		switch {
		case err == nil:
			taken = append(taken, name)
			return false
		case !errors.Is(err, storage.ErrUnavailable):
			t.Errorf("create: %v", err)
		}
		lost = append(lost, name)
		return len(lost) == 5
	})
	_, begin := s.Begin(t.Context(), storage.Attempt{Realm: alpha, Username: "before-1", Policy: policy, Hold: time.Minute})
	for what, err := range map[string]error{"begin": begin, "unlock": s.UnlockUser(t.Context(), alpha, "before-1"), "ready": s.Ready(t.Context())} {
		if !errors.Is(err, storage.ErrUnavailable) && (!d.takes || err != nil) {
			t.Errorf("%s: %v", what, err)
		}
	}
	return taken, lost
}

func there(t *testing.T, s *bolt.Store, names []string) {
	t.Helper()
	for _, name := range names {
		if _, err := s.UserByName(t.Context(), alpha, name); err != nil {
			t.Errorf("an acknowledged owner: %v", err)
		}
	}
}

// platter is what the disk has of a file, which may be less than who reads the file sees: what was written before a sync
// that succeeded. bbolt writes pages, syncs, writes a meta page, syncs.
type platter struct {
	image   []byte
	pending []pages // written, and not synced for certain
	meta    int64   // where the meta pages end
}

type pages struct {
	at int64
	b  []byte
}

func (p *platter) write(b []byte, at int64) {
	if at < p.meta || p.startsTransaction() {
		p.sync()
	}
	p.pending = append(p.pending, pages{at, slices.Clone(b)})
}

// startsTransaction reports whether what waits is the meta page of the transaction before.
func (p *platter) startsTransaction() bool { return len(p.pending) == 1 && p.pending[0].at < p.meta }

func (p *platter) sync() {
	for _, w := range p.pending {
		if need := int(w.at) + len(w.b); need > len(p.image) {
			p.image = append(p.image, make([]byte, need-len(p.image))...)
		}
		copy(p.image[w.at:], w.b)
	}
	p.pending = nil
}

// The last sync of a commit fails: readers see what the disk has not. A power cut at any moment afterwards must not cost
// what was acknowledged.
func TestAFailedSyncOfTheMetaPageCostsNothing(t *testing.T) {
	path := file(t)
	s := open(t, path)
	for i := range 300 {
		addUser(t, s, fmt.Sprint("before-", i))
	}
	lose, mend := loser(t, s)
	p := &platter{meta: int64(2 * s.PageSize())}
	p.image = read(t, path)
	var failing bool
	var cut []byte // the disk before the first meta page behind the fault
	if err := s.OnResync(t.Context(), func(resync func() error) error {
		err := resync()
		if err == nil {
			copy(p.image, read(t, path)[:p.meta])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.OnWriteAt(t.Context(), func(write bolt.WriteAt, b []byte, at int64) (int, error) {
		p.write(b, at)
		n, err := write(b, at)
		switch {
		case at >= p.meta:
		case failing:
			p.pending = nil
			lose() // its sync fails
		case cut == nil:
			cut = slices.Clone(p.image)
		}
		return n, err
	}); err != nil {
		t.Fatal(err)
	}
	failing = true
	if err := s.CreateUser(t.Context(), &realm.User{Realm: alpha, Username: "unsure", ID: "id", Enabled: true}); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatalf("create: %v", err)
	}
	if err := s.Ready(context.Background()); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("ready: %v", err)
	}
	failing = false
	mend()
	until(t, "it is ready", func() bool { return s.Ready(t.Context()) == nil })
	addUser(t, s, "after")
	if err := s.Sound(); err != nil {
		t.Error(err)
	}
	survives(t, cut, "before the first meta page")
}

// survives expects 300 owners on a disk whose power was cut.
func survives(t *testing.T, disk []byte, when string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "survivor.db")
	if err := os.WriteFile(path, disk, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	for i := range 300 {
		there(t, s, []string{fmt.Sprint("before-", i)})
	}
	if err := s.Sound(); err != nil {
		t.Errorf("after a power cut %s: %v", when, err)
	}
}

// The same, when the process ends before it has written again: whoever opens the file sees what the disk has not.
func TestAFailedSyncBeforeARestartCostsNothing(t *testing.T) {
	path := file(t)
	s := open(t, path)
	for i := range 300 {
		addUser(t, s, fmt.Sprint("before-", i))
	}
	lose, mend := loser(t, s)
	p := &platter{meta: int64(2 * s.PageSize()), image: read(t, path)}
	if err := s.OnWriteAt(t.Context(), func(write bolt.WriteAt, b []byte, at int64) (int, error) {
		p.write(b, at)
		n, err := write(b, at)
		if at < p.meta {
			p.pending = nil
			lose() // its sync fails
		}
		return n, err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateUser(t.Context(), &realm.User{Realm: alpha, Username: "unsure", ID: "id", Enabled: true}); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatalf("create: %v", err)
	}
	mend()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var cuts [][]byte // the disk before each meta page
	next, err := bolt.OpenOn(path, bolt.Options{Logger: quiet}, func() { copy(p.image, read(t, path)[:p.meta]) },
		func(write bolt.WriteAt, b []byte, at int64) (int, error) {
			p.write(b, at)
			if at < p.meta {
				cuts = append(cuts, slices.Clone(p.image))
			}
			return write(b, at)
		})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		addUser(t, next, fmt.Sprint("after-", i))
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	if len(cuts) < 5 {
		t.Fatalf("%d commits were seen: the meta pages were not written again before the first of them", len(cuts))
	}
	for i, cut := range cuts {
		survives(t, cut, fmt.Sprint("at commit ", i))
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in time", what)
		}
	}
}
