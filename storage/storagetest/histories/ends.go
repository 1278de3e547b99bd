package histories

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const (
	// lag is how long the end of a client or realm may take to be seen.
	lag = time.Second
	// span is how long grants are made and asked for, and least how often by each caller, on however slow a machine.
	span  = 2 * time.Second
	least = 12
)

// ends is a history of grants that end with their client, or with their realm, and the check of it. There are two clients
// of which one is ended, so that the other's grants must live, and an owner for each caller. The first caller ends them,
// twice, while the others go on, and all look at all grants when everybody must know. No grant of the ended client is made
// from the last end until then: a process that sees one learns of the end.
func ends(ctx context.Context, views []storage.Store, o Options, how kind) ([]*call, error) {
	s := newScene(ctx, views, o)
	s.lost = math.MaxInt // nothing is searched for
	for i := range o.Clients {
		if err := s.addUser(nameOf(i)); err != nil {
			return nil, err
		}
	}
	var all ending
	s.together(o.Clients, o.Seed, endings, func(a *actor) {
		e := &ender{actor: a, how: how, ending: &all, number: a.id << 20, requests: uint32(a.id)} //nolint:gosec // below maxCallers
		for n := 0; (n < least || time.Since(s.start) < span) && !a.over(); n++ {
			next := all.ends.Load() + 1
			if a.id == 0 && n > 5 && next <= mostEnds && time.Since(s.start) > time.Duration(next)*span/6 {
				e.end()
			}
			e.act()
			time.Sleep(3 * time.Millisecond) // this history is about seconds; others want the store, too
		}
		for time.Since(s.start) < time.Duration(all.last.Load())+lag+10*time.Millisecond && !a.over() {
			time.Sleep(3 * time.Millisecond)
		}
		for _, m := range e.grants {
			e.inspect(m)
		}
		e.login(e.client())
		if len(e.grants) > 0 {
			e.inspect(e.grants[len(e.grants)-1])
		}
	})
	calls, err := s.played()
	if err != nil {
		return calls, err
	}
	return calls, ended(calls)
}

func nameOf(caller int) string { return fmt.Sprintf("owner-%d", caller) }

// mostEnds is how many ends there are in a history.
const mostEnds = 2

// ending is what all callers know of the ends.
type ending struct {
	ends atomic.Int64
	last atomic.Int64 // when the last one was acknowledged
}

// ender is a caller with the newest grants that it made. Only the caller itself refreshes them.
type ender struct {
	*actor
	*ending
	how      kind // endClient or endRealm
	number   int  // of the newest grant
	grants   []*mine
	requests uint32
}

type mine struct {
	number     int
	grant      *storage.Grant
	generation uint32
}

func (e *ender) act() {
	switch n := e.dice.IntN(100); {
	case n < 35 || len(e.grants) == 0:
		client := e.client()
		if e.ends.Load() == mostEnds {
			client = blue
		}
		e.login(client)
	case n < 75:
		e.inspect(e.any())
	default:
		e.refresh()
	}
}

// The clients of histories of ends. Only the first one is ended by itself.
const red, blue = "red", "blue"

// end insists on an answer.
func (e *ender) end() {
	for a := (answer{unknown: true}); a.unknown && !e.over(); {
		a = e.do(&call{kind: e.how, client: red}, func(ctx context.Context, s storage.Store) error {
			if e.how == endRealm {
				return s.EndRealm(ctx, e.realm)
			}
			return s.EndClient(ctx, e.realm, red)
		})
	}
	e.last.Store(time.Since(e.start).Nanoseconds())
	e.ends.Add(1)
}

func (e *ender) client() string { return []string{red, blue}[e.dice.IntN(2)] }

func (e *ender) login(client string) {
	name := nameOf(e.id)
	b := e.begin(&call{}, name, realm.Lockout{}, func(*call) {})
	if b.User == nil {
		return // no reply
	}
	e.number++
	m := &mine{number: e.number, grant: newGrant(b.Reservation, client)}
	c := call{grant: m.number, client: m.grant.ClientID}
	if a := e.finish(c, storage.Settlement{Reservation: b.Reservation, Outcome: storage.Success, Grant: m.grant}, 1); !a.unknown && a.err == nil {
		e.grants = append(e.grants, m)
	}
}

// any is one of the newest grants, or of all.
func (e *ender) any() *mine {
	n := len(e.grants)
	if e.once(2) {
		return e.grants[e.dice.IntN(n)]
	}
	return e.grants[n-1-e.dice.IntN(min(n, 8))]
}

func (e *ender) inspect(m *mine) {
	e.do(&call{kind: inspect, grant: m.number, client: m.grant.ClientID}, func(ctx context.Context, s storage.Store) error {
		_, err := s.Inspect(ctx, m.grant.ID)
		return err
	})
}

func (e *ender) refresh() {
	m := e.any()
	e.requests += maxCallers // so that each caller has its own
	r := storage.RefreshStep{
		ID: m.grant.ID, Generation: m.generation, Digest: m.grant.RefreshDigest, Realm: e.realm, ClientID: m.grant.ClientID, Rotate: true,
		Grace: long, AccessLifetime: long, RefreshLifetime: 24 * long, ClientScopes: m.grant.Scopes,
	}
	c := &call{kind: refresh, grant: m.number, client: m.grant.ClientID, generation: m.generation, request: e.requests, grace: long, rotate: true}
	if a := e.renew(c, r); !a.unknown && a.outcome == storage.RefreshDone {
		m.generation = a.generation
	}
}

// ended checks a history of ends. A grant is dead in each call that began a second after its client's or realm's end was
// acknowledged, and in no call without an end that was after the login, or within a second before.
func ended(calls []*call) error {
	made := map[int]*call{}
	var all []*call
	for _, c := range calls {
		switch {
		case c.kind == endClient || c.kind == endRealm:
			all = append(all, c)
		case c.kind == finish && c.answer.err == nil && !c.answer.unknown:
			made[c.grant] = c
		}
	}
	for _, c := range calls {
		if (c.kind != inspect && c.kind != refresh) || c.answer.unknown {
			continue
		}
		login, alive := made[c.grant], c.answer.err == nil && c.answer.outcome != storage.RefreshRefused
		if alive {
			if end := must(all, login, c); end != nil {
				return fmt.Errorf("a grant lives a second after the end of its client or realm:\n%s", lines([]*call{login, end, c}))
			}
		} else if !may(all, login, c) {
			return fmt.Errorf("a grant is dead without an end of its client or realm:\n%s", lines([]*call{login, c}))
		}
	}
	return successors(calls)
}

// concerns reports whether an end is one of the grants that a login made.
func (c *call) concerns(login *call) bool { return c.kind == endRealm || c.client == login.client }

// must is an end that the call must have seen, or nil.
func must(all []*call, login, c *call) *call {
	for _, end := range all {
		if !end.answer.unknown && end.concerns(login) && login.returned < end.called && end.returned+lag.Nanoseconds() < c.called {
			return end
		}
	}
	return nil
}

// may reports whether there is an end that the call may have seen.
func may(all []*call, login, c *call) bool {
	for _, end := range all {
		late := end.answer.unknown || end.returned+lag.Nanoseconds() > login.called
		if end.concerns(login) && late && end.called < c.returned {
			return true
		}
	}
	return false
}
