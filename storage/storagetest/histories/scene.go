package histories

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	random "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// long is for what must not come to an end in a history.
const long = time.Hour

// scene is where a history takes place: a realm of its own, the store as several processes see it, and what was written
// down so far.
type scene struct {
	ctx    context.Context
	views  []storage.Store
	realm  string
	faults float64
	start  time.Time
	mark   uint32 // begins the nonces of its refreshes: no other history has them

	mu     sync.Mutex
	calls  []*call
	lost   int // replies that may still be lost
	failed error
}

func newScene(ctx context.Context, views []storage.Store, o Options) *scene {
	return &scene{
		ctx: ctx, views: views, realm: "/" + strings.ToLower(rand.Text()[:16]), faults: o.Faults, start: time.Now(), lost: maxLost,
		mark: random.Uint32(),
	}
}

// maxLost is how many replies of one history are lost on purpose: each doubles what has to be tried to explain it.
const maxLost = 6

// addUser adds an owner.
func (s *scene) addUser(name string) error {
	u := &realm.User{
		Realm: s.realm, ID: "id-" + name, Username: name, PasswordHash: "$hash", Enabled: true, Created: storage.Trim(time.Now()),
	}
	if err := s.views[0].CreateUser(s.ctx, u); err != nil {
		return fmt.Errorf("create an owner: %w", err)
	}
	return nil
}

// stop ends the history with an error.
func (s *scene) stop(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = errors.Join(s.failed, err)
}

func (s *scene) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed != nil || s.ctx.Err() != nil
}

// played is the history in the order of calls, or why there is none.
func (s *scene) played() ([]*call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil && s.ctx.Err() != nil {
		return nil, fmt.Errorf("play a history: %w", s.ctx.Err())
	}
	slices.SortFunc(s.calls, func(a, b *call) int { return int(a.called - b.called) })
	return s.calls, s.failed
}

// together lets callers act at once until all are done. Each has dice of its own.
func (s *scene) together(callers int, seed, history uint64, act func(a *actor)) {
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { act(&actor{scene: s, id: i, dice: random.New(random.NewPCG(seed, history<<16|uint64(i)))}) })
	}
	wg.Wait()
}

// actor is one caller.
type actor struct {
	*scene
	id   int
	dice *random.Rand
}

// once reports true once in n times.
func (a *actor) once(n int) bool { return a.dice.IntN(n) == 0 }

// do makes a call through any view, with or without a fault, and writes it down. f fills in the answer.
func (a *actor) do(c *call, f func(ctx context.Context, s storage.Store) error) answer {
	c.caller, c.view, c.fault = a.id, a.dice.IntN(len(a.views)), a.fault(c)
	c.called = time.Since(a.start).Nanoseconds()
	err := f(withFault(a.ctx, c.fault), a.views[c.view])
	c.returned = time.Since(a.start).Nanoseconds()
	bare, ok := sentinel(err)
	c.answer.err = bare
	switch {
	case !ok:
		a.stop(fmt.Errorf("%s: %w", c.kind, err))
	case bare == storage.ErrUnavailable: //nolint:errorlint // a sentinel
		c.answer, c.returned = answer{unknown: true}, pending
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, c)
	return c.answer
}

// fault is what goes wrong with a call that writes. A grace that may be over leaves open what an unheard call did, and an
// end of a client that nobody heard of would excuse whatever dies later.
func (a *actor) fault(c *call) Fault {
	reads := c.kind == look || c.kind == inspect || c.kind == inspectOwner || c.kind == list
	if reads || (c.grace > 0 && c.grace < long) || a.dice.Float64() >= a.faults {
		return None
	}
	if a.once(2) {
		return Twice
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lost == 0 || c.kind == endClient || c.kind == endRealm {
		return None
	}
	a.lost--
	return Lost
}

// begin asks for an attempt.
func (a *actor) begin(c *call, name string, p realm.Lockout, reserved func(c *call)) storage.Begun {
	var b storage.Begun
	c.kind = begin
	a.do(c, func(ctx context.Context, s storage.Store) (err error) {
		b, err = s.Begin(ctx, storage.Attempt{Realm: a.realm, Username: name, Policy: p, Hold: long})
		if err != nil {
			return err
		}
		if b.User == nil {
			return errors.New("the owner is gone")
		}
		c.answer = answer{standing: b.Standing, owner: viewOf(b.User), now: b.Reservation.Now}
		if b.Standing == storage.Reserved {
			reserved(c)
		}
		return nil
	})
	return b
}

// finish settles, and asks again, up to some times, while there is no reply. It reports the last answer.
func (a *actor) finish(c call, s storage.Settlement, tries int) (last answer) {
	c.kind, c.outcome = finish, s.Outcome
	if s.Reservation.User != nil {
		c.version = s.Reservation.User.Version
	}
	for range tries {
		again := c
		last = a.do(&again, func(ctx context.Context, st storage.Store) error { return st.Finish(ctx, s) })
		if !last.unknown {
			break
		}
	}
	return last
}

// renew refreshes. The numbers of requests are those of the whole history.
func (a *actor) renew(c *call, r storage.RefreshStep) answer {
	binary.BigEndian.PutUint32(r.Nonce[:], a.mark)
	binary.BigEndian.PutUint32(r.Nonce[4:], c.request)
	return a.do(c, func(ctx context.Context, s storage.Store) error {
		out, err := s.Refresh(ctx, r)
		c.answer = answer{outcome: out.Outcome, now: out.Now}
		if err == nil && out.Grant != nil {
			c.answer.generation, c.answer.seq, c.answer.refreshed = out.Grant.Generation, out.Grant.Seq, out.Grant.Refreshed
		}
		return err
	})
}

// newGrant is a grant for a reservation, with no effect on the store.
func newGrant(r storage.Reservation, client string) *storage.Grant {
	now := storage.Trim(r.Clock())
	id := storage.NewGrantID(r.Realm, r.Username)
	return &storage.Grant{
		ID: id, Realm: r.Realm, Username: r.Username, Subject: r.User.ID, ClientID: client, Scopes: []string{"read"},
		GrantType: "password", AuthTime: now, Seq: 1, HasRefresh: true, AccessExpires: now.Add(long),
		RefreshExpires: now.Add(24 * long), MaxExpires: now.Add(720 * long), KeepUntil: now.Add(24 * long),
		RefreshDigest: storage.DigestOf(append(id[:], 'r')), AccessDigest: storage.DigestOf(append(id[:], 'a')),
	}
}
