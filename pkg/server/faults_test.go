package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// faults are the ways to fail, with the answer that each gets.
var faults = []struct {
	name   string
	how    func(ctx context.Context) error
	status int
	code   string
	reason string
}{
	{"down", func(context.Context) error { return fmt.Errorf("dial: %w", storage.ErrUnavailable) }, 503, "temporarily_unavailable", "store"},
	{"silent", func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			return errors.New("it would never end")
		}
		return fmt.Errorf("%w: %w", storage.ErrUnavailable, context.DeadlineExceeded)
	}, 503, "temporarily_unavailable", "store"},
	{"damaged", func(context.Context) error { return fmt.Errorf("read: %w", storage.ErrDamaged) }, 500, "server_error", "internal"},
	{"unheard of", func(context.Context) error { return errors.New("canary-of-the-store") }, 500, "server_error", "internal"},
	{"panicking", func(context.Context) error { panic("canary-of-the-store") }, 500, "server_error", ""},
}

// TestFaultsOfTheStoreAreNeverAnswers is section 2 of SECURITY: no 401, no 200, no active:false because of us.
func TestFaultsOfTheStoreAreNeverAnswers(t *testing.T) {
	t.Parallel()
	w, store := newFaultyWorld(t, setup{})
	client := basic("/alpha", "dynamic") // the one that is in the store
	token := func(name, body string) string { return post(endpoint("/alpha", name), body, client) }
	for _, tc := range []struct {
		method string
		hashes int64 // before the fault
		call   func(issued tokens) string
	}{
		{"Client", 0, func(tokens) string { return token("access_token", passwordGrant("/alpha", "demo")) }},
		{"Begin", 0, func(tokens) string { return token("access_token", passwordGrant("/alpha", "demo")) }},
		{"Finish", 1, func(tokens) string { return token("access_token", passwordGrant("/alpha", "demo")) }},
		{"Finish", 1, func(tokens) string {
			return token("access_token", form("grant_type", "password", "username", "zoë", "password", "wrong"))
		}},
		{"Client", 0, func(i tokens) string {
			return token("access_token", form("grant_type", "refresh_token", "refresh_token", i.refresh))
		}},
		{"Refresh", 0, func(i tokens) string {
			return token("access_token", form("grant_type", "refresh_token", "refresh_token", i.refresh))
		}},
		{"Client", 0, func(i tokens) string { return token("introspect", form("token", i.access)) }},
		{"Inspect", 0, func(i tokens) string { return token("introspect", form("token", i.access)) }},
		{"Inspect", 0, func(i tokens) string { return token("introspect", form("token", i.refresh)) }},
		{"Client", 0, func(i tokens) string { return token("token/revoke", form("token", i.access)) }},
		{"Revoke", 0, func(i tokens) string { return token("token/revoke", form("token", i.access)) }},
		{"Revoke", 0, func(i tokens) string { return token("token/revoke", form("token", i.refresh)) }},
		{"InspectOwner", 0, func(i tokens) string {
			return get(endpoint("/alpha", "tokeninfo"), "Authorization: Bearer "+i.access)
		}},
		{"Client", 0, func(i tokens) string {
			return get(endpoint("/alpha", "tokeninfo"), "Authorization: Bearer "+i.access)
		}},
	} {
		for _, fault := range faults {
			name := tc.method + " " + fault.name
			issued := w.login(t, "/alpha", "dynamic")
			for _, p := range w.providers {
				p.Clients.Forget("/alpha", "dynamic")
			}
			store.fail(tc.method, fault.how)
			before := w.hashes.count.Load()
			a := w.send(t, tc.call(issued))
			want := `{"error":"server_error","error_description":"Internal error, request ` + a.header("X-Request-Id") + `"}`
			if fault.status == http.StatusServiceUnavailable {
				want = `{"error":"temporarily_unavailable","error_description":"Service temporarily unavailable"}`
			}
			if a.status != fault.status || a.body != want || (a.header("Retry-After") != "") != (fault.status == 503) {
				t.Errorf("%s: %s", name, a)
			}
			if n := w.hashes.count.Load() - before; n != tc.hashes {
				t.Errorf("%s: %d hashes, want %d", name, n, tc.hashes)
			}
			if e := w.event(t); fault.reason != "" && (e["outcome"] != "fault" || e["reason"] != fault.reason || e["request_id"] != a.header("X-Request-Id")) {
				t.Errorf("%s: audited as %v", name, e)
			}
			store.fail(tc.method, nil) // it recovers by itself
			w.wantActive(t, "/alpha", "dynamic", issued.access, true)
			w.wantActive(t, "/alpha", "dynamic", issued.refresh, true)
		}
	}
}

// TestAStoreThatHangsIsLeftAtTheDeadline waits for a short one; that every call has one is seen above.
func TestAStoreThatHangsIsLeftAtTheDeadline(t *testing.T) {
	t.Parallel()
	w, store := newFaultyWorld(t, setup{timeout: 50 * time.Millisecond})
	for method, client := range map[string]string{"Client": "dynamic", "Begin": "app"} {
		store.fail(method, func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("%w: %w", storage.ErrUnavailable, ctx.Err())
		})
		a := w.send(t, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", "demo"), basic("/alpha", client)))
		if a.status != http.StatusServiceUnavailable || a.json(t)["error"] != "temporarily_unavailable" {
			t.Errorf("%s: %s", method, a)
		}
	}
}

// TestFaultsChargeNobody: more faults than the threshold, and the right password still logs in.
func TestFaultsChargeNobody(t *testing.T) {
	t.Parallel()
	w, store := newFaultyWorld(t, setup{})
	for _, method := range []string{"Begin", "Finish"} {
		store.fail(method, faults[0].how)
		for range 2 * declared("/alpha").Lockout.Threshold {
			if a := w.send(t, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", "demo"), basic("/alpha", "app"))); a.status != 503 {
				t.Fatal(a)
			}
		}
		if grants := value(w.store.GrantsOf(context.Background(), "/alpha", "demo"))(t); len(grants) > 0 {
			t.Errorf("%d grants came from a store that failed", len(grants))
		}
	}
	store.fail("", nil)
	w.login(t, "/alpha", "app")
}

// TestAFullPoolIsNoRefusal: nobody is charged, and nobody is told apart.
func TestAFullPoolIsNoRefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.pool.Close() // as when the process stops
	for _, username := range []string{"demo", "nobody", "locked"} {
		a := w.send(t, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", username), basic("/alpha", "app")))
		if a.status != 503 || a.header("Retry-After") == "" {
			t.Errorf("%s: %s", username, a)
		}
		if e := w.event(t); e["outcome"] != "fault" || e["reason"] != "queue" {
			t.Errorf("%s: audited as %v", username, e)
		}
	}
	a := w.send(t, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", "demo"), basic("/alpha", "chosen")))
	if a.status != 503 {
		t.Errorf("a client with a chosen secret: %s", a)
	}
}

func TestAPanicIsLoggedWithoutItsValue(t *testing.T) {
	t.Parallel()
	w, store := newFaultyWorld(t, setup{})
	store.fail("Begin", func(context.Context) error { panic("canary-of-the-store") })
	a := w.send(t, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", "demo"), basic("/alpha", "app")))
	if a.status != http.StatusInternalServerError {
		t.Error(a)
	}
	wantLog(t, w, `"msg":"panic"`, `"error":"panic of string"`, `"level":"ERROR","msg":"request"`, a.header("X-Request-Id"))
	if strings.Contains(w.log.String(), "canary") {
		t.Error("the value of the panic is in the log")
	}
	store.fail("", nil)
	w.login(t, "/alpha", "app")
}
