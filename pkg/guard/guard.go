package guard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// ErrBusy means that there is no room for one more login now, or that its turn did not come in time. Nothing was
// charged to anybody; asking again later is right.
var ErrBusy = errors.New("no room for one more login")

// errNotYet means that other attempts on the same name have to be settled first.
var errNotYet = errors.New("not its turn yet")

// DefaultHold is how long an attempt may stay unsettled before it counts as a failure: well above the deadline of a
// request.
const DefaultHold = 30 * time.Second

const (
	firstWait = 2 * time.Millisecond
	longWait  = 25 * time.Millisecond
)

// Guard lets attempts to log in pass in turn. Safe for concurrent use.
type Guard struct {
	Logins storage.Logins
	Pool   *password.Pool
	Hold   time.Duration // 0: DefaultHold
}

// Entry is who wants to log in where.
type Entry struct {
	Client   string // whose share of the hashing pool is used
	Realm    string // the realm's key
	Username string // canonical
	Policy   realm.Lockout
	Source   storage.Source // where the attempt comes from, for known sources; zero: nowhere
}

// Enter takes a place in the hashing pool, then reserves an attempt, waiting for its turn until ctx ends. It returns
// [ErrBusy] when there is no place or no turn, and a storage error as it is; nothing is charged then. The Turn must be
// settled with one of Succeed, Fail and Void.
func (g *Guard) Enter(ctx context.Context, e Entry) (*Turn, error) {
	hold := g.Hold
	if hold == 0 {
		hold = DefaultHold
	}
	attempt := storage.Attempt{Realm: e.Realm, Username: e.Username, Policy: e.Policy, Hold: hold, Source: e.Source}
	for wait := firstWait; ; wait = min(2*wait, longWait) {
		turn, err := g.try(ctx, e.Client, attempt)
		switch {
		case err == nil:
			return turn, nil
		case errors.Is(err, errNotYet):
		case wait > firstWait && errors.Is(err, password.ErrBusy):
			// Only who arrives is refused because the pool is full: who had a place and waits for a turn goes on waiting.
		default:
			return nil, err
		}
		if !sleep(ctx, wait/2+rand.N(wait)) {
			return nil, fmt.Errorf("%w: its turn did not come", ErrBusy)
		}
	}
}

// try takes a place and reserves an attempt, or answers errNotYet. The place comes first, so that who is refused here was
// not charged; who has to wait for a turn gives it back.
func (g *Guard) try(ctx context.Context, client string, a storage.Attempt) (*Turn, error) {
	ticket, err := g.Pool.Admit(client)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBusy, err)
	}
	begun, err := g.Logins.Begin(ctx, a)
	if err == nil && begun.Standing != storage.Busy {
		return &Turn{Begun: begun, logins: g.Logins, ticket: ticket}, nil
	}
	ticket.Release()
	if err == nil {
		return nil, errNotYet
	}
	return nil, fmt.Errorf("begin login: %w", err)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
