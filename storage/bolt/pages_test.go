package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// filled is a file with trees of more than one level, as bytes.
func filled(t *testing.T) []byte {
	t.Helper()
	path := file(t)
	s := open(t, path)
	for i := range 120 {
		addUser(t, s, fmt.Sprintf("amelie%03d", i)+strings.Repeat("x", i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := len(bytes.TrimRight(b, "\x00")) + os.Getpagesize()
	return b[:size-size%os.Getpagesize()] // without the room that it has for more
}

// openDamaged writes a file and opens it. What can't be used is said to be damaged.
func openDamaged(t *testing.T, b []byte) error {
	t.Helper()
	path := t.TempDir() + "/x.db"
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	examined(t, bolt.Examine(path))
	s, err := bolt.Open(path, bolt.Options{Logger: quiet})
	if err == nil {
		return s.Close()
	}
	if !errors.Is(err, bolt.ErrPages) || !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("open: %v", err)
	}
	return err
}

func TestNoDamageOfAFileEndsTheProcess(t *testing.T) {
	sound := filled(t)
	page := os.Getpagesize()
	if err := openDamaged(t, sound); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, page, 2 * page, 20000, len(sound) / 2} {
		if err := openDamaged(t, sound[:size]); err == nil {
			t.Errorf("a file of %d bytes was opened", size)
		}
	}
	seed := rand.Uint64()
	random, refused := rand.New(rand.NewPCG(seed, 0)), 0
	for range 200 {
		b := append([]byte{}, sound...)
		at := 2*page + random.IntN(len(b)-2*page)
		switch random.IntN(3) {
		case 0: // one byte where pages tell what they are
			at -= at%page - random.IntN(64)
			b[at] ^= byte(1 + random.IntN(255))
		case 1: // one page in the place of another
			from := 2*page + random.IntN(len(b)-2*page)
			copy(b[at-at%page:][:page], b[from-from%page:])
		case 2: // noise
			for i := at; i < min(len(b), at+page); i++ {
				b[i] = byte(random.Uint32())
			}
		}
		if openDamaged(t, b) != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Errorf("all were opened; seed %d", seed)
	}
}
