package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// event is the newest line of the audit log.
func (w *world) event(t testing.TB) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(w.audit.String()), "\n")
	var e map[string]any
	must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &e))
	return e
}

// TestRefusedOwnersCannotBeToldApart compares bytes and the number of hashes; the audit log alone knows why.
func TestRefusedOwnersCannotBeToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	right := passwordOf("/alpha")
	var first answer
	for i, tc := range []struct{ name, username, password, reason string }{
		{"wrong password", "zoë", "wrong", "wrong_password"},
		{"unknown", "nobody", right, "unknown_user"},
		{"locked", "locked", right, "locked"},
		{"locked, wrong password", "locked", "wrong", "locked"},
		{"disabled", "off", right, "disabled"},
		{"disabled, wrong password", "off", "wrong", "disabled"},
		{"expired", "old", right, "expired"},
		{"without password", "nopass", right, "wrong_password"},
		{"over-long password", "demo", strings.Repeat("x", 1025), "wrong_password"},
		{"right password, cut off by NUL", "demo", right + "\x00", "wrong_password"},
		{"NUL alone", "demo", "\x00", "wrong_password"},
		{"over-long user name", strings.Repeat("x", 257), right, "unknown_user"},
		{"user name with NUL", "demo\x00", right, "unknown_user"},
		{"no user name at all", "\u202e", right, "unknown_user"},
		{"upper half of a name", "demo ", right, "unknown_user"},
	} {
		before := w.hashes.count.Load()
		a := w.send(t, post(endpoint("/alpha", "access_token"), form("grant_type", "password", "username", tc.username, "password", tc.password), basic("/alpha", "app")))
		if i == 0 {
			first = a
		}
		if diff := cmp.Diff(first.same(), a.same()); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
		if n := w.hashes.count.Load() - before; n != 1 {
			t.Errorf("%s: %d hashes, want 1", tc.name, n)
		}
		if e := w.event(t); e["reason"] != tc.reason || e["outcome"] != "denied" {
			t.Errorf("%s: audited as %v, want %s", tc.name, e, tc.reason)
		}
	}
}

// TestUserNamesHaveOneForm is for spellings that log in the same owner, and so share one account of attempts.
func TestUserNamesHaveOneForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for _, spelled := range []string{"zoë", "ZOË", "zoe\u0308", "ｚｏë"} {
		a := w.send(t, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", spelled), basic("/alpha", "app")))
		if a.status != 200 {
			t.Errorf("%q: %s", spelled, a)
		}
		if e := w.event(t); e["username"] != "zoë" {
			t.Errorf("%q is audited as %v", spelled, e["username"])
		}
	}
}

// TestRefusedClientsCannotBeToldApart is for every endpoint where clients authenticate, and both ways.
func TestRefusedClientsCannotBeToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	secret := func(id string) string { return secretOf("/alpha", id) }
	for _, name := range []string{"access_token", "introspect", "token/revoke"} {
		for _, way := range []string{"basic", "post"} {
			var first answer
			for i, tc := range []struct{ id, secret, reason string }{
				{"nobody", "wrong", "client_unknown"},
				{"app", "wrong", "client_secret"},
				{"dynamic", "wrong", "client_secret"},
				{"chosen", "wrong", "client_secret"},
				{"off", secret("off"), "client_secret"},
				{map[string]string{"basic": "post", "post": "basic"}[way], secret(map[string]string{"basic": "post", "post": "basic"}[way]), "client_secret"},
				{"open", "x", "client_secret"},
				{"app\x00", secret("app"), "client_unknown"},
				{"APP", secret("app"), "client_unknown"},
				{strings.Repeat("x", 3000), "wrong", "client_unknown"},
				{"app", strings.Repeat("x", 3000), "client_secret"},
			} {
				body := passwordGrant("/alpha", "demo", "token", "x")
				request := post(endpoint("/alpha", name), body, basicRaw(tc.id, tc.secret))
				if way == "post" {
					request = post(endpoint("/alpha", name), body+"&"+form("client_id", tc.id, "client_secret", tc.secret))
				}
				a := w.send(t, request)
				if i == 0 {
					first = a
				}
				if diff := cmp.Diff(first.same(), a.same()); diff != "" || a.json(t)["error"] != "invalid_client" {
					t.Errorf("%s by %s, %.20q: %s", name, way, tc.id, diff)
				}
				if e := w.event(t); e["reason"] != tc.reason {
					t.Errorf("%s by %s, %.20q: audited as %v", name, way, tc.id, e)
				}
			}
		}
	}
}
