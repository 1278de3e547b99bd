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
	// settleTime is for settling what the caller no longer waits for.
	settleTime = 2 * time.Second
	// giveBackTime is for giving back what a fault has left reserved: not worth much of the time of a request.
	giveBackTime = 300 * time.Millisecond
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
}

// Enter takes a place in the hashing pool, then reserves an attempt, waiting for its turn until ctx ends. It returns
// [ErrBusy] when there is no place or no turn, and a storage error as it is; nothing is charged then. The Turn must be
// settled with one of Succeed, Fail and Void.
func (g *Guard) Enter(ctx context.Context, e Entry) (*Turn, error) {
	hold := g.Hold
	if hold == 0 {
		hold = DefaultHold
	}
	attempt := storage.Attempt{Realm: e.Realm, Username: e.Username, Policy: e.Policy, Hold: hold}
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

// Turn is one attempt under way. Not for concurrent use.
type Turn struct {
	storage.Begun
	logins  storage.Logins
	ticket  *password.Ticket
	settled bool
}

// Hash runs f, which may take the time and memory of hashing a password, when it is the turn's turn in the pool. When
// ctx ends before, f is not run, and the error is ctx's.
func (t *Turn) Hash(ctx context.Context, f func()) error {
	if err := t.ticket.Do(ctx, f); err != nil {
		return fmt.Errorf("%w: wait for the hashing pool: %w", ErrBusy, err)
	}
	return nil
}

// Succeed settles the attempt as a success and creates the grant, if not nil, in the same step. See
// [storage.Logins.Finish] for errors; rehash replaces the owner's password hash if not empty. An attempt whose success
// could not be kept, because of a fault or because the caller has gone, is given back: a right password charges nobody.
func (t *Turn) Succeed(ctx context.Context, rehash string, grant *storage.Grant) error {
	first := !t.settled
	err := t.settle(ctx, storage.Settlement{Outcome: storage.Success, PasswordHash: rehash, Grant: grant})
	if first && err != nil && !errors.Is(err, storage.ErrConflict) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTime)
		defer cancel()
		// If it was kept after all, this changes nothing; if it can't be given back, it counts when its hold is over.
		_ = t.logins.Finish(ctx, storage.Settlement{Reservation: t.Reservation, Outcome: storage.Void})
	}
	return err
}

// Fail settles the attempt as one wrong password, also when the caller has gone.
func (t *Turn) Fail(ctx context.Context) error {
	return t.settleAnyway(ctx, storage.Failure)
}

// Void gives the attempt back: no wrong password was evaluated. Also when the caller has gone.
func (t *Turn) Void(ctx context.Context) error {
	return t.settleAnyway(ctx, storage.Void)
}

func (t *Turn) settleAnyway(ctx context.Context, o storage.Outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	return t.settle(ctx, storage.Settlement{Outcome: o})
}

func (t *Turn) settle(ctx context.Context, s storage.Settlement) error {
	t.ticket.Release()
	if t.settled {
		return nil
	}
	t.settled = true
	s.Reservation = t.Reservation
	if err := t.logins.Finish(ctx, s); err != nil {
		return fmt.Errorf("finish login: %w", err)
	}
	return nil
}
