package bolt_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// examined is what is found, by what was looked at.
func examined(t *testing.T, findings iter.Seq[storage.Finding]) map[string]storage.Finding {
	t.Helper()
	found := map[string]storage.Finding{}
	for f := range findings {
		found[f.Check] = f
		if f.Level != storage.LevelOK && f.Todo == "" {
			t.Errorf("%s: nothing is said about what to do", f.Check)
		}
		if said := f.Found + f.Todo; f.Check == "pages" && (strings.Contains(said, "amelie") || strings.Contains(said, hex.EncodeToString([]byte("amelie")))) {
			t.Errorf("a name is told: %v", f)
		}
	}
	return found
}

func expect(t *testing.T, found map[string]storage.Finding, check string, level storage.Level, text string) {
	t.Helper()
	if f := found[check]; f.Level != level || !strings.Contains(f.Found, text) {
		t.Errorf("%s: %+v, want %s and %q", check, f, level, text)
	}
}

func TestExamineFindsNothingWrongWithWhatTheStoreWrote(t *testing.T) {
	path := file(t)
	s := open(t, path)
	addUser(t, s, "amelie")
	r := begin(t, s, "amelie", realm.Lockout{}).Reservation
	if err := s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: newGrant(r, time.Minute)}); err != nil {
		t.Fatal(err)
	}
	sound := func(how string, findings iter.Seq[storage.Finding]) {
		found := examined(t, findings)
		for check, f := range found {
			if f.Level != storage.LevelOK {
				t.Errorf("%s, %s: %+v", how, check, f)
			}
		}
		for _, check := range []string{"pages", "permissions", "disk", "expired grants"} {
			expect(t, found, check, storage.LevelOK, "")
		}
		expect(t, found, "owners", storage.LevelOK, "1, all")
		expect(t, found, "grants", storage.LevelOK, "1, all")
	}
	sound("open", s.Examine(t.Context(), false))
	expect(t, examined(t, bolt.Examine(path)), "file", storage.LevelFail, "another process uses it")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sound("closed", bolt.Examine(path))
	after, err := os.ReadFile(path)
	if err != nil || string(before) != string(after) {
		t.Errorf("a look has changed the file; %v", err)
	}
}

func TestExamineFindsWhatIsWrong(t *testing.T) {
	path := file(t)
	expect(t, examined(t, bolt.Examine(path)), "file", storage.LevelWarn, "not there yet")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a look has made a file: %v", err)
	}
	s := open(t, path)
	addUser(t, s, "amelie")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, func(tx *bbolt.Tx) error {
		end := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-time.Hour).UnixMilli()))
		k, v := tx.Bucket([]byte("users")).Cursor().First()
		damaged := append([]byte{}, v...)
		damaged[len(damaged)-1] ^= 1
		return errors.Join(
			tx.Bucket([]byte("users")).Put(append([]byte{}, k...), damaged),
			tx.Bucket([]byte("clients")).Put([]byte("\x00\x06/alpha\x00\x01c"), []byte("nonsense")),
			tx.Bucket([]byte("grants")).Put([]byte("short"), nil),
			tx.Bucket([]byte("known")).Put([]byte("x"), []byte("nonsense")),
			tx.Bucket([]byte("ends")).Put(append(end, make([]byte, len(storage.GrantID{}))...), []byte("x")),
		)
	})
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	found := examined(t, bolt.Examine(path))
	for check, key := range map[string]string{"owners": `"/alpha amelie"`, "clients": `"/alpha c"`, "grants": "73686f7274", "known sources": "78"} {
		expect(t, found, check, storage.LevelFail, "1 of 1 are damaged ("+key+")")
	}
	expect(t, found, "permissions", storage.LevelWarn, "0640")
	expect(t, found, "expired grants", storage.LevelWarn, "1 have not been swept")
}

func TestExamineTellsNoKeysOfDamagedPages(t *testing.T) {
	path := file(t)
	s := open(t, path)
	for i := range 50 {
		addUser(t, s, fmt.Sprintf("amelie%02d", i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.ReplaceAll(b, []byte("amelie01"), []byte("amelie91")) // also in pages no longer in use
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, examined(t, bolt.Examine(path)), "pages", storage.LevelFail, "are out of order")
}

func TestExamineTellsNoKeysWhileTheStoreIsOpen(t *testing.T) {
	path := file(t)
	s := open(t, path)
	for i := range 50 {
		addUser(t, s, fmt.Sprintf("amelie%02d", i))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.File().WriteAt(bytes.ReplaceAll(b, []byte("amelie01"), []byte("amelie91")), 0); err != nil {
		t.Fatal(err)
	}
	expect(t, examined(t, s.Examine(t.Context(), false)), "pages", storage.LevelFail, ": its keys are out of order")
}

func TestExamineFindsDamagedFiles(t *testing.T) {
	path := file(t)
	s := open(t, path)
	for i := range 50 {
		addUser(t, s, "amelie"+strings.Repeat("x", i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := 0 // page of owners
	for page := os.Getpagesize(); page < len(b); page += os.Getpagesize() {
		if strings.Contains(string(b[page:page+os.Getpagesize()]), "amelie") {
			last = page
		}
	}
	b[last+8] ^= 0xff // what kind of a page it is
	broken := t.TempDir() + "/broken.db"
	if err := os.WriteFile(broken, b, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, examined(t, bolt.Examine(broken)), "pages", storage.LevelFail, "page")
	other := t.TempDir() + "/other.db"
	edit(t, other, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	expect(t, examined(t, bolt.Examine(other)), "file", storage.LevelFail, "no database of this version")

	text := t.TempDir() + "/text.db"
	if err := os.WriteFile(text, make([]byte, 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, examined(t, bolt.Examine(text)), "file", storage.LevelFail, "can't be opened")
}
