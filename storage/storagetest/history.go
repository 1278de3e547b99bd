package storagetest

import (
	"math/rand/v2"
	"time"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const ruleArithmetic = "The account of attempts is the arithmetic of guard.Judge, guard.Fail and guard.Succeed."

var historyCases = []Case{
	{"history/short locks", ruleArithmetic, func(e *env) {
		e.history(realm.Lockout{Threshold: 3, Window: 60 * time.Millisecond, Duration: 10 * time.Millisecond, MaxDuration: 30 * time.Millisecond, StopAfter: 14})
	}},
	{"history/no locks", ruleArithmetic, func(e *env) {
		e.history(realm.Lockout{Window: 20 * time.Millisecond, Duration: time.Millisecond, MaxDuration: time.Millisecond, StopAfter: 9})
	}},
	{"history/one strike", ruleArithmetic, func(e *env) {
		e.history(realm.Lockout{Threshold: 1, Window: 10 * time.Millisecond, Duration: 5 * time.Millisecond, MaxDuration: time.Hour})
	}},
}

// steps is the length of a random history.
const steps = 150

// history does random things to one owner and compares each answer, and the account after it, with the arithmetic. The
// moments at which the store counted are taken from what it recorded.
func (e *env) history(p realm.Lockout) {
	seed := rand.Uint64()
	defer func() {
		if r, ok := recover().(failure); ok {
			e.fatalf("history of seed %d: %w", seed, r.error)
		}
	}()
	rnd := rand.New(rand.NewPCG(seed, 0))
	u := e.user()
	var model realm.Login
	var held []storage.Reservation
	for range steps {
		switch n := rnd.IntN(10); {
		case n < 4 || len(held) == 0:
			b := e.begin(u.Username, p)
			judged := model
			e.equal("standing", b.Standing, guard.Judge(&judged, p, len(held), b.Reservation.Now))
			if b.Standing == storage.Reserved {
				held = append(held, b.Reservation)
			} else if n == 0 && b.Standing != storage.Busy {
				e.past(b.Reservation, b.Reservation.Now.Add(3*time.Millisecond))
			}
		case n == 4 && model.Consecutive > 4:
			e.ok("unlock", e.UnlockUser(e.ctx, e.realm, u.Username))
			model = realm.Login{LastLogin: model.LastLogin, LastFailure: e.read(u.Username).Login.LastFailure}
		default:
			i := rnd.IntN(len(held))
			r := held[i]
			held = append(held[:i], held[i+1:]...)
			e.settleAs(r, storage.Outcome(rnd.IntN(12)%5%3), &model)
		}
	}
	// Void and success leave places free; what is under way at the end is given back.
	for _, r := range held {
		e.settleAs(r, storage.Void, &model)
	}
}

// settleAs settles, in the store and in the model.
func (e *env) settleAs(r storage.Reservation, o storage.Outcome, model *realm.Login) {
	e.ok("settle", e.settle(r, o))
	got := e.read(r.Username).Login
	switch o {
	case storage.Failure:
		guard.Fail(model, r.Policy, got.LastFailure)
		e.that("a failure is recorded when it happens", !got.LastFailure.Before(r.Now))
	case storage.Success:
		guard.Succeed(model, got.LastLogin)
		e.that("a login is recorded when it happens", !got.LastLogin.Before(r.Now))
	}
	e.equal("account of attempts", got, *model)
}
