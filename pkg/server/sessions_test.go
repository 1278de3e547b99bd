package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/realm"
)

// limitSessions reloads the realm /alpha with a limit.
func (w *world) limitSessions(t *testing.T, limit realm.GrantLimit) {
	t.Helper()
	w.reload(t, func(r *realm.Realm) {
		if r.Path.Key() == "/alpha" {
			r.Provider.GrantLimit = limit
		}
	})
}

// Bytes and hashes are those of a wrong password; the audit log alone knows why.
func TestOneSessionTooManyCannotBeToldFromAWrongPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.limitSessions(t, realm.GrantLimit{Most: 1})
	issued := w.login(t, "/alpha", "app")
	var first answer
	for i, tc := range []struct{ password, reason string }{{"wrong", "wrong_password"}, {passwordOf("/alpha"), "sessions"}} {
		before := w.hashes.count.Load()
		body := form("grant_type", "password", "username", "demo", "password", tc.password)
		a := w.send(t, post(endpoint("/alpha", "access_token"), body, basic("/alpha", "app")))
		if i == 0 {
			first = a
		}
		if diff := cmp.Diff(first.same(), a.same()); diff != "" {
			t.Errorf("%s: %s", tc.reason, diff)
		}
		if n := w.hashes.count.Load() - before; n != 1 {
			t.Errorf("%s: %d hashes, want 1", tc.reason, n)
		}
		if e := w.event(t); e["event"] != "grant" || e["reason"] != tc.reason || e["outcome"] != "denied" || e["grant_id"] != nil || e["evicted"] != nil {
			t.Errorf("%s: audited as %v", tc.reason, e)
		}
	}
	w.wantActive(t, "/alpha", "app", issued.access, true)
}

func TestEvictedSessionsAreOverAndAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.limitSessions(t, realm.GrantLimit{Most: 2, EvictOldest: true})
	first := w.login(t, "/alpha", "app")
	oldest := w.event(t)["grant_id"]
	w.clock.move(time.Second)
	second := w.login(t, "/alpha", "app")
	if e := w.event(t); e["evicted"] != nil {
		t.Errorf("a login that has room is audited as %v", e)
	}
	w.login(t, "/alpha", "app")
	if diff := cmp.Diff([]any{oldest}, w.event(t)["evicted"]); diff != "" {
		t.Errorf("evicted: %s", diff)
	}
	w.wantOver(t, "/alpha", "app", first)
	w.wantActive(t, "/alpha", "app", second.access, true)
}

// The attack: log in many times at once to get around the limit.
func TestParallelSessionsStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.limitSessions(t, realm.GrantLimit{Most: 3})
	granted := 0
	for _, a := range w.atOnce(t, 20, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", "demo"), basic("/alpha", "app"))) {
		if a.status == http.StatusOK {
			granted++
		}
	}
	if list := value(w.store.GrantsOf(t.Context(), "/alpha", "demo"))(t); len(list) != 3 || granted != 3 {
		t.Errorf("%d sessions, %d granted", len(list), granted)
	}
}
