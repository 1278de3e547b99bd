package storagetest

import (
	"time"

	"github.com/ropcd/ropcd/storage"
)

var expiryCases = []Case{
	{"expiry/kept until", "A grant whose KeepUntil has passed is dead for every method.", func(e *env) {
		u := e.user()
		g := e.login(u.Username, func(g *storage.Grant) {
			g.KeepUntil = g.AuthTime.Add(50 * time.Millisecond)
			g.AccessExpires, g.RefreshExpires = g.KeepUntil, g.KeepUntil
		})
		other := e.login(u.Username)
		e.until("it expires", 10*time.Second, func() bool { return !e.alive(g) })
		e.gone(g)
		e.equal("grants", e.grantsOf(u.Username), []*storage.Grant{other})
	}},
	{"expiry/end of the grant", "Nothing of a grant is valid at or after MaxExpires, whatever its KeepUntil.", func(e *env) {
		g := e.newLogin(func(g *storage.Grant) {
			g.MaxExpires, g.KeepUntil = g.AuthTime.Add(50*time.Millisecond), time.Time{}
		})
		e.until("it expires", 10*time.Second, func() bool { return !e.alive(g) })
		e.gone(g)
	}},
	{"expiry/not before", "A grant lives until its KeepUntil, though its access token expired.", func(e *env) {
		g := e.newLogin(func(g *storage.Grant) { g.AccessExpires = g.AuthTime.Add(time.Millisecond) })
		e.untilOver(g, g.AccessExpires)
		e.renew(step(g))
		e.lives("an expired access token", g)
	}},
	{"expiry/prolonged", "A refresh prolongs the record's life with its tokens.", func(e *env) {
		g := e.newLogin(func(g *storage.Grant) {
			g.KeepUntil = g.AuthTime.Add(2 * time.Second)
			g.AccessExpires, g.RefreshExpires = g.KeepUntil, g.KeepUntil
		})
		e.renew(step(g))
		e.untilOver(g, g.KeepUntil)
		e.lives("its first end", g)
		e.equal("grants", len(e.grantsOf(g.Username)), 1)
		e.renew(step(e.inspect(g)))
	}},
	{"expiry/never", "A zero time never comes.", func(e *env) {
		g := e.newLogin(func(g *storage.Grant) {
			g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.KeepUntil = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		})
		e.lives("no expiry", g)
		e.equal("grants", len(e.grantsOf(g.Username)), 1)
		e.renew(step(g))
	}},
}
