package storagetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const (
	rulePlaces  = "There are exactly as many places as the limit says, however many charge at once."
	ruleRefused = "A request that one limit refuses is charged nowhere."
	ruleKnown   = "Known refuses what this process has seen refused, never what Charge would allow, and charges nothing."
)

var limitCases = []Case{
	{"limits/places", rulePlaces, func(e *env) {
		c := e.charge(storage.LayerClient, "app", 7, long)
		e.places(7, c)
		v := e.decide(c)
		e.equal("layer that refuses", v.Over, storage.LayerClient)
		e.that("there is a place again within an interval", v.Retry > 0 && v.Retry <= long/7+time.Millisecond)
	}},
	{"limits/places in parallel", rulePlaces, func(e *env) {
		e.equal("places", e.atOnce(e), int32(7))
	}},
	{"limits/places come back", "Places come back evenly, the first one when Retry said.", func(e *env) {
		const per = 400 * time.Millisecond
		c, start := e.charge(storage.LayerClient, "app", 2, per), time.Now()
		e.places(2, c)
		v := e.decide(c)
		e.that("a place is back within an interval", v.Retry > 0 && v.Retry <= per/2+time.Millisecond)
		e.until("a place is back", 10*time.Second, func() bool { return !e.decide(c).Refused() })
		e.that("not before its time", time.Since(start) > per/2-5*time.Millisecond)
	}},
	{"limits/all places come back", "After a rest all places are there again, and no more.", func(e *env) {
		c := e.charge(storage.LayerClient, "app", 3, 30*time.Millisecond)
		for range 4 {
			e.decide(c) // the last may find a place that has come back
		}
		look, rest := c, time.Now().Add(40*time.Millisecond)
		look.Mode = storage.Look
		e.until("the rest is over", 10*time.Second, func() bool { return time.Now().After(rest) && !e.decide(look).Refused() })
		c.Limit.Per = long // so that none comes back meanwhile
		e.places(3, c)
	}},
	{"limits/refused", ruleRefused, func(e *env) {
		client, user := e.charge(storage.LayerClient, "app", 2, long), e.userCharge("app", "demo", 9)
		e.that("allowed", !e.decide(client, user).Refused() && !e.decide(user, client).Refused())
		for range 5 {
			e.equal("layer that refuses", e.decide(user, client).Over, storage.LayerClient)
		}
		e.places(7, user)
	}},
	{"limits/refused of another party", ruleRefused, func(e *env) {
		client, user := e.charge(storage.LayerClient, "app", 9, long), e.userCharge("app", "demo", 9)
		address := e.charge(storage.LayerAddress, "192.0.2.7", 1, long)
		e.that("allowed", !e.decide(client, address, user).Refused())
		for _, mode := range []storage.Mode{storage.Take, storage.Look} {
			address.Mode = mode
			for range 3 {
				e.equal("layer that refuses", e.decide(client, user, address).Over, storage.LayerAddress)
			}
		}
		e.places(8, client)
		e.places(8, user)
	}},
	{"limits/look", "Look takes no place, and is refused where Take would be.", func(e *env) {
		take, look := e.charge(storage.LayerAddress, "192.0.2.7", 2, long), e.charge(storage.LayerAddress, "192.0.2.7", 2, long)
		look.Mode = storage.Look
		for range 5 {
			e.that("allowed", !e.decide(look).Refused())
		}
		e.places(2, take)
		e.that("refused", e.decide(look).Refused())
	}},
	{"limits/count", "Count takes a place whatever the verdict is, which is that of a Look after it; a debt is waited for.", func(e *env) {
		count := e.charge(storage.LayerAddress, "192.0.2.7", 3, long)
		look := count
		count.Mode, look.Mode = storage.Count, storage.Look
		for i := range 5 {
			v := e.decide(count)
			e.equal(fmt.Sprintf("refused after %d of 3", i+1), v.Refused(), i >= 2)
			e.equal("refused by Look", e.decide(look).Refused(), v.Refused())
		}
		wait := e.decide(look).Retry
		e.that("two more are waited for", wait > 2*long/3 && wait <= long+time.Second)
		for range 50 {
			e.that("refused", e.decide(count).Refused())
		}
		wait = e.decide(look).Retry
		e.that("a burst is waited for", wait > 15*long && wait < 19*long)
		for range 200 {
			e.that("refused", e.decide(count).Refused())
		}
		wait = e.decide(look).Retry
		e.that("the debt is bounded", wait > 60*long && wait < 64*long)
	}},
	{"limits/count and refuse", "What Count counts is counted although another limit refuses.", func(e *env) {
		count, full := e.charge(storage.LayerAddress, "192.0.2.7", 2, long), e.charge(storage.LayerClient, "app", 1, long)
		e.places(1, full)
		count.Mode = storage.Count
		e.decide(full, count)
		count.Mode = storage.Take
		e.places(1, count)
	}},
	{"limits/apart", ruleIsolation, func(e *env) {
		var all []storage.Charge
		for _, key := range e.realms() {
			for _, name := range odd {
				all = append(all, e.in(key).charge(storage.LayerClient, name, 1, long), e.in(key).charge(storage.LayerAddress, name, 1, long),
					e.in(key).userCharge(name, "demo", 1), e.in(key).userCharge("app", name, 1))
			}
		}
		for _, c := range all {
			e.that(fmt.Sprintf("%s %q %q has places of its own", c.Layer, c.Party, c.Username), !e.decide(c).Refused())
		}
		for _, c := range all {
			e.that("the places are taken", e.decide(c).Refused())
		}
	}},
	{"limits/off", "A limit that is off is ignored.", func(e *env) {
		full := e.charge(storage.LayerClient, "app", 1, long)
		e.places(1, full)
		for _, off := range []realm.Limit{{}, {Requests: 5}, {Per: long}} {
			full.Limit = off
			e.that("allowed", !e.decide(full).Refused() && !e.Known(full).Refused())
		}
		e.that("nothing is asked", !e.decide().Refused())
	}},
	{"limits/changed", "A limit that was changed holds at once.", func(e *env) {
		c := e.charge(storage.LayerClient, "app", 4, long)
		e.places(4, c)
		c.Limit.Requests = 8
		e.equal("refused by a wider one in the same time", e.decide(c).Refused(), true)
		c.Limit.Per = time.Millisecond
		e.until("a short one lets in", 10*time.Second, func() bool { return !e.decide(c).Refused() })
	}},
	{"limits/known", ruleKnown, func(e *env) {
		c := e.charge(storage.LayerAddress, "192.0.2.7", 2, 2*time.Second)
		for range 9 {
			e.that("nothing is known yet", !e.Known(c).Refused())
		}
		e.places(2, c)
		var v storage.Verdict
		e.until("it is refused", 10*time.Second, func() bool { v = e.decide(c); return v.Refused() })
		known := e.Known(c)
		e.that("a refusal is known", known.Refused() || v.Retry < 100*time.Millisecond)
		e.that("and when it ends", known.Retry <= v.Retry)
		e.until("a place is back", 10*time.Second, func() bool { return !e.Known(c).Refused() })
		e.that("there is one", !e.decide(c).Refused())
	}},
	{"limits/known to this process", ruleKnown, func(e *env) {
		c := e.charge(storage.LayerAddress, "192.0.2.7", 1, long)
		c.Mode = storage.Count
		e.that("refused", e.decide(c).Refused())
		v := e.Known(c)
		e.equal("layer that refuses", v.Over, storage.LayerAddress)
		e.that("there is a time", v.Retry > 0 && v.Retry <= long+time.Second)
		e.that("others are not refused", !e.Known(e.charge(storage.LayerAddress, "192.0.2.8", 1, long)).Refused())
	}},
	{"limits/deadline", ruleDeadline, func(e *env) {
		c := e.charge(storage.LayerClient, "app", 2, long)
		e.late(func(ctx context.Context) map[string]error {
			_, err := e.Charge(ctx, c)
			return map[string]error{"Charge": err}
		})
		e.places(2, c)
	}},
}

