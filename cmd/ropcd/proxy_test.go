package main_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// proxy stands before a server and can be told to be a bad network, or another server.
type proxy struct {
	t      *testing.T
	target string
	addr   string

	mu       sync.Mutex
	changed  *sync.Cond
	listener net.Listener
	conns    map[net.Conn]bool
	how      weather
}

// weather is what a proxy does to what passes. The zero value is fine weather.
type weather struct {
	hang  bool          // nothing passes until it is over
	late  time.Duration // by which each answer is late
	lost  bool          // questions pass, answers don't: the connection ends
	after int           // how many bytes of answers pass on a connection before they are lost
	reply string        // to each question, which the server never sees
}

func before(t *testing.T, target string) *proxy {
	t.Helper()
	p := &proxy{t: t, target: target, addr: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	p.changed = sync.NewCond(&p.mu)
	p.open()
	t.Cleanup(func() {
		p.turn(weather{})
		p.shut()
	})
	return p
}

// open listens, where it did before.
func (p *proxy) open() {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.mu.Lock()
	p.listener, p.addr = l, l.Addr().String()
	p.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.join(c)
		}
	}()
}

// shut refuses connections and ends those that there are.
func (p *proxy) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) turn(how weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.how = how
	p.changed.Broadcast()
}

// now is the weather, once it lets anything pass.
func (p *proxy) now() weather {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.how.hang {
		p.changed.Wait()
	}
	return p.how
}

func (p *proxy) join(c net.Conn) {
	s, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = c.Close()
		return
	}
	p.mu.Lock()
	p.conns[c], p.conns[s] = true, true
	p.mu.Unlock()
	go p.copy(s, c, c)
	p.copy(c, s, nil)
	p.mu.Lock()
	delete(p.conns, c)
	delete(p.conns, s)
	p.mu.Unlock()
}

// copy lets pass what comes from one side. Questions have somebody who asks.
func (p *proxy) copy(to, from, asker net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for passed := 0; ; {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		how := p.now()
		switch {
		case asker != nil && how.reply != "":
			if _, err := asker.Write([]byte(how.reply)); err != nil {
				return
			}
			continue
		case asker == nil && how.lost && passed >= how.after:
			return
		case asker == nil && how.late > 0:
			<-time.After(how.late)
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
		passed += n
	}
}
