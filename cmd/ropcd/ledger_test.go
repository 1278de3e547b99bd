package main_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// write is when a write that was acknowledged was asked for, the last time, and when it was acknowledged.
type write struct{ asked, told time.Time }

// within reports whether a failover may have lost the write: it was asked for before the end and acknowledged after the
// beginning.
func (w write) within(from, to time.Time) bool { return w.asked.Before(to) && w.told.After(from) }

// life is what a client was told of one grant.
type life struct {
	access, refresh string   // the newest
	spent           []string // refresh tokens before it, oldest first
	revoked, ended  bool     // the newest access token, the grant
	odd             string   // an answer that only a loss excuses

	login, rotation, end write // the last of each
}

// crowd is clients of two processes, who keep a ledger of what they are told.
type crowd struct {
	processes []*process
	secret    string
	owners    int
	pause     time.Duration // between the steps of one client
	http      *http.Client

	mu      sync.Mutex
	lives   []*life
	good    []time.Time // when requests were answered 200
	refused []time.Time // and 503
	longest time.Duration
	wrong   []string
}

const crowdID = "crowd"

func newCrowd(t *testing.T, a, b *process) *crowd {
	t.Helper()
	c := &crowd{processes: []*process{a, b}, owners: 100, http: newSender().http}
	c.secret = a.enrollClient(t, crowdID, "password", "refresh_token")
	a.enrollOwners(t, c.owners)
	return c
}

// work has so many clients live, until stop is closed.
func (c *crowd) work(clients int, stop <-chan struct{}) {
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				l := &life{}
				c.live(l)
				if l.login.told.IsZero() {
					continue // no grant
				}
				c.mu.Lock()
				c.lives = append(c.lives, l)
				c.mu.Unlock()
			}
		})
	}
	all.Wait()
}

// live is one grant's life: a login, rotations, and an end for some. An odd answer ends it.
func (c *crowd) live(l *life) {
	a, w := c.ask("access_token", owner(rand.IntN(c.owners)))
	if a.status != http.StatusOK {
		c.err("a login: %d %v", a.status, a.body)
		return
	}
	l.login, l.access, l.refresh = w, a.text("access_token"), a.text("refresh_token")
	for range rand.IntN(4) {
		if !c.sees(l, l.access, true) || !c.rotate(l) {
			return
		}
	}
	if !c.sees(l, l.access, true) {
		return
	}
	switch rand.IntN(3) {
	case 0:
		l.revoked = c.revoke(l, l.access)
	case 1:
		l.ended = c.revoke(l, l.refresh)
	}
}

func (c *crowd) rotate(l *life) bool {
	a, w := c.ask("access_token", refreshGrant(l.refresh))
	if a.status != http.StatusOK {
		l.odd = fmt.Sprintf("a refresh: %d %v", a.status, a.body)
		return false
	}
	l.spent = append(l.spent, l.refresh)
	l.rotation, l.access, l.refresh = w, a.text("access_token"), a.text("refresh_token")
	return true
}

func (c *crowd) revoke(l *life, token string) bool {
	a, w := c.ask("token/revoke", theToken(token))
	if a.status != http.StatusOK {
		c.err("a revocation: %d %v", a.status, a.body)
		return false
	}
	l.end = w
	c.sees(l, token, false)
	return true
}

// sees introspects a token and expects an answer.
func (c *crowd) sees(l *life, token string, active bool) bool {
	if got := c.active(token); got != active {
		l.odd = fmt.Sprintf("active: %v", got)
		return false
	}
	return true
}

func (c *crowd) active(token string) bool {
	a, _ := c.ask("introspect", theToken(token))
	if a.status != http.StatusOK {
		c.err("an introspection: %d %v", a.status, a.body)
	}
	return a.body["active"] == true
}

