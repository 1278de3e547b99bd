package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const (
	// settleTime is for settling what the caller no longer waits for.
	settleTime = 2 * time.Second
	// giveBackTime is for giving back what a fault has left reserved: not worth much of the time of a request.
	giveBackTime = 300 * time.Millisecond
)

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

// Away runs f, which waits for somebody else than the pool, while the turn keeps no one from being admitted to it.
func (t *Turn) Away(f func()) { t.ticket.Away(f) }

// Effects are what a journey has settled beside the outcome, in the same step. See [storage.Settlement].
type Effects struct {
	Owner      *realm.User // a copy of the Turn's User with changes; nil: none
	EndGrants  bool
	CountLogin bool // with Succeed only
	CodeStep   uint64
	WrongCode  bool
	Unverified bool
	GrantLimit realm.GrantLimit
	Evicted    *[]storage.GrantID // where to put the grants that were ended for want of room; nil: nowhere
}

func (e Effects) settlement(o storage.Outcome) storage.Settlement {
	return storage.Settlement{
		Outcome: o, Owner: e.Owner, EndGrants: e.EndGrants, CountLogin: e.CountLogin, CodeStep: e.CodeStep, WrongCode: e.WrongCode,
		Unverified: e.Unverified, GrantLimit: e.GrantLimit, Evicted: e.Evicted,
	}
}

// Succeed settles the attempt as a success and creates the grant, if not nil, in the same step. See
// [storage.Logins.Finish] for errors. An attempt whose success could not be kept, because of a fault or because the
// caller has gone, is given back: a right password charges nobody. After [storage.ErrConflict],
// [storage.ErrCodeUsed] and [storage.ErrTooManyGrants] there is nothing to give back.
func (t *Turn) Succeed(ctx context.Context, e Effects, grant *storage.Grant) error {
	first := !t.settled
	s := e.settlement(storage.Success)
	s.Grant = grant
	err := t.settle(ctx, s)
	if first && err != nil && !answered(err) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTime)
		defer cancel()
		// If it was kept after all, this changes nothing; if it can't be given back, it counts when its hold is over.
		_ = t.logins.Finish(ctx, storage.Settlement{Reservation: t.Reservation, Outcome: storage.Void})
	}
	return err
}

// answered reports whether an error is the store's decision: the attempt has been settled, or given back.
func answered(err error) bool {
	return errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrCodeUsed) || errors.Is(err, storage.ErrTooManyGrants)
}

// Fail settles the attempt as one wrong password, also when the caller has gone.
func (t *Turn) Fail(ctx context.Context, e Effects) error {
	return t.settleAnyway(ctx, e.settlement(storage.Failure))
}

// Void gives the attempt back: no wrong password was evaluated. Also when the caller has gone.
func (t *Turn) Void(ctx context.Context) error {
	return t.settleAnyway(ctx, storage.Settlement{Outcome: storage.Void})
}

func (t *Turn) settleAnyway(ctx context.Context, s storage.Settlement) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	return t.settle(ctx, s)
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
