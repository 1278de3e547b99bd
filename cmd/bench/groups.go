package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// The names of the ceilings.
const (
	ceilingBare  = "bare handler"
	ceilingGet   = "bare handler + GET"
	ceilingWrite = "bare handler + EVALSHA"
	ceilingTwice = "bare handler + 2 EVALSHA"
)

// wanted reports whether a group of rows is to run.
func (b *bench) wanted(group string) bool {
	return b.only == "" || slices.Contains(strings.Split(b.only, ","), group)
}

// logins are connections each of which logs owners of its own in.
func (b *bench) logins(s *server, connections, owners int) (list []asker) {
	l := s.letter(backEnd, "access_token")
	for c := range connections {
		t := &turns{}
		for i := c; i < owners; i += connections {
			t.list = append(t.list, l.with(loginForm(i)))
		}
		list = append(list, t)
	}
	return list
}

// fromTokens are connections that refresh, and others that introspect, the grants of logins: each has its own.
func (b *bench) fromTokens(s *server, bodies [][]byte) (refreshes, introspections []asker) {
	asked, introspect := s.letter(backEnd, "access_token"), s.letter(resourceServer, "introspect")
	for c := range b.connections {
		r, t := &refreshing{letter: asked}, &turns{}
		for i := c; i < len(bodies); i += b.connections {
			r.tokens = append(r.tokens, field(bodies[i], "refresh_token"))
			t.list = append(t.list, introspect.with(url.Values{"token": {field(bodies[i], "access_token")}}))
		}
		refreshes, introspections = append(refreshes, r), append(introspections, t)
	}
	return refreshes, introspections
}

// threeTargets are password grants, refreshes and introspections at a server.
func (b *bench) threeTargets(s *server, owners int) (login, refresh, introspect *web, err error) {
	some := make([]int, 4*b.connections)
	for i := range some {
		some[i] = i * owners / len(some)
	}
	// Refreshing changes which access token is the newest, and no more: those that are introspected are good for an hour.
	bodies, err := s.tokens(some)
	if err != nil {
		return nil, nil, nil, err
	}
	refreshes, introspections := b.fromTokens(s, bodies)
	return s.under(b.logins(s, b.connections, owners)), s.under(refreshes), s.under(introspections), nil
}

// closers are what a group has started, ended in the opposite order.
type closers []func()

func (c *closers) add(f func()) { *c = append(*c, f) }

func (c *closers) close() {
	for _, f := range slices.Backward(*c) {
		f()
	}
}

// hashGroup is a login with its hash beside the hash alone.
func (b *bench) hashGroup(ctx context.Context, algorithm, section string) (rows []row, err error) {
	var open closers
	defer open.close()
	loop, err := startHashLoop(b.cores.server, algorithm)
	if err != nil {
		return nil, err
	}
	open.add(loop.kill)
	redis, err := startRedis(b.cores.redis)
	if err != nil {
		return nil, err
	}
	open.add(redis.close)
	raw := "raw " + algorithm + " loop"
	group := []entry{{name: raw, target: loop}}
	for _, kind := range []string{"bolt", "redis"} {
		set := setup{storage: boltAt("ropcd.db"), hashing: section, owners: 4 * b.hashers}
		if kind == "redis" {
			set.storage = redis.storage()
		}
		s, err := b.serve(ctx, set)
		if err != nil {
			return nil, err
		}
		open.add(s.stop)
		web := s.under(b.logins(s, b.hashers, set.owners))
		open.add(web.close)
		group = append(group, entry{
			name: "password grant, " + algorithm, store: kind, target: web, ceiling: raw,
			goals: []promise{
				{atMost(0.3, "ms of CPU"), func(r *row) figure { return r.Above / 1000 }},
				{atLeast(0.95, "of the ceiling"), (*row).ratio},
			},
		})
	}
	return b.compare(ctx, b.hashing, group)
}

// hashGroups are both algorithms.
func (b *bench) hashGroups(ctx context.Context) ([]row, error) {
	argon, err := b.hashGroup(ctx, "argon2id", "")
	if err != nil {
		return nil, err
	}
	bcrypt, err := b.hashGroup(ctx, "bcrypt", fmt.Sprintf("{algorithm: bcrypt, bcrypt: {cost: %d}}", bcryptCost))
	return append(argon, bcrypt...), err
}

// nullGroup is everything but the hash, beside what none can do without.
func (b *bench) nullGroup(ctx context.Context) (rows []row, err error) {
	var open closers
	defer open.close()
	redis, err := startRedis(b.cores.redis)
	if err != nil {
		return nil, err
	}
	open.add(redis.close)
	group, err := b.bareEntries(redis, &open)
	if err != nil {
		return nil, err
	}
	share := func(least figure) []promise {
		return []promise{{atLeast(least, "of the ceiling"), (*row).ratio}}
	}
	goals := map[string][]promise{
		"redis login": share(0.75), "redis refresh": share(0.70), "redis introspect": share(0.75), "bolt introspect": share(0.60),
	}
	for _, kind := range []string{"redis", "bolt"} {
		set := setup{storage: boltAt("ropcd.db"), null: true, owners: 64 * b.connections}
		ceilings := []string{ceilingBare, ceilingBare, ceilingBare}
		if kind == "redis" {
			set.storage, ceilings = redis.storage(), []string{ceilingTwice, ceilingWrite, ceilingGet}
		}
		s, err := b.serve(ctx, set)
		if err != nil {
			return nil, err
		}
		open.add(s.stop)
		login, refresh, introspect, err := b.threeTargets(s, set.owners)
		if err != nil {
			return nil, err
		}
		open.add(func() { login.close(); refresh.close(); introspect.close() })
		group = append(group,
			entry{name: "password grant, no hash", store: kind, target: login, ceiling: ceilings[0], goals: goals[kind+" login"]},
			entry{name: "refresh with rotation", store: kind, target: refresh, ceiling: ceilings[1], goals: goals[kind+" refresh"]},
			entry{name: "introspection", store: kind, target: introspect, ceiling: ceilings[2], goals: goals[kind+" introspect"]})
	}
	p, err := b.startPeer()
	if err != nil {
		return nil, err
	}
	open.add(p.kill)
	login, refresh, introspect, err := p.targets(b.connections)
	if err != nil {
		return nil, err
	}
	return b.compare(ctx, b.phase, append(group,
		entry{name: "fosite: password grant, no hash", store: "memory", target: login, ceiling: ceilingBare},
		entry{name: "fosite: refresh", store: "memory", target: refresh, ceiling: ceilingBare},
		entry{name: "fosite: introspection", store: "memory", target: introspect, ceiling: ceilingBare}))
}

// bareEntries are the ceilings.
func (b *bench) bareEntries(redis *redisServer, open *closers) (group []entry, err error) {
	c, addr, err := listening(b.cores.server, roleBare, redis.addr)
	if err != nil {
		return nil, err
	}
	open.add(c.kill)
	for _, e := range []struct{ name, path string }{
		{ceilingBare, barePath}, {ceilingGet, bareGet}, {ceilingWrite, bareWrite}, {ceilingTwice, bareWriteTwice},
	} {
		l := write(addr, strings.TrimSuffix(realmURL, "/")+e.path, backEnd, peerSecret)
		web := &web{addr: addr, pid: c.pid(), mallocs: mallocsOf(addr)}
		for i := range b.connections {
			web.askers = append(web.askers, &turns{list: [][]byte{l.with(loginForm(i))}})
		}
		open.add(web.close)
		group = append(group, entry{name: e.name, target: web})
	}
	return group, nil
}
