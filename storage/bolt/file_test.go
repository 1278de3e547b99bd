package bolt_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

func TestFileIsForItsOwnerOnly(t *testing.T) {
	path := file(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o600, 0o664} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := open(t, path).Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, was %v", info.Mode().Perm(), mode)
		}
	}
}

func TestOpenRefusesWhatIsNotOurs(t *testing.T) {
	other := func(put func(*bbolt.Tx) error) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { edit(t, path, put) }
	}
	for name, prepare := range map[string]func(t *testing.T, path string){
		"text": func(t *testing.T, path string) {
			if err := os.WriteFile(path, make([]byte, 1<<16), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"another program's": other(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("theirs"))
			return err
		}),
		"a newer format": other(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucket([]byte("meta"))
			return errors.Join(err, b.Put([]byte("format"), []byte{3}))
		}),
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/x.db"
			prepare(t, path)
			if s, err := bolt.Open(path, bolt.Options{Logger: quiet}); !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("open: %v", err)
				if err == nil {
					_ = s.Close()
				}
			}
		})
	}
}

func TestOpenSaysThatAFileIsOfAnOlderVersion(t *testing.T) {
	path := file(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte{1}) })
	for range 2 {
		s, err := bolt.Open(path, bolt.Options{Logger: quiet})
		if err == nil {
			t.Fatal("opened", s.Close())
		}
		if !strings.Contains(err.Error(), "made by an older version") || errors.Is(err, storage.ErrDamaged) {
			t.Errorf("open: %v", err)
		}
	}
}

// edit changes a file behind the store's back.
func edit(t *testing.T, path string, f func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedRecordIsNeverTakenForAnother(t *testing.T) {
	// flip changes one byte of each record; swap gives each of two records to the other's key.
	flip := func(b *bbolt.Bucket) error {
		k, v := b.Cursor().First()
		v = append([]byte(nil), v...)
		v[len(v)-6] ^= 0x20
		return b.Put(k, v)
	}
	swap := func(b *bbolt.Bucket) error {
		k, v := b.Cursor().First()
		l, w := b.Cursor().Last()
		v, w = append([]byte(nil), v...), append([]byte(nil), w...)
		return errors.Join(b.Put(k, w), b.Put(l, v))
	}
	cut := func(b *bbolt.Bucket) error {
		k, v := b.Cursor().First()
		return b.Put(k, append([]byte(nil), v[:len(v)/2]...))
	}
	for name, damage := range map[string]func(*bbolt.Bucket) error{"flip": flip, "swap": swap, "cut": cut} {
		t.Run(name, func(t *testing.T) {
			path := file(t)
			s := open(t, path)
			addUser(t, s, "a")
			addUser(t, s, "b")
			grants := map[string]*storage.Grant{"a": login(t, s, "a", time.Hour), "b": login(t, s, "b", time.Hour)}
			for _, id := range []string{"a", "b"} {
				if err := s.CreateClient(t.Context(), &realm.Client{Realm: alpha, ID: id}); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			edit(t, path, func(tx *bbolt.Tx) error {
				return errors.Join(damage(tx.Bucket([]byte("users"))), damage(tx.Bucket([]byte("clients"))), damage(tx.Bucket([]byte("grants"))))
			})
			damaged(t, open(t, path), grants)
		})
	}
}

// damaged expects the first owner and client, and at least one grant, to be damaged for every method.
func damaged(t *testing.T, s *bolt.Store, grants map[string]*storage.Grant) {
	ctx := t.Context()
	is := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := s.UserByName(ctx, alpha, "a")
	is("UserByName", err)
	_, err = s.UserByID(ctx, alpha, "id-a")
	is("UserByID", err)
	_, err = s.Begin(ctx, storage.Attempt{Realm: alpha, Username: "a", Policy: policy, Hold: time.Minute})
	is("Begin", err)
	is("UnlockUser", s.UnlockUser(ctx, alpha, "a"))
	_, err = s.Client(ctx, alpha, "a")
	is("Client", err)
	n := 0
	for _, err := range s.Users(ctx, alpha) {
		if err != nil {
			is("Users", err)
			n++
		}
	}
	if n == 0 {
		t.Error("Users tells nothing")
	}
	n = 0
	for name, g := range grants {
		if _, err := s.Inspect(ctx, g.ID); err == nil {
			continue
		}
		n++
		_, err := s.InspectOwner(ctx, g.ID)
		is("InspectOwner", err)
		_, err = s.GrantsOf(ctx, alpha, name)
		is("GrantsOf", err)
		_, err = s.Refresh(ctx, storage.RefreshStep{ID: g.ID, Realm: alpha, Digest: g.RefreshDigest})
		is("Refresh", err)
		is("Revoke", s.Revoke(ctx, storage.Revocation{ID: g.ID, Realm: alpha, Digest: g.RefreshDigest, ClientID: g.ClientID}))
		if err := s.EndUser(ctx, alpha, name); err != nil {
			t.Errorf("what is damaged can still be ended: %v", err)
		}
		if _, err := s.Inspect(ctx, g.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("ended: %v", err)
		}
	}
	if n == 0 {
		t.Error("no grant is damaged")
	}
}

func TestDamagedOwnerCanBeDeletedAndMadeAnew(t *testing.T) {
	path := file(t)
	s := open(t, path)
	addUser(t, s, "amelie")
	addUser(t, s, "bob")
	r := begin(t, s, "amelie", realm.Lockout{}).Reservation
	g := newGrant(r, time.Minute)
	if err := s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("users")).Put([]byte("\x00\x06/alpha\x00\x06amelie"), []byte("garbage"))
	})
	s = open(t, path)
	ctx := t.Context()
	if _, err := s.UserByName(ctx, alpha, "amelie"); !errors.Is(err, storage.ErrDamaged) {
		t.Fatal(err)
	}
	if err := s.DeleteUser(ctx, alpha, "amelie"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Inspect(ctx, g.ID); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the grant: %v", err)
	}
	addUser(t, s, "amelie") // with the same id
	for _, name := range []string{"amelie", "bob"} {
		u, err := s.UserByName(ctx, alpha, name)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := s.UserByID(ctx, alpha, u.ID); err != nil || same.Username != name {
			t.Errorf("%s by id: %v", name, err)
		}
	}
}
