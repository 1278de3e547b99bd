package enumeration_test

import (
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

var full = flag.Bool("full", false, "strict bounds, both stores and all hashes: takes minutes")

// form is how thoroughly to look.
type form struct {
	stores      []opener
	hashers     [][]password.Hasher // the configured one first, then those of imported hashes
	plants      []time.Duration
	first, last int // rounds at least and at most: twice as many until all is decided
	bound       func(median float64) float64
}

// opener opens an empty store.
type opener struct {
	name string
	open func(t testing.TB) storage.Store
}

// The cheapest hashes of each kind that take about a millisecond.
var (
	argon2id = password.Argon2id{Memory: 1024, Iterations: 1, Parallelism: 1}
	bcrypt   = password.Bcrypt{Cost: 4}
	scrypt   = password.Scrypt{LogN: 9, BlockSize: 8, Parallelism: 1}
	pbkdf2   = password.PBKDF2{Digest: "sha256", Iterations: 3000}
)

var (
	shortForm = form{
		stores:  []opener{{"bolt", openBolt}},
		hashers: [][]password.Hasher{{argon2id}},
		plants:  []time.Duration{3 * time.Millisecond},
		first:   30, last: 1920, bound: loose,
	}
	fullForm = form{
		stores:  []opener{{"bolt", openBolt}, {"redis", openRedis}},
		hashers: [][]password.Hasher{{argon2id, bcrypt, scrypt, pbkdf2}, {bcrypt}},
		plants:  []time.Duration{3 * time.Millisecond, 500 * time.Microsecond},
		first:   400, last: 1600, bound: strict,
	}
)

// TestAnswerTimeDoesNotTellWhetherAUserExists is the promise of SECURITY.md, with the difference that it admits in a
// table of its own.
func TestAnswerTimeDoesNotTellWhetherAUserExists(t *testing.T) {
	f := shortForm
	if *full {
		f = fullForm
	}
	fmt.Fprint(t.Output(), legend)
	for _, store := range f.stores {
		for _, hashers := range f.hashers {
			name := store.name + "/" + hashers[0].Name()
			t.Run(name, func(t *testing.T) {
				list := f.measure(t, store.open(t), hashers)
				table(t.Output(), name+" configured", list, promised, planted)
				table(t.Output(), name+" configured, hashes of an older kind: their time shows until the first login", list, known)
				for _, x := range list {
					if x.sort == promised && x.shift.differs(x.bound) {
						t.Errorf("the time tells %v from %v (%s): %+.3f ms", x.of, x.above, x.of.warmth(), x.shift.by)
					}
					if x.sort == planted && !x.found() {
						t.Errorf("%v (%s) was not found, so nothing is proved", x.of, x.of.warmth())
					}
				}
			})
		}
	}
}

// measure samples until every comparison is decided.
func (f *form) measure(t *testing.T, store storage.Store, hashers []password.Hasher) (list []comparison) {
	t.Helper()
	w := newWorld(t, store, hashers)
	current := hashers[0].Name()
	classes := append(strangers(f.plants), withoutPassword()...)
	classes = append(classes, owners(current, value(w.passwords.Hash(rightPassword))(t))...)
	for _, h := range hashers[1:] {
		classes = append(classes, owners(h.Name(), imported(t, h))...)
	}
	c := w.dial(t)
	for rounds := 0; rounds < f.last; {
		more := max(f.first, rounds)
		w.stock(t, classes, more)
		if rounds == 0 {
			c.warmUp(t, classes)
		}
		c.sample(t, classes, more)
		rounds += more
		list = compare(t, classes, current, f.bound)
		if allDecided(list) {
			break
		}
	}
	return list
}

func allDecided(list []comparison) bool {
	for i := range list {
		if !list[i].decided() {
			return false
		}
	}
	return true
}

func openBolt(t testing.TB) storage.Store {
	t.Helper()
	s := value(bolt.Open(filepath.Join(t.TempDir(), "ropcd.db"), bolt.Options{Logger: slog.New(slog.DiscardHandler)}))(t)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func openRedis(t testing.TB) storage.Store {
	t.Helper()
	s, err := redis.Open(redis.Options{
		Addrs: []string{redistest.Start(t).Addr()}, Timeout: patience, Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}
