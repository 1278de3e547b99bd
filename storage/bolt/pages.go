package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/ropcd/ropcd/storage"
)

// ErrPages means that the file is damaged so that it can't be opened, or is none of bbolt's. It is a
// [storage.ErrDamaged] too.
var ErrPages error = pagesError{}

type pagesError struct{}

func (pagesError) Error() string        { return "the file is damaged" }
func (pagesError) Is(target error) bool { return target == storage.ErrDamaged }

// checkFile looks at the pages of a file before it is opened to be written. One that is not there, or empty, is made anew.
func checkFile(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	db, file, err := openToLook(path)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.View(func(btx *bbolt.Tx) error { return checkPages(btx, file) })
}

// openToLook opens a file that no server uses, and gives it as it is on disk too. [ErrLocked] when one does.
func openToLook(path string) (db *bbolt.DB, file *os.File, err error) {
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		ReadOnly: true, Timeout: 60 * time.Millisecond,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	var outside *os.PathError
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, nil, ErrLocked
	case errors.As(err, &outside):
		return nil, nil, err
	case err != nil: // what stands in the file
		return nil, nil, fmt.Errorf("%w: %w", ErrPages, err)
	}
	return db, file, nil
}

// pages is a walk over the trees of a file, as they are on disk.
//
// bbolt maps the file and believes what it finds: where a page is damaged or missing it ends the process, partly on
// goroutines of its own, when it opens a file to write and in its check. So nothing of it may come upon a page that was
// not seen here.
type pages struct {
	file io.ReaderAt
	size int    // of a page
	seen []bool // by the number of the page
}

// The layout of bbolt's pages. Numbers are in the order of bytes of the machine.
const (
	pageHead   = 16 // number, kind, count of elements, count of further pages
	element    = 16
	bucketHead = 16

	branchPage, leafPage = 1, 2
	bucketElement        = 1
)

// checkPages looks at every page that leads to a record. The error is an [ErrPages], and says nothing of what is stored.
// Nothing may be committed meanwhile.
func checkPages(btx *bbolt.Tx, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < btx.Size() {
		return fmt.Errorf("%w: it was cut short, %d bytes of %d are there", ErrPages, info.Size(), btx.Size())
	}
	size := btx.DB().Info().PageSize
	p := &pages{file: file, size: size, seen: make([]bool, btx.Size()/int64(size))}
	_, err = p.tree(uint64(btx.Cursor().Bucket().Root()), nil, nil)
	return err
}

func broken(id uint64, what string) error {
	return fmt.Errorf("%w: page %d: %s", ErrPages, id, what)
}

// tree looks at a page and all below it, whose keys are from low and before high, if these are given. It returns the last.
func (p *pages) tree(id uint64, low, high []byte) (last []byte, err error) {
	page, err := p.read(id)
	if err != nil {
		return nil, err
	}
	branch := binary.NativeEndian.Uint16(page[8:]) == branchPage
	last = low
	for i := range elements(page) {
		e, ok := elementAt(page, i, branch)
		switch {
		case !ok:
			return nil, broken(id, "an element is outside of it")
		case bytes.Compare(last, e.key) > 0, i > 0 && bytes.Equal(last, e.key), high != nil && bytes.Compare(e.key, high) >= 0:
			return nil, broken(id, "its keys are out of order")
		case !branch:
			last, err = e.key, p.bucket(id, e)
		default:
			below := high
			if following, ok := elementAt(page, i+1, branch); ok && i+1 < elements(page) {
				below = following.key
			}
			last, err = p.tree(e.page, e.key, below)
		}
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

// read reads a page that was not met before, with those that belong to it.
func (p *pages) read(id uint64) ([]byte, error) {
	head := make([]byte, p.size)
	if id < 2 || id >= uint64(len(p.seen)) {
		return nil, broken(id, "there is none of this number")
	}
	if _, err := p.file.ReadAt(head, int64(id)*int64(p.size)); err != nil {
		return nil, fmt.Errorf("%w: page %d can't be read: %w", ErrPages, id, err)
	}
	kind, more := binary.NativeEndian.Uint16(head[8:]), uint64(binary.NativeEndian.Uint32(head[12:]))
	switch {
	case binary.NativeEndian.Uint64(head) != id:
		return nil, broken(id, "it has the number of another one")
	case kind != branchPage && kind != leafPage:
		return nil, broken(id, "it is of no kind that may stand here")
	case id+more >= uint64(len(p.seen)):
		return nil, broken(id, "it goes on behind the last one")
	}
	for i := id; i <= id+more; i++ {
		if p.seen[i] {
			return nil, broken(i, "two lead to it")
		}
		p.seen[i] = true
	}
	if more == 0 {
		return head, nil
	}
	page := make([]byte, (more+1)*uint64(p.size))
	if _, err := p.file.ReadAt(page, int64(id)*int64(p.size)); err != nil {
		return nil, fmt.Errorf("%w: page %d can't be read: %w", ErrPages, id, err)
	}
	return page, nil
}

// bucket looks into an element that is a bucket; a small one stands in its element.
func (p *pages) bucket(id uint64, e leaf) error {
	if !e.bucket {
		return nil
	}
	if len(e.value) < bucketHead {
		return broken(id, "a bucket in it was cut short")
	}
	if root := binary.NativeEndian.Uint64(e.value); root != 0 {
		_, err := p.tree(root, nil, nil)
		return err
	}
	page := e.value[bucketHead:]
	if len(page) < pageHead || binary.NativeEndian.Uint16(page[8:]) != leafPage {
		return broken(id, "a bucket in it was cut short")
	}
	for i := range elements(page) {
		if inner, ok := elementAt(page, i, false); !ok || inner.bucket {
			return broken(id, "an element of a bucket in it is outside of it")
		}
	}
	return nil
}

// leaf is one element of a page: of a branch, with the page it leads to.
type leaf struct {
	key, value []byte
	bucket     bool
	page       uint64
}

func elements(page []byte) int { return int(binary.NativeEndian.Uint16(page[10:])) }

// elementAt is the i-th element of a page; not ok when a part of it is outside.
func elementAt(page []byte, i int, branch bool) (e leaf, ok bool) {
	at := uint64(pageHead + i*element)
	if at+element > uint64(len(page)) {
		return leaf{}, false
	}
	word := func(n uint64) uint64 { return uint64(binary.NativeEndian.Uint32(page[at+n:])) }
	pos, keySize, valueSize := word(4), word(8), word(12)
	if branch {
		pos, keySize, valueSize = word(0), word(4), 0
		e.page = binary.NativeEndian.Uint64(page[at+8:])
	} else {
		e.bucket = word(0)&bucketElement != 0
	}
	from := at + pos
	if from+keySize+valueSize > uint64(len(page)) {
		return leaf{}, false
	}
	e.key, e.value = page[from:from+keySize], page[from+keySize:from+keySize+valueSize]
	return e, true
}
