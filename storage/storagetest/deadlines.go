package storagetest

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const ruleDeadline = "A context that has ended gives an error that is ErrUnavailable, promptly, and nothing has happened."

var deadlineCases = []Case{
	{"deadlines/reads", ruleDeadline, func(e *env) {
		g := e.newLogin()
		e.client("c")
		e.late(func(ctx context.Context) map[string]error {
			_, byName := e.UserByName(ctx, e.realm, g.Username)
			_, byID := e.UserByID(ctx, e.realm, g.Subject)
			_, sources := e.Sources(ctx, e.realm, g.Username)
			_, client := e.Client(ctx, e.realm, "c")
			_, inspect := e.Inspect(ctx, g.ID)
			_, owner := e.InspectOwner(ctx, g.ID)
			_, list := e.GrantsOf(ctx, e.realm, g.Username)
			return map[string]error{
				"UserByName": byName, "UserByID": byID, "Sources": sources, "Client": client, "Inspect": inspect, "InspectOwner": owner, "GrantsOf": list,
				"Users": first(e.Users(ctx, e.realm)), "Clients": first(e.Clients(ctx, e.realm)), "Grants": first(e.Grants(ctx, e.realm)),
			}
		})
	}},
	{"deadlines/logins", ruleDeadline, func(e *env) {
		u, p := e.user(), policy(1)
		r := e.reserve(u.Username, p)
		g := e.grant(r)
		want := e.read(u.Username)
		everything := storage.Settlement{
			Reservation: r, Outcome: storage.Success, Owner: u.Clone(), EndGrants: true, CountLogin: true, CodeStep: 7, Grant: g,
		}
		everything.Owner.PasswordHash = "x"
		e.late(func(ctx context.Context) map[string]error {
			_, begin := e.Begin(ctx, storage.Attempt{Realm: e.realm, Username: "nobody", Policy: p, Hold: long})
			return map[string]error{
				"Begin":            begin,
				"Finish, failure":  e.Finish(ctx, storage.Settlement{Reservation: r, Outcome: storage.Failure}),
				"Finish, success":  e.Finish(ctx, everything),
				"Finish, no grant": e.Finish(ctx, storage.Settlement{Reservation: r, Outcome: storage.Success}),
			}
		})
		e.equal("owner", e.read(u.Username), want)
		e.equal("standing", e.standing(u.Username, p), storage.Busy) // the reservation is still there
		e.equal("standing of nobody", e.standing("nobody", p), storage.Reserved)
		e.dead("a late login", g)
		e.ok("log in", e.Finish(e.ctx, storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g}))
	}},
	{"deadlines/tokens", ruleDeadline, func(e *env) {
		g := e.newLogin()
		e.late(func(ctx context.Context) map[string]error {
			_, refresh := e.Refresh(ctx, step(g))
			return map[string]error{
				"Refresh": refresh, "Revoke": e.Revoke(ctx, revocation(g, 1)), "Revoke all": e.Revoke(ctx, refreshRevocation(g)),
				"EndGrant": e.EndGrant(ctx, e.realm, g.ID), "EndUser": e.EndUser(ctx, e.realm, g.Username),
				"EndClient": e.EndClient(ctx, e.realm, clientID), "EndRealm": e.EndRealm(ctx, e.realm),
			}
		})
		e.equal("grant", e.inspect(g), g)
	}},
	{"deadlines/administration", ruleDeadline, func(e *env) {
		u, c := e.user(), e.client("c")
		e.fail(u.Username, policy(9))
		u = e.read(u.Username)
		g := e.login(u.Username)
		want := e.read(u.Username)
		e.late(func(ctx context.Context) map[string]error {
			changed, other := *u, *c
			changed.Enabled, other.Enabled = false, false
			return map[string]error{
				"CreateUser": e.CreateUser(ctx, &realm.User{Realm: e.realm, Username: "new", ID: "new"}),
				"UpdateUser": e.UpdateUser(ctx, &changed, true), "UnlockUser": e.UnlockUser(ctx, e.realm, u.Username),
				"DeleteUser":   e.DeleteUser(ctx, e.realm, u.Username),
				"CreateClient": e.CreateClient(ctx, &realm.Client{Realm: e.realm, ID: "new"}),
				"UpdateClient": e.UpdateClient(ctx, &other), "DeleteClient": e.DeleteClient(ctx, e.realm, "c"),
			}
		})
		e.equal("owner", e.read(u.Username), want)
		_, err := e.UserByName(e.ctx, e.realm, "new")
		e.is("find an owner", err, storage.ErrNotFound)
		e.is("find a client", e.findClient("new"), storage.ErrNotFound)
		got, err := e.Client(e.ctx, e.realm, "c")
		e.ok("find a client", err)
		e.equal("client", got, c)
		e.lives("a late change", g)
	}},
}

// late calls methods with contexts that have ended.
func (e *env) late(call func(ctx context.Context) map[string]error) {
	cancelled, cancel := context.WithCancel(e.ctx)
	cancel()
	expired, cancel := context.WithDeadline(e.ctx, time.Now().Add(-time.Second))
	defer cancel()
	for _, ctx := range []context.Context{cancelled, expired} {
		start := time.Now()
		for name, err := range call(ctx) {
			if !errors.Is(err, storage.ErrUnavailable) {
				e.fatalf("%s with a context that has ended: error %v, want %v", name, err, storage.ErrUnavailable)
			}
		}
		e.that("the answers are prompt", time.Since(start) < 5*time.Second)
	}
}

// first is the error that a list gives first.
func first[T any](list iter.Seq2[T, error]) error {
	for _, err := range list {
		return err
	}
	return nil
}
