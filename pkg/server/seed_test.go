package server_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

var seeded struct {
	sync.Mutex
	file []byte
}

// seed is the store's file as every world finds it: an owner "demo" in every realm; in /alpha and /beta also one that is
// disabled, expired, locked, and without a password, and two dynamic clients.
func seed(t testing.TB) []byte {
	t.Helper()
	seeded.Lock()
	defer seeded.Unlock()
	if seeded.file != nil {
		return seeded.file
	}
	path := filepath.Join(t.TempDir(), "seed.db")
	store := value(bolt.Open(path, bolt.Options{Now: func() time.Time { return start }}))(t)
	fill(t, store)
	must(t, store.Close())
	seeded.file = value(os.ReadFile(path))(t)
	return seeded.file
}

// fill puts what every world finds into a store.
func fill(t testing.TB, store storage.Store) {
	t.Helper()
	for _, r := range allRealms() {
		createUser(t, store, r.Path.Key(), "demo", nil)
	}
	for _, key := range []string{"/alpha", "/beta"} {
		createUser(t, store, key, "off", func(u *realm.User) { u.Enabled = false })
		createUser(t, store, key, "old", func(u *realm.User) { u.Expires = start.Add(-time.Second) })
		createUser(t, store, key, "nopass", func(u *realm.User) { u.PasswordHash = "" })
		createUser(t, store, key, "zoë", nil)
		createUser(t, store, key, "locked", nil)
		lock(t, store, key, "locked")
		createClients(t, store, key)
	}
}

func createUser(t testing.TB, s storage.Store, key, name string, change func(u *realm.User)) {
	t.Helper()
	u := &realm.User{
		Realm: key, ID: "id-of-" + name, Username: name, PasswordHash: slowHash(t, passwordOf(key)), Enabled: true,
		Attributes: map[string]string{"mail": name + "@example.org"}, Created: start,
	}
	if change != nil {
		change(u)
	}
	must(t, s.CreateUser(context.Background(), u))
}

// createClients makes a client with a generated secret and one with a chosen one.
func createClients(t testing.TB, s storage.Store, key string) {
	t.Helper()
	dynamic := confidential(key, "dynamic")
	chosen := with(key, "chosen", func(c *realm.Client) { c.SecretHash = slowHash(t, secretOf(key, "chosen")) })
	for _, c := range []*realm.Client{dynamic, chosen} {
		c.Static = false
		must(t, s.CreateClient(context.Background(), c))
	}
}

// lock fails until the owner is locked.
func lock(t testing.TB, s storage.Store, key, name string) {
	t.Helper()
	policy := declared(realm.Path(key)).Lockout
	for range policy.Threshold {
		begun, err := s.Begin(context.Background(), storage.Attempt{Realm: key, Username: name, Policy: policy, Hold: time.Minute})
		must(t, err)
		must(t, s.Finish(context.Background(), storage.Settlement{Reservation: begun.Reservation, Outcome: storage.Failure}))
	}
}

func slowHash(t testing.TB, plain string) string {
	t.Helper()
	set := value(password.NewSet(cheap))(t)
	return value(set.Hash(plain))(t)
}
