package storagetest

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const (
	ruleGrantLimit = "With a GrantLimit the owner never has more live grants than it allows, however many log in at once."
	ruleFull       = "A grant that has no room is ErrTooManyGrants, and the attempt a success that makes no grant and counts no login."
	ruleEvicted    = "The oldest logins are ended, in the same step, until the new grant fits in, and Finish names them."
	ruleDead       = "Grants that are dead don't count."
)

// most is a limit that refuses, oldest one that evicts.
func most(n int) func(*storage.Settlement) {
	return func(s *storage.Settlement) { s.GrantLimit = realm.GrantLimit{Most: n} }
}

func oldest(n int) func(*storage.Settlement) {
	return func(s *storage.Settlement) { s.GrantLimit = realm.GrantLimit{Most: n, EvictOldest: true} }
}

var grantLimitCases = []Case{
	{"grantlimit/refuse", ruleFull, func(e *env) {
		u := e.user()
		first := e.within(u.Username, most(2))
		e.fail(u.Username, policy(9))
		second := e.reserve(u.Username, policy(9))
		e.ok("log in", e.finish(second, storage.Success, most(2), with(e.grant(second))))
		e.fail(u.Username, policy(9))
		r := e.reserve(u.Username, policy(9))
		g := e.grant(r)
		err := e.finish(r, storage.Success, most(2), with(g), code(7), counting, hash("$new"))
		e.is("a third grant", err, storage.ErrTooManyGrants)
		e.gone(g)
		e.equal("grants", len(e.grantsOf(u.Username)), 2)
		now := e.read(u.Username)
		e.equal("failures, logins, code", []int{now.Login.Failures, now.Login.Logins, int(now.Login.CodeStep)}, []int{0, 0, 7})
		e.that("the login is told", !now.Login.LastLogin.Before(storage.Trim(r.Now)))
		e.equal("password", now.PasswordHash, "$new")
		e.is("the code again", e.finish(e.reserve(u.Username, policy(9)), storage.Success, code(7)), storage.ErrCodeUsed)
		e.ok("end one", e.EndGrant(e.ctx, e.realm, first.ID))
		e.lives("a refusal", e.within(u.Username, most(2)))
	}},
	{"grantlimit/refuse one code once", ruleFull, func(e *env) {
		u := e.user()
		e.within(u.Username, most(1))
		r, again := e.reserve(u.Username, policy(9)), e.reserve(u.Username, policy(9))
		e.is("log in", e.finish(r, storage.Success, most(1), with(e.grant(r)), code(7)), storage.ErrTooManyGrants)
		e.is("the code again", e.finish(again, storage.Success, most(1), with(e.grant(again)), code(7)), storage.ErrCodeUsed)
		e.equal("failures", e.read(u.Username).Login.Failures, 1)
	}},
	{"grantlimit/evict", ruleEvicted, func(e *env) {
		u := e.user()
		never := func(g *storage.Grant) {
			g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.KeepUntil = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		}
		b, a, c := e.login(u.Username, ago(time.Minute)), e.login(u.Username, ago(time.Hour), never), e.login(u.Username, ago(time.Second))
		now := e.renew(step(a))
		d, evicted := e.evicting(u.Username, 3)
		e.equal("evicted", evicted, []storage.GrantID{a.ID})
		e.gone(now)
		e.equal("grants", e.grantsOf(u.Username), []*storage.Grant{b, c, d})
		e.renew(step(d))
	}},
	{"grantlimit/fits", ruleEvicted, func(e *env) {
		u := e.user()
		a := e.login(u.Username)
		b, evicted := e.evicting(u.Username, 2)
		e.equal("evicted", len(evicted), 0)
		e.lives("a grant that has room", a, b)
	}},
	{"grantlimit/lowered", ruleEvicted, func(e *env) {
		u := e.user()
		var ids []storage.GrantID
		for i := range 5 {
			ids = append(ids, e.login(u.Username, ago(time.Hour-time.Duration(i)*time.Minute)).ID)
		}
		r := e.reserve(u.Username, realm.Lockout{})
		e.is("refuse", e.finish(r, storage.Success, most(2), with(e.grant(r))), storage.ErrTooManyGrants)
		e.equal("grants", len(e.grantsOf(u.Username)), 5)
		g, evicted := e.evicting(u.Username, 2)
		e.equal("evicted", evicted, ids[:4])
		left := e.grantsOf(u.Username)
		e.equal("grants", []storage.GrantID{left[0].ID, left[len(left)-1].ID}, []storage.GrantID{ids[4], g.ID})
		e.equal("grants", len(left), 2)
	}},
	{"grantlimit/off", "The zero GrantLimit is no limit.", func(e *env) {
		u := e.user()
		for range 20 {
			e.login(u.Username)
		}
		e.equal("grants", len(e.grantsOf(u.Username)), 20)
	}},
	{"grantlimit/of one owner", ruleGrantLimit, func(e *env) {
		name := e.user().Username
		there := e.in(e.realm + "/sub")
		other, namesake := e.newLogin(), there.login(there.user(named(name)).Username)
		g := e.within(name, most(1))
		h, evicted := e.evicting(name, 1)
		e.equal("evicted", evicted, []storage.GrantID{g.ID})
		e.lives("the limit of another owner", other, namesake, h)
	}},
	{"grantlimit/dead don't count", ruleDead, func(e *env) {
		u := e.user()
		e.login(u.Username, func(g *storage.Grant) { g.ClientID = "other" })
		e.login(u.Username)
		short := e.login(u.Username, func(g *storage.Grant) {
			g.KeepUntil = g.AuthTime.Add(20 * time.Millisecond)
			g.AccessExpires, g.RefreshExpires = g.KeepUntil, g.KeepUntil
		})
		ended := e.login(u.Username)
		e.ok("end one", e.EndGrant(e.ctx, e.realm, ended.ID))
		e.until("one expires", soon, func() bool { return !e.alive(short) })
		e.full(u.Username, 2)
		third := e.within(u.Username, most(3))
		e.full(u.Username, 3)
		e.ok("end another client's", e.EndClient(e.ctx, e.realm, "other"))
		e.until("they are dead", soon, func() bool { return len(e.grantsOf(u.Username)) == 2 })
		e.within(u.Username, most(3))
		e.full(u.Username, 3)
		e.ok("end its own client's", e.EndClient(e.ctx, e.realm, clientID))
		e.until("they are dead", soon, func() bool { return !e.alive(third) })
		e.within(u.Username, most(1), func(s *storage.Settlement) { s.Grant.ClientID = "a third" })
		e.ok("end the realm's", e.EndRealm(e.ctx, e.realm))
		e.until("they are dead", soon, func() bool { return len(e.grantsOf(u.Username)) == 0 })
		last := e.within(u.Username, most(1))
		e.equal("grants", e.grantsOf(u.Username), []*storage.Grant{last})
	}},
	{"grantlimit/dead are not evicted for", ruleDead, func(e *env) {
		u := e.user()
		old := e.login(u.Username, ago(time.Hour))
		for range 3 {
			e.login(u.Username, func(g *storage.Grant) { g.ClientID = "other" })
		}
		e.ok("end another client's", e.EndClient(e.ctx, e.realm, "other"))
		e.until("they are dead", soon, func() bool { return len(e.grantsOf(u.Username)) == 1 })
		g, evicted := e.evicting(u.Username, 2)
		e.equal("evicted", len(evicted), 0)
		e.lives("dead ones", old, g)
	}},
	{"grantlimit/ending makes room", "A settlement that ends the owner's grants has room.", func(e *env) {
		u := e.user()
		a := e.login(u.Username)
		b := e.within(u.Username, most(1), hash("$new"), ending)
		e.gone(a)
		e.equal("grants", e.grantsOf(u.Username), []*storage.Grant{b})
	}},
	{"grantlimit/no grant", "Nothing is evicted, and nothing refused, unless a grant is created.", func(e *env) {
		u := e.user()
		old := e.login(u.Username)
		for _, o := range []storage.Outcome{storage.Void, storage.Failure, storage.Success} {
			for _, limit := range []func(*storage.Settlement){most(1), oldest(1)} {
				e.ok("settle", e.finish(e.reserve(u.Username, policy(99)), o, limit))
			}
		}
		e.ok("use a code", e.finish(e.reserve(u.Username, policy(99)), storage.Success, code(7)))
		used, late := e.reserve(u.Username, policy(99)), e.reserve(u.Username, policy(99))
		e.is("the code again", e.finish(used, storage.Success, oldest(1), code(7), with(e.grant(used))), storage.ErrCodeUsed)
		e.ok("change the owner", e.UpdateUser(e.ctx, e.read(u.Username), false))
		e.is("too late", e.finish(late, storage.Success, oldest(1), with(e.grant(late))), storage.ErrConflict)
		e.equal("grants", e.grantsOf(u.Username), []*storage.Grant{old})
	}},
	{"grantlimit/repeated", "The same settlement again evicts nothing more.", func(e *env) {
		u := e.user()
		e.login(u.Username, ago(time.Hour))
		b := e.login(u.Username, ago(time.Minute))
		r := e.reserve(u.Username, policy(3))
		s := storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: e.grant(r)}
		oldest(2)(&s)
		for range 3 {
			e.ok("log in", e.Finish(e.ctx, s))
			e.equal("grants", e.grantsOf(u.Username), []*storage.Grant{b, s.Grant})
		}
		e.within(u.Username, oldest(2))
		e.ok("log in again, late", e.Finish(e.ctx, s))
		e.equal("grants", len(e.grantsOf(u.Username)), 2)
		e.lives("a repeated settlement", s.Grant)
	}},
	{"grantlimit/refused again", "A refused settlement again makes no grant, though there is room by then.", func(e *env) {
		u := e.user()
		old := e.login(u.Username)
		r := e.reserve(u.Username, policy(3))
		s := storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: e.grant(r)}
		most(1)(&s)
		e.is("log in", e.Finish(e.ctx, s), storage.ErrTooManyGrants)
		e.ok("make room", e.EndGrant(e.ctx, e.realm, old.ID))
		if err := e.Finish(e.ctx, s); !errors.Is(err, storage.ErrConflict) {
			e.is("log in again", err, storage.ErrTooManyGrants)
		}
		e.equal("grants", len(e.grantsOf(u.Username)), 0)
	}},
	{"grantlimit/very many", "A login ends at most MaxEvicted grants, those that expire first, until the limit is met.", func(e *env) {
		u := e.user()
		last := e.login(u.Username, ago(time.Hour), func(g *storage.Grant) { g.KeepUntil = g.MaxExpires })
		e.parallel(8, func(int) {
			for range storage.MaxEvicted/8 + 1 {
				e.login(u.Username)
			}
		})
		e.full(u.Username, 2)
		g, evicted := e.evicting(u.Username, 2)
		e.equal("evicted, left", []int{len(evicted), len(e.grantsOf(u.Username))}, []int{storage.MaxEvicted, 8 + 2})
		e.lives("a login that looks at others", g, last)
		h, _ := e.evicting(u.Username, 2)
		e.equal("grants", len(e.grantsOf(u.Username)), 2)
		e.lives("the limit", h)
	}},
	{"grantlimit/in parallel", ruleGrantLimit, func(e *env) { e.atLimit(e) }},
}

