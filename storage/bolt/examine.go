package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ropcd/ropcd/storage"
)

var _ storage.Examiner = (*Store)(nil)

const (
	// maxChecked is how large a file may be for its pages to be checked while a server uses it: nothing is committed
	// meanwhile.
	maxChecked = 64 << 20
	// lowSpace is how many free bytes on its disk are too few.
	lowSpace = 256 << 20
	// maxUnswept is how long what has expired may stay; the sweeper comes each minute.
	maxUnswept = 10 * time.Minute
)

// restore is what to do about a file with damaged pages.
const restore = "stop the server, keep a copy of the file, and restore a backup"

// report takes one finding, and tells whether another one is wanted.
type report func(level storage.Level, check, found, todo string) bool

func reporting(yield func(storage.Finding) bool) report {
	over := false
	return func(level storage.Level, check, found, todo string) bool {
		over = over || !yield(storage.Finding{Level: level, Check: check, Found: found, Todo: todo})
		return !over
	}
}

// Examine implements [storage.Examiner]. There is nothing to repair: the sweeper does it. Pages are checked while nothing
// is committed, so that those of a large file are not; [Examine] checks them when no server runs.
func (s *Store) Examine(ctx context.Context, _ bool) iter.Seq[storage.Finding] {
	return func(yield func(storage.Finding) bool) {
		tell := reporting(yield)
		if !examineFile(s.db.Path(), tell) || !s.pages(tell) {
			return
		}
		examineRecords(func(f func(*tx) error) error { return s.read(ctx, f) }, tell)
	}
}

func (s *Store) pages(tell report) bool {
	info, err := os.Stat(s.db.Path())
	if err == nil && info.Size() > maxChecked {
		return tell(storage.LevelOK, "pages", "not checked: the file is large, and a server uses it", "stop the server and run ropcd doctor again")
	}
	btx, err := s.db.Begin(true) // a reader would see pages that are freed meanwhile
	if err != nil {
		return tell(storage.LevelFail, "pages", "could not be checked: "+err.Error(), "see whether the disk is well")
	}
	defer func() { _ = btx.Rollback() }()
	return examinePages(btx, s.file, tell)
}

// Examine looks at the file of a store that no server uses, as [Store.Examine] does, and changes nothing.
func Examine(path string) iter.Seq[storage.Finding] {
	return func(yield func(storage.Finding) bool) {
		tell := reporting(yield)
		if !examineFile(path, tell) {
			return
		}
		db, file, err := openToLook(path)
		switch {
		case errors.Is(err, ErrLocked):
			tell(storage.LevelFail, "file", "another process uses it", "if that is a server, give ropcd doctor the configuration or --admin of it")
			return
		case err != nil:
			tell(storage.LevelFail, "file", "can't be opened: "+err.Error(), "restore it from a backup")
			return
		}
		defer func() { _ = db.Close() }()
		err = db.View(func(btx *bbolt.Tx) error {
			if examinePages(btx, file, tell) && ours(btx, tell) {
				examineRecords(func(f func(*tx) error) error { return f(&tx{Tx: btx, now: time.Now()}) }, tell)
			}
			return nil
		})
		if err != nil {
			tell(storage.LevelFail, "file", "can't be read: "+err.Error(), "restore it from a backup")
		}
	}
}

// examineFile looks at the file from outside, and tells whether there is one to look into.
func examineFile(path string, tell report) bool {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		tell(storage.LevelWarn, "file", "is not there yet", "start the server, or correct storage.bolt.path")
		return false
	case err != nil:
		tell(storage.LevelFail, "file", "can't be looked at: "+err.Error(), "correct storage.bolt.path, or run ropcd doctor as the server's user")
		return false
	case info.Mode().Perm()&0o077 != 0:
		if !tell(storage.LevelWarn, "permissions", fmt.Sprintf("others may open the file (mode %04o)", info.Mode().Perm()), "chmod 0600 "+path) {
			return false
		}
	case !tell(storage.LevelOK, "permissions", "only its owner may open the file", ""):
		return false
	}
	free, err := freeSpace(path)
	if err != nil {
		return tell(storage.LevelOK, "disk", "its space can't be read here", "")
	}
	found := fmt.Sprintf("%d MiB are free, the file has %d", free>>20, info.Size()>>20)
	if free < lowSpace {
		return tell(storage.LevelWarn, "disk", found, "make room: a full disk stops all logins")
	}
	return tell(storage.LevelOK, "disk", found, "")
}

// ours tells whether the file has all buckets.
func ours(btx *bbolt.Tx, tell report) bool {
	for _, name := range buckets {
		if btx.Bucket(name) == nil {
			tell(storage.LevelFail, "file", "is no database of this version of ropcd", "correct storage.bolt.path")
			return false
		}
	}
	return true
}