// ask asks the one and the other process until the answer is not 503.
func (c *crowd) ask(endpoint string, form url.Values) (answer, write) {
	rest(c.pause)
	begun := time.Now()
	for try := rand.IntN(2); ; try++ {
		asked := time.Now()
		a, err := c.processes[try%2].callBy(c.http, crowdID, c.secret, endpoint, form)
		told := time.Now()
		if err != nil {
			a = answer{body: map[string]any{"error": err.Error()}}
		}
		c.note(a.status, told, told.Sub(begun))
		if a.status != http.StatusServiceUnavailable || time.Since(begun) > 3*patience {
			return a, write{asked, told}
		}
		rest(20 * time.Millisecond)
	}
}

func rest(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

func (c *crowd) note(status int, at time.Time, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch status {
	case http.StatusOK:
		c.good = append(c.good, at)
		c.longest = max(c.longest, took)
	case http.StatusServiceUnavailable:
		c.refused = append(c.refused, at)
	}
}

func (c *crowd) err(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// tally is what the load was answered, and what was lost.
type tally struct {
	answered, refused              int
	outage                         time.Duration // the longest spell of 503s without a second between two
	gap                            time.Duration // the longest without any 200
	longest                        time.Duration // that one request was repeated until its 200
	grants                         int
	logins, rotations, revocations int // lost
	wrong                          []string
	recovered                      time.Time // the end of the outage
	struck, settled                time.Time
	from, to                       time.Time // what was acknowledged in between may be lost
}

// count is the tally of the load alone.
func (c *crowd) count() *tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.SortFunc(c.good, time.Time.Compare)
	slices.SortFunc(c.refused, time.Time.Compare)
	n := &tally{answered: len(c.good), refused: len(c.refused), longest: c.longest, grants: len(c.lives)}
	var begun time.Time
	for i, at := range c.refused {
		if i == 0 || at.Sub(c.refused[i-1]) > time.Second {
			begun = at
		}
		if spell := at.Sub(begun); spell > n.outage {
			n.outage, n.recovered = spell, at
		}
	}
	for i := 1; i < len(c.good); i++ {
		n.gap = max(n.gap, c.good[i].Sub(c.good[i-1]))
	}
	return n
}

// review compares what was acknowledged with what is there, and adds it to the tally.
func (c *crowd) review(n *tally) {
	var all sync.WaitGroup
	next := make(chan *life)
	for range 8 {
		all.Go(func() {
			for l := range next {
				c.compare(l, n)
			}
		})
	}
	for _, l := range c.lives {
		next <- l
	}
	close(next)
	all.Wait()
	n.wrong = c.wrong
}

// compare looks what is left of one grant.
func (c *crowd) compare(l *life, n *tally) {
	switch {
	case l.ended && (c.active(l.access) || c.active(l.refresh)), l.revoked && c.active(l.access):
		c.lost(&n.revocations, 1, l.end, n, "a revocation")
	case l.ended:
		c.excused(l)
	case c.active(l.refresh) && (l.revoked || c.active(l.access)):
		c.excused(l)
		c.reuse(l)
	default:
		for i, token := range slices.Backward(l.spent) {
			if c.active(token) {
				c.lost(&n.rotations, len(l.spent)-i, l.rotation, n, "a rotation")
				return
			}
		}
		c.lost(&n.logins, 1, l.login, n, "a grant")
	}
}

// lost counts what is not there any more. It is wrong unless the failover explains it.
func (c *crowd) lost(kind *int, by int, w write, n *tally, what string) {
	if !w.within(n.from, n.to) {
		c.err("%s is lost that was asked for %v after the fault and acknowledged %v after it", what, w.asked.Sub(n.struck), w.told.Sub(n.struck))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	*kind += by
}

// excused finds an odd answer about a grant of which nothing is lost.
func (c *crowd) excused(l *life) {
	if l.odd != "" {
		c.err("nothing of a grant is lost, and yet an answer was %s", l.odd)
	}
}

// reuse presents a refresh token from before the last one, which no grace lets in. That ends the grant.
func (c *crowd) reuse(l *life) {
	if len(l.spent) < 2 {
		return
	}
	if a, _ := c.ask("access_token", refreshGrant(l.spent[len(l.spent)-2])); a.status != http.StatusBadRequest {
		c.err("a refresh token that was spent long ago: %d %v", a.status, a.body)
	}
}
