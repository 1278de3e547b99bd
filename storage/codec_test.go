package storage_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/storagetest"
)

// at is a moment as a store keeps it.
var at = time.UnixMilli(1_800_000_000_123).UTC()

func fullUser() *realm.User {
	return &realm.User{
		Realm: "/alpha", Username: "amelie", ID: "id-1", PasswordHash: "$h", Enabled: true, Expires: at, Created: at,
		Attributes: map[string]string{"mail": "a@example.org"}, Version: 5, Source: "directory", PasswordSet: at, Seed: []byte{0, 1, 0xff},
		Login: realm.Login{
			Failures: 1, Consecutive: 2, LastFailure: at, LockedUntil: at, Locks: 3, LastLogin: at, Logins: 4, CodeStep: 0x0102030405, CodeFailures: 6,
		},
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	for i, g := range grants() {
		for version, record := range [][]byte{storagetest.OldRecord(g), encoded(t, g)} {
			got, err := storage.DecodeGrant(g.ID, record)
			if d := cmp.Diff(g, got, cmpopts.EquateEmpty()); err != nil || d != "" {
				t.Errorf("grant %d, version %d: %v\n%s", i, version+1, err, d)
			}
		}
	}
	u := fullUser()
	record, err := storage.EncodeUser(u)
	if err != nil {
		t.Fatal(err)
	}
	back, err := storage.DecodeUser(u.Realm, u.Username, record)
	if d := cmp.Diff(u, back); err != nil || d != "" {
		t.Errorf("owner: %v\n%s", err, d)
	}
	login, err := storage.DecodeLogin(storage.EncodeLogin(u.Login))
	if d := cmp.Diff(u.Login, login); err != nil || d != "" {
		t.Errorf("account of attempts: %v\n%s", err, d)
	}
	if len(storage.EncodeLogin(u.Login)) != storage.LoginSize || !bytes.HasPrefix(record, storage.EncodeLogin(u.Login)) {
		t.Error("the account of attempts is not the head of the owner's record")
	}
}

// The bytes are a promise to scripts and to files that are there: a change of them is a new version of the format.
func TestOwnersRecordHasItsLayout(t *testing.T) {
	record, err := storage.EncodeUser(fullUser())
	if err != nil {
		t.Fatal(err)
	}
	const head = "02" + "00000001" + "00000002" + "01a3185c507b" + "01a3185c507b" + "03" + "01a3185c507b" + // attempts
		"00000004" + "000102030405" + "00000006" // logins, code step and wrong codes
	const administrative = "00000005" + "01a3185c507b" + // version and end
		"00062f616c706861" + "0006616d656c6965" + "000469642d31" + "01" + "00022468" + "01a3185c507b" +
		"0001" + "00046d61696c" + "000d61406578616d706c652e6f7267" + // attributes
		"00096469726563746f7279" + "01a3185c507b" + "00030001ff" // source, password set, seed
	if got := hex.EncodeToString(record[:storage.LoginSize]); got != head {
		t.Errorf("account of attempts:\n%s, want\n%s", got, head)
	}
	part, err := storage.EncodeAdministrative(fullUser())
	if err != nil || !bytes.Equal(part, record[storage.LoginSize:]) {
		t.Errorf("the administrative part is not the rest of the record: %v", err)
	}
	if got := hex.EncodeToString(part[:len(part)-4]); got != administrative {
		t.Errorf("administrative part:\n%s, want\n%s", got, administrative)
	}
}

func TestRecordOfAnOlderFormatIsDamaged(t *testing.T) {
	record, err := storage.EncodeUser(fullUser())
	if err != nil {
		t.Fatal(err)
	}
	record[0] = 1
	if _, err := storage.DecodeUser("/alpha", "amelie", record); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("owner: %v", err)
	}
	if _, err := storage.DecodeLogin(record); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("account of attempts: %v", err)
	}
}

func TestSeedIsBounded(t *testing.T) {
	u := fullUser()
	u.Seed = make([]byte, realm.MaxSeed)
	if _, err := storage.EncodeUser(u); err != nil {
		t.Error(err)
	}
	u.Seed = make([]byte, realm.MaxSeed+1)
	if _, err := storage.EncodeUser(u); err == nil {
		t.Error("a seed that is too long was encoded")
	}
}

func TestRecordOfAnotherKeyIsDamaged(t *testing.T) {
	g := fullGrant()
	other := g.ID
	other[5] ^= 1
	for _, record := range [][]byte{storagetest.OldRecord(g), encoded(t, g)} {
		if _, err := storage.DecodeGrant(other, record); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("another grant's record: %v", err)
		}
	}
	record, err := storage.EncodeUser(fullUser())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range [][2]string{{"/alpha", "bob"}, {"/beta", "amelie"}} {
		if _, err := storage.DecodeUser(key[0], key[1], record); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("another owner's record: %v", err)
		}
	}
}

func TestRecordCutShortIsDamaged(t *testing.T) {
	for _, grant := range [][]byte{storagetest.OldRecord(fullGrant()), encoded(t, fullGrant())} {
		for n := range grant {
			if _, err := storage.DecodeGrant(grantID(), grant[:n]); !errors.Is(err, storage.ErrDamaged) {
				t.Fatalf("%d of %d bytes of a grant: %v", n, len(grant), err)
			}
			if _, err := storage.DecodeGrant(grantID(), sealed(grantID(), grant[:n])); !errors.Is(err, storage.ErrDamaged) {
				t.Fatalf("%d of %d bytes of a grant, sealed: %v", n, len(grant), err)
			}
		}
	}
	user, err := storage.EncodeUser(fullUser())
	if err != nil {
		t.Fatal(err)
	}
	for n := range user {
		if _, err := storage.DecodeUser("/alpha", "amelie", user[:n]); !errors.Is(err, storage.ErrDamaged) {
			t.Fatalf("%d of %d bytes of an owner: %v", n, len(user), err)
		}
	}
}

func FuzzDecodeUser(f *testing.F) {
	full, err := storage.EncodeUser(fullUser())
	if err != nil {
		f.Fatal(err)
	}
	empty, err := storage.EncodeUser(&realm.User{Realm: "/alpha", Username: "amelie"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add(empty)
	f.Fuzz(func(t *testing.T, record []byte) {
		u, err := storage.DecodeUser("/alpha", "amelie", record)
		if err != nil {
			if !errors.Is(err, storage.ErrDamaged) {
				t.Fatalf("error %v", err)
			}
			return
		}
		b, err := storage.EncodeUser(u)
		if err != nil {
			t.Fatal(err)
		}
		again, err := storage.DecodeUser("/alpha", "amelie", b)
		if d := cmp.Diff(u, again, cmpopts.EquateEmpty()); err != nil || d != "" {
			t.Fatalf("what was decoded does not come back: %v\n%s", err, d)
		}
	})
}

func FuzzDecodeLogin(f *testing.F) {
	f.Add(storage.EncodeLogin(realm.Login{}))
	f.Add(storage.EncodeLogin(fullUser().Login))
	f.Fuzz(func(t *testing.T, record []byte) {
		l, err := storage.DecodeLogin(record)
		if err != nil {
			if !errors.Is(err, storage.ErrDamaged) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if got := storage.EncodeLogin(l); !bytes.Equal(got, record[:storage.LoginSize]) {
			t.Fatalf("encoded %x, decoded from %x", got, record)
		}
	})
}
