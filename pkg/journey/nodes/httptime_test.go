package nodes_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ropcd/ropcd/pkg/journey"
)

// pipes are a network in a bubble: connections take no time, and everything on them takes what the test says.
type pipes struct {
	accepted     chan net.Conn
	closed       chan struct{}
	dialled      atomic.Int32
	open         atomic.Int32
	unreachable  bool
	asked        atomic.Int32
	answer       http.HandlerFunc // the first one
	next         atomic.Pointer[http.HandlerFunc]
	server       http.Server
	set          *journey.Set
	settingsMore string
}

type pipeEnd struct {
	net.Conn
	once atomic.Bool
	open *atomic.Int32
}

func (p *pipeEnd) Close() error {
	if p.once.CompareAndSwap(false, true) {
		p.open.Add(-1)
	}
	return p.Conn.Close()
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if p.unreachable {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	here, there := net.Pipe()
	p.dialled.Add(1)
	p.open.Add(1)
	p.accepted <- there
	return &pipeEnd{Conn: here, open: &p.open}, nil
}

// say sets what is answered from now on.
func (p *pipes) say(answer http.HandlerFunc) { p.next.Store(&answer) }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// start starts the service. The returned function runs the journey and tells how it ended and how long that took.
func (p *pipes) start(t *testing.T) func(ctx context.Context, locked bool) (string, time.Duration) {
	t.Helper()
	p.say(p.answer)
	p.accepted, p.closed = make(chan net.Conn), make(chan struct{})
	p.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		(*p.next.Load())(w, r)
	})
	go p.server.Serve(p)
	settings := `{url: "http://127.0.0.1/check", secret_file: secret` + p.settingsMore + `}`
	set, problems := buildAsking(hooked(p.dial), filesOf(map[string]string{"secret": secretFile}), settings)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p.set = set
	j, _ := set.Journey("main")
	return func(ctx context.Context, locked bool) (string, time.Duration) {
		in := canaries()
		in.Locked = locked
		begin := time.Now()
		result, err := j.Run(ctx, in)
		took := time.Since(begin)
		switch {
		case errors.Is(err, journey.ErrUnavailable):
			checkFault(t, result, err)
			return "unavailable", took
		case err != nil:
			checkFault(t, result, err)
			return "fault", took
		}
		return result.Trail[len(result.Trail)-1].Outcome, took
	}
}

func (p *pipes) stop() {
	_ = p.set.Close()
	_ = p.server.Close()
}

// after is an answer that takes its time, or ends with its request.
func after(d time.Duration, code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		case <-r.Context().Done():
		}
	}
}

const ms = time.Millisecond

// The time of a refusal does not tell what the service thinks of the user, nor that it was not asked.
func TestHTTPDecisionRefusesInTheTimeOfAWrongPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{settingsMore: `, attributes: {mail: mail}, statuses: {200: true, 204: true, 401: false, 403: false, 404: false, 423: locked, 410: expired}`}
		run := p.start(t)
		defer p.stop()
		asked := int32(0)
		for _, tt := range []struct {
			name   string
			answer http.HandlerFunc // nil: locked, and nobody asks
			want   string
			took   time.Duration
		}{
			{"locked before anything is known", nil, "locked", 0},
			{"unknown before anything is known", after(ms, 404, ""), "false", ms},
			{"locked before a wrong password is known", nil, "locked", 0},
			{"wrong", after(300*ms, 401, ""), "false", 300 * ms},
			{"locked", nil, "locked", 300 * ms},
			{"unknown", after(ms, 404, ""), "false", 300 * ms},
			{"forbidden", after(299*ms, 403, ""), "false", 300 * ms},
			{"locked there", after(0, 423, ""), "locked", 300 * ms},
			{"expired there", after(ms, 410, ""), "expired", 300 * ms},
			{"slower than a wrong password", after(400*ms, 404, ""), "false", 400 * ms},
			{"right", after(ms, 204, ""), "true", ms},
			{"a yes that is broken", after(ms, 200, "nonsense"), "fault", ms},
			{"locked after that", nil, "locked", 300 * ms},
		} {
			p.say(tt.answer)
			got, took := run(t.Context(), tt.answer == nil)
			if tt.answer != nil {
				asked++
			}
			if got != tt.want || took != tt.took || p.asked.Load() != asked {
				t.Errorf("%s: %q after %v, asked %d times, want %q after %v, %d", tt.name, got, took, p.asked.Load(), tt.want, tt.took, asked)
			}
		}
	})
}

func TestHTTPDecisionKnowsTheStatusOfAWrongPassword(t *testing.T) {
	for settings, wrong := range map[string]int{
		`{200: true, 400: false, 401: false}`:                401,
		`{200: true, 400: locked, 422: false, 498: "false"}`: 422,
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &pipes{settingsMore: ", statuses: " + settings, answer: after(300*ms, wrong, "")}
			run := p.start(t)
			defer p.stop()
			run(t.Context(), false)
			p.say(after(ms, 400, ""))
			if got, took := run(t.Context(), false); took != 300*ms {
				t.Errorf("%s: %q after %v", settings, got, took)
			}
		})
	}
}

