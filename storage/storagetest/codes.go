package storagetest

import (
	"errors"
	"sync/atomic"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const (
	ruleCount = "With Success and CountLogin, Logins counts one up, exactly."
	ruleCode  = "A one-time code of a time step that was used, or of an earlier one, is good for no further success: " +
		"that counts as a Failure, and is ErrCodeUsed."
)

// codeCases are about one-time codes and the count of logins.
var codeCases = []Case{
	{"codes/count", ruleCount, func(e *env) {
		u := e.user()
		for _, o := range []storage.Outcome{storage.Success, storage.Failure, storage.Void, storage.Success} {
			e.ok("settle", e.finish(e.reserve(u.Username, policy(9)), o, counting))
		}
		e.ok("a login that is not counted", e.settle(e.reserve(u.Username, policy(9)), storage.Success))
		e.equal("logins", e.read(u.Username).Login.Logins, 2)
	}},
	{"codes/count in parallel", ruleCount, func(e *env) {
		u := e.user()
		e.parallel(30, func(int) {
			r := e.reserve(u.Username, realm.Lockout{})
			e.ok("log in", e.finish(r, storage.Success, counting, with(e.grant(r))))
		})
		e.equal("logins", e.read(u.Username).Login.Logins, 30)
	}},
	{"codes/once", ruleCode, func(e *env) {
		u := e.user()
		e.ok("log in", e.finish(e.reserve(u.Username, policy(9)), storage.Success, code(7)))
		want := e.read(u.Username)
		e.equal("code step", want.Login.CodeStep, uint64(7))
		for i := range 2 {
			r := e.reserve(u.Username, policy(9))
			g := e.grant(r)
			err := e.finish(r, storage.Success, code(7), with(g), hash("$new"), ending, counting)
			e.is("the same code", err, storage.ErrCodeUsed)
			e.dead("a code that was used", g)
			got := e.read(u.Username)
			want.Login.Failures, want.Login.Consecutive, want.Login.LastFailure = i+1, i+1, got.Login.LastFailure
			want.Login.CodeFailures = i + 1
			e.equal("owner", got, want)
		}
		e.equal("grants", len(e.grantsOf(u.Username)), 0)
		e.ok("the next code", e.finish(e.reserve(u.Username, policy(9)), storage.Success, code(8)))
	}},
	{"codes/in parallel", ruleCode, func(e *env) {
		u := e.user()
		var done atomic.Int32
		const n = 20
		e.parallel(n, func(int) {
			r := e.reserve(u.Username, policy(0))
			g := e.grant(r)
			err := e.finish(r, storage.Success, code(7), with(g), counting)
			if !errors.Is(err, storage.ErrCodeUsed) {
				e.ok("log in", err)
				done.Add(1)
			}
			e.equal("the grant is alive", e.alive(g), err == nil)
		})
		e.equal("successes with one code", done.Load(), int32(1))
		got := e.read(u.Username).Login
		e.equal("failures, logins", []int{got.Failures, got.Consecutive, got.Logins}, []int{n - 1, n - 1, 1})
	}},
	{"codes/wrong", "A Failure with WrongCode is cleared by a Success with a CodeStep, or by UnlockUser, only.", func(e *env) {
		u := e.user()
		wrong := func(s *storage.Settlement) { s.WrongCode = true }
		for range 3 {
			e.ok("wrong code", e.finish(e.reserve(u.Username, policy(4)), storage.Failure, wrong))
			e.ok("log in without one", e.finish(e.reserve(u.Username, policy(4)), storage.Success, wrong))
		}
		e.ok("void", e.finish(e.reserve(u.Username, policy(4)), storage.Void, wrong))
		got := e.read(u.Username).Login
		e.equal("failures", []int{got.Failures, got.Consecutive, got.CodeFailures}, []int{3, 3, 3})
		e.ok("a fourth", e.finish(e.reserve(u.Username, policy(4)), storage.Failure, wrong))
		e.equal("standing", e.standing(u.Username, policy(4)), storage.Locked)
		e.ok("unlock", e.UnlockUser(e.ctx, e.realm, u.Username))
		e.equal("failures", e.read(u.Username).Login.CodeFailures, 0)

		e.ok("wrong code", e.finish(e.reserve(u.Username, policy(4)), storage.Failure, wrong))
		e.ok("wrong password", e.settle(e.reserve(u.Username, policy(4)), storage.Failure))
		e.ok("log in with a code", e.finish(e.reserve(u.Username, policy(4)), storage.Success, code(7)))
		got = e.read(u.Username).Login
		e.equal("failures", []int{got.Failures, got.Consecutive, got.CodeFailures}, []int{0, 0, 0})
		e.is("a used code", e.finish(e.reserve(u.Username, policy(4)), storage.Success, code(7)), storage.ErrCodeUsed)
		e.ok("log in without one", e.settle(e.reserve(u.Username, policy(4)), storage.Success))
		e.equal("code failures", e.read(u.Username).Login.CodeFailures, 1)
	}},
	{"codes/lock", "A code that was used charges like a wrong password, and may lock.", func(e *env) {
		u := e.user()
		e.ok("log in", e.finish(e.reserve(u.Username, policy(2)), storage.Success, code(7)))
		for range 2 {
			e.is("the same code", e.finish(e.reserve(u.Username, policy(2)), storage.Success, code(7)), storage.ErrCodeUsed)
		}
		e.equal("standing", e.standing(u.Username, policy(2)), storage.Locked)
	}},
	{"codes/older", ruleCode, func(e *env) {
		u := e.user()
		older, newer := e.reserve(u.Username, policy(9)), e.reserve(u.Username, policy(9))
		e.ok("the newer code", e.finish(newer, storage.Success, code(8)))
		e.is("the older code", e.finish(older, storage.Success, code(7)), storage.ErrCodeUsed)
		e.ok("fail with the older code", e.finish(e.reserve(u.Username, policy(9)), storage.Failure, code(5)))
		got := e.read(u.Username).Login
		e.equal("code step", got.CodeStep, uint64(8))
		e.equal("failures", got.Failures, 2)
		e.ok("log in without a code", e.settle(e.reserve(u.Username, policy(9)), storage.Success))
		e.equal("code step", e.read(u.Username).Login.CodeStep, uint64(8))
	}},
	{"codes/failure", "With a Failure the code is remembered as used, too.", func(e *env) {
		u := e.user()
		e.ok("fail", e.finish(e.reserve(u.Username, policy(9)), storage.Failure, code(7)))
		e.is("the same code", e.finish(e.reserve(u.Username, policy(9)), storage.Success, code(7)), storage.ErrCodeUsed)
		e.ok("fail with it again", e.finish(e.reserve(u.Username, policy(9)), storage.Failure, code(7)))
		e.equal("failures", e.read(u.Username).Login.Failures, 3)
	}},
	{"codes/void", "With Void the code is not used.", func(e *env) {
		u := e.user()
		e.ok("void", e.finish(e.reserve(u.Username, policy(9)), storage.Void, code(7)))
		e.equal("owner", e.read(u.Username), u)
		e.ok("the same code", e.finish(e.reserve(u.Username, policy(9)), storage.Success, code(7)))
	}},
	{"codes/unsettled", "An attempt that has counted as a failure can't use a code.", func(e *env) {
		u := e.user()
		late := e.abandoned(u.Username, policy(1))
		for _, o := range []storage.Outcome{storage.Success, storage.Failure} {
			e.ok("settle it late", e.finish(late, o, code(7), hash("$new"), ending, counting))
		}
		got := e.read(u.Username)
		e.equal("password", got.PasswordHash, u.PasswordHash)
		e.equal("logins", got.Login.Logins, 0)
		e.equal("code step", got.Login.CodeStep, uint64(0))
	}},
	{"codes/repeated", "A success that is settled again is the same success, and no use of its code by another.", func(e *env) {
		u := e.user()
		r := e.reserve(u.Username, policy(9))
		s := storage.Settlement{Reservation: r, Outcome: storage.Success, CodeStep: 7, CountLogin: true, Grant: e.grant(r)}
		e.ok("log in", e.Finish(e.ctx, s))
		want := e.read(u.Username)
		for range 2 {
			e.ok("log in again with the same settlement", e.Finish(e.ctx, s))
		}
		e.equal("owner", e.read(u.Username), want)
		e.lives("the same settlement", s.Grant)

		s.Reservation = e.reserve(u.Username, policy(9))
		s.Grant = e.grant(s.Reservation)
		e.is("the same code", e.Finish(e.ctx, s), storage.ErrCodeUsed)
		want = e.read(u.Username)
		err := e.Finish(e.ctx, s)
		e.that("its repetition is refused", errors.Is(err, storage.ErrCodeUsed) || errors.Is(err, storage.ErrConflict))
		e.equal("owner", e.read(u.Username), want)
		e.dead("a code that was used", s.Grant)
	}},
	{"codes/kept", "Success, UnlockUser and UpdateUser keep Logins and CodeStep.", func(e *env) {
		u := e.user()
		e.ok("log in", e.finish(e.reserve(u.Username, policy(9)), storage.Success, code(7), counting))
		for what, change := range map[string]func() error{
			"success": func() error { return e.settle(e.reserve(u.Username, policy(9)), storage.Success) },
			"failure": func() error { return e.settle(e.reserve(u.Username, policy(9)), storage.Failure) },
			"unlock":  func() error { return e.UnlockUser(e.ctx, e.realm, u.Username) },
			"update":  func() error { return e.UpdateUser(e.ctx, u, true) },
		} {
			e.ok(what, change())
			got := e.read(u.Username).Login
			e.equal("logins after "+what, got.Logins, 1)
			e.equal("code step after "+what, got.CodeStep, uint64(7))
		}
	}},
}
