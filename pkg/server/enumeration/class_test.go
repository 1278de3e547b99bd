package enumeration_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
)

const (
	rightPassword = "correct horse; battery staple"
	wrongPassword = "correct horse; battery stable"
	// warmNames is how many names a warm class has.
	warmNames = 8
)

// class is one way to be refused.
type class struct {
	what     string // "wrong password"
	hash     string // of the owner, by name; empty: there is none
	warm     bool   // the names have been tried before
	delay    time.Duration
	realm    string
	password string
	owner    *realm.User // nil: the names belong to nobody
	locked   bool
	reason   string // of the audit log

	names []string // a cold class uses each once
	used  int
	freed int       // names whose lock the store had forgotten
	times []float64 // in milliseconds
}

func (c *class) String() string {
	text := strings.TrimSpace(c.what + " " + c.hash)
	if c.delay > 0 {
		text += fmt.Sprintf(" + %v", c.delay)
	}
	return text
}

// warmth is the column of a table.
func (c *class) warmth() string {
	if c.warm {
		return "warm"
	}
	return "cold"
}

// strangers are the classes of names that belong to nobody. The plants are answered later, on purpose.
func strangers(plants []time.Duration) (list []*class) {
	for _, warm := range []bool{false, true} {
		list = append(list,
			&class{what: "unknown", warm: warm, realm: neverLocks, password: rightPassword, reason: audit.UnknownUser},
			&class{what: "unknown, locked", warm: warm, realm: locksAtOnce, password: rightPassword, locked: true, reason: audit.Locked},
		)
		for _, d := range plants {
			list = append(list, &class{what: "unknown", warm: warm, delay: d, realm: neverLocks, password: rightPassword, reason: audit.UnknownUser})
		}
	}
	return list
}

// owners are the classes of owners with a hash of one kind. Who is refused for another reason types the right password.
func owners(kind, hash string) (list []*class) {
	base := realm.User{PasswordHash: hash, Enabled: true, Attributes: map[string]string{"mail": "somebody@example.org"}}
	off, old := base, base
	off.Enabled = false
	old.Expires = time.Now().Add(-time.Hour)
	for _, warm := range []bool{false, true} {
		list = append(list,
			&class{what: "wrong password", realm: neverLocks, password: wrongPassword, owner: &base, reason: audit.WrongPassword},
			&class{what: "locked", realm: locksAtOnce, password: rightPassword, owner: &base, locked: true, reason: audit.Locked},
			&class{what: "disabled", realm: neverLocks, password: rightPassword, owner: &off, reason: audit.Disabled},
			&class{what: "expired", realm: neverLocks, password: rightPassword, owner: &old, reason: audit.Expired},
		)
		for _, c := range list[len(list)-4:] {
			c.hash, c.warm = kind, warm
		}
	}
	return list
}

// withoutPassword are the classes of owners who can't log in with one.
func withoutPassword() (list []*class) {
	for _, warm := range []bool{false, true} {
		list = append(list, &class{
			what: "without password", warm: warm, realm: neverLocks, password: rightPassword, owner: &realm.User{Enabled: true},
			reason: audit.WrongPassword,
		})
	}
	return list
}

// imported is a hash of the right password as another system made it.
func imported(t testing.TB, h password.Hasher) string {
	t.Helper()
	return value(h.Hash([]byte(rightPassword)))(t)
}

// stock gives every class the names for so many more rounds. The store commits many at once.
func (w *world) stock(t testing.TB, classes []*class, rounds int) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	places := make(chan struct{}, 64)
	for _, c := range classes {
		for range c.missing(rounds) {
			name := fmt.Sprintf("user-%016x", rand.Uint64())
			c.names = append(c.names, name)
			places <- struct{}{}
			wg.Go(func() {
				err := w.admit(t.Context(), c, name)
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
				<-places
			})
		}
	}
	wg.Wait()
	must(t, failed)
}

func (c *class) missing(rounds int) int {
	if c.warm {
		return warmNames - len(c.names)
	}
	return c.used + rounds - len(c.names)
}

// admit makes a name one of the class.
func (w *world) admit(ctx context.Context, c *class, name string) error {
	if c.owner != nil {
		u := c.owner.Clone()
		u.Realm, u.ID, u.Username, u.Created = c.realm, "id-of-"+name, name, time.Now()
		if err := w.store.CreateUser(ctx, u); err != nil {
			return err
		}
	}
	if c.locked {
		return w.lock(ctx, name)
	}
	return nil
}

// refused reports whether a reason is that of the class. Accounts of strangers are few, so a store may have forgotten the
// lock of one for the sake of another: of one in ten at most.
func (c *class) refused(has func(reason string) bool) bool {
	if has(c.reason) {
		return true
	}
	if c.owner != nil || !c.locked || !has(audit.UnknownUser) {
		return false
	}
	c.freed++
	return c.freed <= 1+c.used/10
}

// next is the name of the next request.
func (c *class) next() string {
	name := c.names[c.used%len(c.names)]
	c.used++
	return name
}