func TestHTTPDecisionEndsWithItsTime(t *testing.T) {
	for name, tt := range map[string]struct {
		*pipes
		timeout, want time.Duration
	}{
		"a slow answer":       {&pipes{answer: after(time.Hour, 200, "")}, time.Hour, 1500 * ms},
		"a caller in a hurry": {&pipes{answer: after(time.Hour, 200, "")}, time.Second, 1500 * ms}, // it is evaluated to its end
		"its own time":        {&pipes{answer: after(time.Hour, 200, ""), settingsMore: ", timeout: 70ms"}, time.Hour, 70 * ms},
		"no connection":       {&pipes{unreachable: true}, time.Hour, 1500 * ms},
		"a slow body": {&pipes{settingsMore: ", attributes: {mail: mail}", answer: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"mail":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}}, time.Hour, 1500 * ms},
	} {
		synctest.Test(t, func(t *testing.T) {
			run := tt.start(t)
			defer tt.stop()
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			if got, took := run(ctx, false); got != "unavailable" || took != tt.want {
				t.Errorf("%s: %q after %v", name, got, took)
			}
		})
	}
}

// While nobody gets an answer, the locked don't get one either.
func TestHTTPDecisionRefusesNobodyWhileTheServiceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{}
		run := p.start(t)
		defer p.stop()
		expect := func(name string, locked bool, want string, wantTook time.Duration) {
			t.Helper()
			if got, took := run(t.Context(), locked); got != want || took != wantTook {
				t.Errorf("%s: %q after %v, want %q after %v", name, got, took, want, wantTook)
			}
		}
		p.say(after(30*ms, 401, ""))
		expect("wrong", false, "false", 30*ms)
		p.say(after(20*ms, 503, ""))
		expect("down", false, "unavailable", 20*ms)
		expect("locked, down", true, "unavailable", 20*ms)
		p.say(after(10*ms, 302, ""))
		expect("redirected", false, "fault", 10*ms)
		expect("locked, redirected", true, "fault", 10*ms)
		p.say(after(time.Hour, 401, ""))
		expect("slow", false, "unavailable", 1500*ms)
		expect("locked, slow", true, "unavailable", 1500*ms)
		p.say(after(30*ms, 401, ""))
		expect("well again", false, "false", 30*ms)
		expect("locked, well again", true, "locked", 30*ms)
		p.say(after(ms, 503, ""))
		expect("down again", false, "unavailable", ms)
		<-time.After(6 * time.Second)
		expect("locked, nobody has asked for long", true, "locked", 30*ms)
		if n := p.asked.Load(); n != 6 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestHTTPDecisionTakesNoHangUpForAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{answer: after(30*ms, 401, ""), settingsMore: `, statuses: {200: true, 401: false, 404: false}`}
		run := p.start(t)
		defer p.stop()
		run(t.Context(), false)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*ms, cancel)
		if got, took := run(ctx, false); got != "false" || took != 30*ms { // it is evaluated to its end
			t.Errorf("hung up: %q after %v", got, took)
		}
		if got, took := run(t.Context(), true); got != "locked" || took != 30*ms {
			t.Errorf("locked: %q after %v", got, took)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 10*ms)
		defer cancel()
		if got, took := run(ctx, true); got != "unavailable" || took != 10*ms {
			t.Errorf("locked, in a hurry: %q after %v", got, took)
		}
		p.say(after(ms, 404, ""))
		ctx, cancel = context.WithTimeout(t.Context(), 10*ms)
		defer cancel()
		if got, took := run(ctx, false); got != "false" || took != 30*ms {
			t.Errorf("unknown, in a hurry: %q after %v", got, took)
		}
	})
}

func TestHTTPDecisionBoundsAndKeepsItsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{answer: after(500*ms, 200, "body")}
		run := p.start(t)
		defer p.stop()
		ended := make(chan time.Duration, 100)
		for range cap(ended) {
			go func() {
				got, took := run(t.Context(), false)
				if got != "true" {
					t.Error(got)
				}
				ended <- took
			}()
		}
		later := 0
		for range cap(ended) {
			if <-ended == 1000*ms {
				later++
			}
		}
		if n := p.dialled.Load(); n != 64 || later != cap(ended)-64 {
			t.Errorf("%d connections, %d waited", n, later)
		}
		if run(t.Context(), false); p.dialled.Load() != 64 || p.open.Load() != 64 {
			t.Errorf("%d connections made, %d open", p.dialled.Load(), p.open.Load())
		}
		if err := p.set.Close(); err != nil {
			t.Error(err)
		}
		if synctest.Wait(); p.open.Load() != 0 {
			t.Errorf("%d connections are open when the journeys are closed", p.open.Load())
		}
		if got, _ := run(t.Context(), false); got != "true" {
			t.Errorf("a run under way: %q", got)
		}
		<-time.After(5 * time.Second)
		if synctest.Wait(); p.open.Load() != 0 {
			t.Errorf("%d connections are open though nobody needs them", p.open.Load())
		}
	})
}
