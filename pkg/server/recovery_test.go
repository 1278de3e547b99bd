package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/storage"
)

// recoveryTime is the promise of SECURITY.md. It is kept to with ROPCD_SOAK set; otherwise the machine may be busy with
// other tests, and patience is the bound.
const (
	recoveryTime = 2 * time.Second
	patience     = 20 * time.Second
)

// outage is a column of the table of faults in SECURITY.md, which comes and goes while the server runs.
type outage struct {
	name       string
	begin, end func()
	suffers    map[string]int // what rows are answered meanwhile; others are well
}

// questions are the rows of the table. Grants are of the client whose secret costs a hash, and is in the store.
func (w *world) questions(of map[string]tokens) map[string]func() answer {
	client, ops := basic("/alpha", "chosen"), w.server.Ops(func() bool { return false })
	ask := func(name, body string) func() answer {
		return func() answer { return w.send(w.t, post(endpoint("/alpha", name), body, client)) }
	}
	probe := func(path string) func() answer {
		return func() answer {
			rec := httptest.NewRecorder()
			ops.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
			return answer{status: rec.Code, body: rec.Body.String()}
		}
	}
	return map[string]func() answer{
		"password grant": ask("access_token", passwordGrant("/alpha", "demo")),
		"refresh":        ask("access_token", form("grant_type", "refresh_token", "refresh_token", of["refresh"].refresh)),
		"introspection":  ask("introspect", form("token", of["introspection"].access)),
		"revocation":     ask("token/revoke", form("token", of["revocation"].access)),
		"token info": func() answer {
			return w.send(w.t, get(endpoint("/alpha", "tokeninfo"), "Authorization: Bearer "+of["token info"].access))
		},
		"metadata": func() answer {
			return w.send(w.t, get("/.well-known/oauth-authorization-server/oauth2/realms/root/realms/alpha"))
		},
		"healthz": probe("/healthz"), "readyz": probe("/readyz"),
	}
}

var rowsOfFaults = []string{"password grant", "refresh", "introspection", "revocation", "token info", "metadata", "healthz", "readyz"}

// well reports whether an answer is the right one.
func well(row string, a answer) bool {
	return a.status == http.StatusOK && (row != "introspection" || strings.Contains(a.body, `"active":true`))
}

// issue makes a grant for each row that needs one.
func (w *world) issue(t *testing.T) map[string]tokens {
	t.Helper()
	of := map[string]tokens{}
	for _, row := range rowsOfFaults[1:5] {
		of[row] = w.login(t, "/alpha", "chosen")
	}
	return of
}

// through lets an outage come and go, and returns how long each row took to be well again.
func (w *world) through(t *testing.T, o outage) []time.Duration {
	t.Helper()
	during, after := w.issue(t), w.issue(t)
	for _, p := range w.providers {
		p.Clients.Forget("/alpha", "chosen")
	}
	o.begin()
	for row, ask := range w.questions(during) {
		want, suffers := o.suffers[row]
		if a := ask(); (suffers && a.status != want) || (!suffers && !well(row, a)) {
			t.Errorf("%s: %s: %s", o.name, row, a)
		}
	}
	o.end()
	end := time.Now()
	took := make([]time.Duration, len(rowsOfFaults))
	bound := patience
	if os.Getenv("ROPCD_SOAK") != "" {
		bound = recoveryTime
	}
	var wg sync.WaitGroup
	questions := w.questions(after)
	for i, row := range rowsOfFaults {
		wg.Go(func() {
			for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
				a := questions[row]()
				if took[i] = time.Since(end); took[i] > bound {
					t.Errorf("%s: %s is not well %v after the end: %s", o.name, row, took[i], a)
				}
				if well(row, a) || took[i] > patience {
					return
				}
			}
		})
	}
	wg.Wait()
	return took
}

// all is one answer for several rows.
func all(status int, rows ...string) map[string]int {
	m := map[string]int{}
	for _, row := range rows {
		m[row] = status
	}
	return m
}

// TestEachFaultOfTheTableIsOverWhenItIsOver is each cell of the table: what is answered meanwhile, and that all is well
// afterwards although nobody did anything. A real store and a real source outside come and go in cmd/ropcd.
func TestEachFaultOfTheTableIsOverWhenItIsOver(t *testing.T) {
	t.Parallel()
	out := &broken{}
	w, store := newFaultyWorld(t, setup{
		strict: true, audit: out, timeout: time.Second, pool: password.PoolOptions{Workers: 1, MaxTickets: 1, Cost: time.Millisecond},
	})
	tokenRows := rowsOfFaults[:5]
	heal := func() { store.failAll(nil) }
	var ticket *password.Ticket
	down := all(503, append([]string{"readyz"}, tokenRows...)...)
	list := []outage{
		{name: "store down", suffers: down, begin: func() { store.failAll(faults[0].how) }, end: heal},
		{name: "store silent", suffers: down, end: heal, begin: func() {
			store.failAll(func(ctx context.Context) error {
				<-ctx.Done()
				return fmt.Errorf("%w: %w", storage.ErrUnavailable, ctx.Err())
			})
		}},
		{name: "damaged", suffers: all(500, tokenRows...), begin: func() { store.failAll(faults[2].how, "Ready") }, end: heal},
		{name: "panic", suffers: all(500, tokenRows...), begin: func() { store.failAll(faults[4].how, "Ready") }, end: heal},
		{name: "hashing queue full", suffers: all(503, tokenRows[:4]...), end: func() { ticket.Release() }, begin: func() {
			ticket = value(w.pool.Admit("another"))(t)
		}},
		{name: "audit, strict", suffers: all(503, "password grant", "refresh", "revocation"), begin: func() { out.full = true }, end: func() { out.full = false }},
		{name: "clock an hour ahead", begin: func() { w.clock.move(59 * time.Minute) }, end: func() { w.clock.move(-59 * time.Minute) }},
		{name: "clock a day behind", begin: func() { w.clock.move(-24 * time.Hour) }, end: func() { w.clock.move(24 * time.Hour) }},
	}
	text := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(text, "ms until well again\t%s\t\n", strings.Join(rowsOfFaults, "\t"))
	for _, o := range list {
		fmt.Fprintf(text, "%s\t", o.name)
		for _, took := range w.through(t, o) {
			fmt.Fprintf(text, "%d\t", took.Milliseconds())
		}
		fmt.Fprintln(text)
	}
	_ = text.Flush()
}
