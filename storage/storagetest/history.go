package storagetest

import (
	"math/rand/v2"
	"time"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const ruleArithmetic = "The account of attempts is the arithmetic of pkg/guard."

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
			guard.Unlock(&model)
		default:
			i := rnd.IntN(len(held))
			r := held[i]
			held = append(held[:i], held[i+1:]...)
			e.settleAs(storage.Settlement{
				Reservation: r, Outcome: storage.Outcome(rnd.IntN(12) % 5 % 3), CountLogin: rnd.IntN(2) == 0, CodeStep: nextCode(rnd, &model),
				WrongCode: rnd.IntN(3) == 0,
			}, &model)
		}
	}
	// Void and success leave places free; what is under way at the end is given back.
	for _, r := range held {
		e.settleAs(storage.Settlement{Reservation: r}, &model)
	}
}

// nextCode is no code, one that is good, or one that was used.
func nextCode(rnd *rand.Rand, l *realm.Login) uint64 {
	if rnd.IntN(2) == 0 {
		return 0
	}
	return max(l.CodeStep+uint64(rnd.IntN(5)), 2) - 2
}

// settleAs settles, in the store and in the model.
func (e *env) settleAs(s storage.Settlement, model *realm.Login) {
	err, want := e.Finish(e.ctx, s), error(nil)
	r, got := s.Reservation, e.read(s.Reservation.Username).Login
	switch {
	case s.Outcome == storage.Void:
	case s.Outcome == storage.Success && !guard.CodeUsed(model, s.CodeStep):
		guard.Succeed(model, s.CodeStep != 0, got.LastLogin)
		guard.UseCode(model, s.CodeStep)
		if s.CountLogin {
			guard.CountLogin(model)
		}
		e.that("a login is recorded when it happens", !got.LastLogin.Before(r.Now))
	default:
		fail := guard.Fail
		if s.Outcome == storage.Success {
			want, fail = storage.ErrCodeUsed, guard.FailCode
		} else if s.WrongCode {
			fail = guard.FailCode
		}
		guard.UseCode(model, s.CodeStep)
		fail(model, r.Policy, got.LastFailure)
		e.that("a failure is recorded when it happens", !got.LastFailure.Before(r.Now))
	}
	e.is("settle", err, want)
	e.equal("account of attempts", got, *model)
}