// page is where bbolt's texts name one.
var page = regexp.MustCompile(`page[ (]+(\d+)`)

// examinePages runs bbolt's own check, once nothing is left at which it would end the process. It tells whether the pages
// can be used. The check's texts have keys in them, and thus user names: only the page is told.
func examinePages(btx *bbolt.Tx, file *os.File, tell report) bool {
	if err := checkPages(btx, file); err != nil {
		tell(storage.LevelFail, "pages", err.Error(), restore)
		return false
	}
	n, first := 0, error(nil)
	for err := range btx.Check() {
		if n++; first == nil {
			first = err
		}
	}
	if n > 0 {
		found := fmt.Sprintf("%d faults", n)
		if at := page.FindStringSubmatch(first.Error()); at != nil {
			found += ", the first in page " + at[1]
		}
		return tell(storage.LevelFail, "pages", found, restore)
	}
	return tell(storage.LevelOK, "pages", "consistent", "")
}

// examineRecords decodes all there is, a page of records at a time.
func examineRecords(read func(func(*tx) error) error, tell report) {
	for _, b := range []struct {
		bucket []byte
		name   string
		decode func(k, v []byte) error
	}{
		{usersBucket, "owners", decodeOwner},
		{clientsBucket, "clients", func(k, v []byte) error {
			realmKey, id, ok := parts(k)
			_, err := decodeClient(realmKey, id, v)
			return ifKnown(ok, err)
		}},
		{grantsBucket, "grants", func(k, v []byte) error {
			if len(k) != len(storage.GrantID{}) {
				return storage.ErrDamaged
			}
			_, err := storage.DecodeGrant(storage.GrantID(k), v)
			return err
		}},
		{knownBucket, "known sources", func(_, v []byte) error { _, err := storage.DecodeSources(v); return err }},
	} {
		n, damaged := 0, 0
		var examples []string
		for from := []byte{}; from != nil; {
			err := read(func(t *tx) error {
				from = t.page(b.bucket, nil, from, func(k, v []byte) {
					if n++; b.decode(k, v) == nil {
						return
					}
					if damaged++; damaged <= maxExamples {
						examples = append(examples, readable(k))
					}
				})
				return nil
			})
			if err != nil {
				tell(storage.LevelFail, b.name, "can't be read: "+err.Error(), "see whether the disk is well")
				return
			}
		}
		level, found, todo := storage.LevelOK, fmt.Sprintf("%d, all can be read", n), ""
		if damaged > 0 {
			level, found = storage.LevelFail, fmt.Sprintf("%d of %d are damaged (%s)", damaged, n, strings.Join(examples, " "))
			todo = "restore them from a backup, or delete and make them anew"
		}
		if !tell(level, b.name, found, todo) {
			return
		}
	}
	unswept(read, tell)
}

// maxExamples is how many damaged records of a kind are named.
const maxExamples = 3

// readable is a key for people: realm and name where it has these, else its bytes.
func readable(k []byte) string {
	if realmKey, name, ok := parts(k); ok {
		return strconv.Quote(realmKey + " " + name)
	}
	return fmt.Sprintf("%x", k)
}

// decodeOwner checks an owner's record. One whose name is too long to stand in its key is not.
func decodeOwner(k, v []byte) error {
	realmKey, name, ok := parts(k)
	_, err := storage.DecodeUser(realmKey, name, v)
	return ifKnown(ok, err)
}

func ifKnown(ok bool, err error) error {
	if !ok {
		return nil
	}
	return err
}

// parts are the two parts of a key; not ok when one was too long to be kept.
func parts(k []byte) (realmKey, name string, ok bool) {
	if len(k) < 2 {
		return "", "", false
	}
	n := int(binary.BigEndian.Uint16(k))
	if n > maxPart || len(k) < 2+n {
		return "", "", false
	}
	realmKey = string(k[2 : 2+n])
	name, err := lastPart(k, realmKey)
	return realmKey, name, err == nil
}

// unswept counts the grants whose end has come long ago.
func unswept(read func(func(*tx) error) error, tell report) {
	n := 0
	err := read(func(t *tx) error {
		c := t.Bucket(endsBucket).Cursor()
		for k, _ := c.First(); len(k) == 8+len(storage.GrantID{}); k, _ = c.Next() {
			if binary.BigEndian.Uint64(k) > millis(t.now.Add(-maxUnswept)) {
				break
			}
			n++
		}
		return nil
	})
	switch {
	case err != nil:
		tell(storage.LevelFail, "expired grants", "can't be read: "+err.Error(), "see whether the disk is well")
	case n > 0:
		tell(storage.LevelWarn, "expired grants", fmt.Sprintf("%d have not been swept", n), "run the server for some minutes; if it does, see its log for \"sweep\"")
	default:
		tell(storage.LevelOK, "expired grants", "all are swept", "")
	}
}
