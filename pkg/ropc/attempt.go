package ropc

import (
	"context"
	"fmt"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// attempt is one attempt to log in: the one place that compares a resource owner's password and opens the seed, and the
// one that settles what the journey decided.
type attempt struct {
	login    *Login
	entry    guard.Entry
	turn     *guard.Turn
	password string

	right   bool   // the local password was right
	rehash  string // its new hash, if the stored one is not current
	reseal  []byte // the seed sealed anew, if the stored one is not current
	effects guard.Effects
}

// run runs the journey. A panic, which journeys stop only within nodes, counts as a failure like an attempt that nobody
// settles, but its place in the pool is free at once.
func (a *attempt) run(ctx context.Context, j *journey.Journey, in journey.Input) (journey.Result, error) {
	returned := false
	defer func() {
		if !returned {
			_ = a.turn.Fail(ctx, guard.Effects{})
		}
	}()
	result, err := j.Run(ctx, in)
	returned = true
	return result, err
}

// verify compares the password with the owner's, in the hashing pool. It does the same work, and says no, for an owner
// that does not exist, has no password, is locked, disabled or expired.
func (a *attempt) verify(ctx context.Context, given string) (bool, error) {
	user, passwords := a.turn.User, a.login.Passwords
	var err error
	inPool := a.turn.Hash(ctx, func() {
		switch {
		case user == nil || user.PasswordHash == "":
			passwords.Decoy(given)
		case a.turn.Standing != storage.Reserved:
			// The work of this owner's own hash, which may be of another kind, with a password that is none.
			_, _, err = passwords.Verify("", user.PasswordHash)
		default:
			a.right, a.rehash, err = passwords.Verify(given, user.PasswordHash)
		}
	})
	if inPool != nil {
		return false, inPool
	}
	if err != nil {
		return false, fmt.Errorf("verify password: %w", err)
	}
	mayLogIn := a.turn.Standing == storage.Reserved && journey.Barred(user, a.turn.Reservation.Clock()) == ""
	return a.right && mayLogIn, nil
}

// seed opens the owner's seed of one-time codes; no bytes: there is none.
func (a *attempt) seed() ([]byte, error) {
	user, seeds := a.turn.User, a.login.Seeds
	if user == nil || len(user.Seed) == 0 || seeds == nil {
		return nil, nil
	}
	seed, current, err := seeds.Open(user.Realm, user.ID, user.Seed)
	if err != nil {
		return nil, fmt.Errorf("open seed: %w", err)
	}
	if !current {
		a.reseal = seeds.Seal(user.Realm, user.ID, seed)
	}
	return seed, nil
}

// refuse settles a denial: as a failure as soon as a credential was evaluated, else as void. A right password of somebody
// who may not log in is charged like a wrong one, because settling differently would take a different time. Who was
// locked already is settled with the same work and without effect.
func (a *attempt) refuse(ctx context.Context, run journey.Result) error {
	e := guard.Effects{CodeStep: run.CodeStep, WrongCode: run.WrongCode}
	if run.Enabled != nil && a.turn.User != nil && a.turn.User.Enabled != *run.Enabled && a.turn.Standing == storage.Reserved {
		owner := a.turn.User.Clone()
		owner.Enabled = *run.Enabled
		e.Owner, e.EndGrants = owner, true
	}
	if run.Evaluated || e.Owner != nil {
		return a.turn.Fail(ctx, e)
	}
	return a.turn.Void(ctx)
}

// abandon settles after a fault: as a failure only if a credential was found wrong, or may have been, before it.
func (a *attempt) abandon(ctx context.Context, run journey.Result) (charged bool, err error) {
	if run.WrongCode || (run.Evaluated && !run.Verified) {
		return true, a.turn.Fail(ctx, guard.Effects{WrongCode: run.WrongCode})
	}
	return false, a.turn.Void(ctx)
}

// admit prepares what the attempt changes when it is settled as a success, and takes in whom an outside source vouches
// for. The reason is that of a refusal, which is settled then. After an error the attempt is void: the credential was right.
func (a *attempt) admit(ctx context.Context, run journey.Result) (reason string, err error) {
	hash, err := a.migrated(ctx, run)
	if err == nil && a.turn.User == nil {
		if reason, err = a.takeIn(ctx, run, hash); reason != "" {
			return reason, err
		}
	}
	if err != nil {
		_ = a.turn.Void(ctx) // the fault is what counts
		return "", err
	}
	a.effects = guard.Effects{CountLogin: run.CountLogin, CodeStep: run.CodeStep, Unverified: !run.Verified}
	owner := a.turn.User.Clone()
	if a.change(owner, run, hash) {
		a.effects.Owner = owner
		// Another password than the one that was kept is a new one: who knew the old one is not to stay logged in.
		a.effects.EndGrants = hash != "" && a.turn.User.PasswordHash != "" && owner.PasswordHash != a.turn.User.PasswordHash
	}
	return "", nil
}

// change puts into the owner's record what the run learned; false: there is nothing new.
func (a *attempt) change(u *realm.User, run journey.Result, hash string) (changed bool) {
	if a.rehash != "" {
		u.PasswordHash, changed = a.rehash, true
	}
	if hash != "" && hash != u.PasswordHash {
		u.PasswordHash, u.PasswordSet, changed = hash, a.turn.Reservation.Clock(), true
	}
	if a.reseal != nil {
		u.Seed, changed = a.reseal, true
	}
	if attributes, differ := merge(u.Attributes, run.Attributes); differ {
		u.Attributes, changed = attributes, true
	}
	return changed
}
