package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// sample is what one phase gave. Phases add up.
type sample struct {
	n       int
	refused int           // answered 503, and not counted
	wall    time.Duration // until the last answer
	cpu     figure        // nanoseconds of the server
	mallocs figure        // of the server
	times   []time.Duration
}

func (s *sample) add(o sample) {
	s.n += o.n
	s.refused += o.refused
	s.wall += o.wall
	s.cpu += o.cpu
	s.mallocs += o.mallocs
	s.times = append(s.times, o.times...)
}

func (s *sample) rate() figure { return figure(s.n) / figure(s.wall.Seconds()) }

func (s *sample) cpuEach() figure { return s.cpu / figure(s.n) }

func (s *sample) mallocsEach() figure { return s.mallocs / figure(s.n) }

// busy is the share of a core that the server took.
func (s *sample) busy() figure { return s.cpu / figure(s.wall.Nanoseconds()) }

func (s *sample) quantile(q float64) time.Duration {
	slices.SortFunc(s.times, cmp.Compare)
	return quantile(s.times, q)
}

// target is something that is measured.
type target interface {
	run(d time.Duration) (sample, error)
}

// asker is what one connection asks, one thing after the other.
type asker interface {
	ask() []byte
	// heard has the body of the answer, which is good until the next request.
	heard(body []byte) error
}

// turns asks the same things again and again.
type turns struct {
	list [][]byte
	next int
}

func (t *turns) ask() []byte {
	r := t.list[t.next]
	t.next = (t.next + 1) % len(t.list)
	return r
}

func (t *turns) heard([]byte) error { return nil }

// refreshing asks for the next tokens of a grant with the refresh token of the answer before.
type refreshing struct {
	letter
	tokens []string // of so many grants
	next   int
	buffer []byte
}

func (r *refreshing) ask() []byte {
	form := "grant_type=refresh_token&refresh_token=" + url.QueryEscape(r.tokens[r.next])
	r.buffer = r.append(r.buffer[:0], form)
	return r.buffer
}

var errNoToken = errors.New("an answer without a refresh token")

func (r *refreshing) heard(body []byte) error {
	if r.tokens[r.next] = field(body, "refresh_token"); r.tokens[r.next] == "" {
		return errNoToken
	}
	r.next = (r.next + 1) % len(r.tokens)
	return nil
}

// web is a server under load.
type web struct {
	addr    string
	pid     int
	mallocs func() figure // how many so far; nil: nobody knows
	askers  []asker       // each has its connection
	wires   []*wire
}

var _ target = (*web)(nil)

// run asks for so long, over all connections at once, and returns when everything is answered. Any answer but 200 and 503
// is an error.
func (w *web) run(d time.Duration) (sample, error) {
	if err := w.connect(); err != nil {
		return sample{}, err
	}
	allocated := w.allocated()
	cpu, known := processorTime(w.pid)
	start := time.Now()
	parts, faults := make([]sample, len(w.askers)), make([]error, len(w.askers))
	var wg sync.WaitGroup
	for i := range w.askers {
		wg.Go(func() { faults[i] = parts[i].press(w.wires[i], w.askers[i], start.Add(d)) })
	}
	wg.Wait()
	s := sample{}
	for _, part := range parts {
		s.add(part)
	}
	s.wall, s.cpu = time.Since(start), unknown
	if after, still := processorTime(w.pid); known && still {
		s.cpu = figure(after - cpu)
	}
	s.mallocs = w.allocated() - allocated
	s.n = len(s.times)
	return s, errors.Join(faults...)
}

func (w *web) connect() error {
	for len(w.wires) < len(w.askers) {
		c, err := dial(w.addr)
		if err != nil {
			return err
		}
		w.wires = append(w.wires, c)
	}
	return nil
}

func (w *web) allocated() figure {
	if w.mallocs == nil {
		return unknown
	}
	return w.mallocs()
}

func (w *web) close() {
	for _, c := range w.wires {
		c.close()
	}
	w.wires = nil
}

// afterRefusal is how long a connection leaves the server alone that has refused it.
const afterRefusal = 20 * time.Millisecond

// press asks over one connection until the end has come, at least once.
func (s *sample) press(c *wire, a asker, end time.Time) error {
	for before := time.Now(); ; {
		status, body, err := c.do(a.ask())
		if err != nil {
			return err
		}
		after := time.Now()
		switch status {
		case http.StatusOK:
			s.times = append(s.times, after.Sub(before))
			err = a.heard(body)
		case http.StatusServiceUnavailable:
			s.refused++
			<-time.After(afterRefusal)
			after = time.Now()
		default:
			err = fmt.Errorf("answer %d: %.200s", status, body)
		}
		if err != nil || !after.Before(end) {
			return err
		}
		before = after
	}
}