func ago(d time.Duration) func(*storage.Grant) {
	return func(g *storage.Grant) { g.AuthTime = g.AuthTime.Add(-d) }
}

// within logs in under a limit that has room, or makes it.
func (e *env) within(name string, change ...func(*storage.Settlement)) *storage.Grant {
	r := e.reserve(name, realm.Lockout{})
	g := e.grant(r)
	e.ok("log in", e.finish(r, storage.Success, append([]func(*storage.Settlement){with(g)}, change...)...))
	return g
}

// evicting logs in under a limit that evicts, and gives what it has ended.
func (e *env) evicting(name string, n int) (g *storage.Grant, evicted []storage.GrantID) {
	g = e.within(name, oldest(n), func(s *storage.Settlement) { s.Evicted = &evicted })
	return g, evicted
}

// full expects a limit to refuse.
func (e *env) full(name string, n int) {
	r := e.reserve(name, realm.Lockout{})
	e.is("log in beyond the limit", e.finish(r, storage.Success, most(n), with(e.grant(r))), storage.ErrTooManyGrants)
}

// atLimit logs an owner in fifty times at once, through one store or several, under either kind of limit.
func (e *env) atLimit(through ...*env) {
	for _, limit := range []func(*storage.Settlement){most(3), oldest(3)} {
		u := e.user()
		var done, refused atomic.Int32
		e.parallel(50, func(i int) {
			at := through[i%len(through)]
			r := at.reserve(u.Username, realm.Lockout{})
			switch err := at.finish(r, storage.Success, limit, with(at.grant(r))); {
			case errors.Is(err, storage.ErrTooManyGrants):
				refused.Add(1)
			default:
				at.ok("log in", err)
				done.Add(1)
			}
		})
		e.equal("grants", len(e.grantsOf(u.Username)), 3)
		e.that("all are told how it went", done.Load()+refused.Load() == 50 && (done.Load() == 3 || refused.Load() == 0))
	}
}