func (e *env) charge(layer storage.Layer, party string, requests int, per time.Duration) storage.Charge {
	return storage.Charge{Layer: layer, Realm: e.realm, Party: party, Limit: realm.Limit{Requests: requests, Per: per}}
}

func (e *env) userCharge(client, name string, requests int) storage.Charge {
	c := e.charge(storage.LayerUserClient, client, requests, long)
	c.Username = name
	return c
}

func (e *env) decide(charges ...storage.Charge) storage.Verdict {
	v, err := e.Charge(e.ctx, charges...)
	e.ok("charge", err)
	return v
}

// places expects that n more can be taken, and no other.
func (e *env) places(n int, c storage.Charge) {
	for i := range n {
		e.that(fmt.Sprintf("place %d of %d", i+1, n), !e.decide(c).Refused())
	}
	e.that(fmt.Sprintf("there are %d places", n), e.decide(c).Refused())
}

// atOnce takes places of a limit of seven in all processes at once.
func (e *env) atOnce(processes ...*env) int32 {
	var taken atomic.Int32
	e.parallel(40, func(i int) {
		at := processes[i%len(processes)]
		if !at.decide(e.charge(storage.LayerClient, "app", 7, long), e.userCharge("app", "demo", 90)).Refused() {
			taken.Add(1)
		}
	})
	return taken.Load()
}
