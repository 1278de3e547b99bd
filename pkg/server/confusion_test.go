package server_test

import (
	"net/http"
	"testing"
)

// TestNothingOfOneRealmWorksInAnother is for two realms that have clients and owners of the same names, a child, and the
// root: whatever one of them has made or knows is refused by every other.
func TestNothingOfOneRealmWorksInAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	keys := []string{"/alpha", "/beta", "/alpha/emea", "/"}
	issued := map[string]tokens{}
	for _, key := range keys {
		issued[key] = w.login(t, key, "app")
	}
	for _, home := range keys {
		for _, away := range keys {
			if home != away {
				t.Run(home+" at "+away, func(t *testing.T) { w.refuses(t, home, away, issued[home]) })
			}
		}
	}
	for key, mine := range issued {
		w.wantActive(t, key, "app", mine.access, true)
		w.wantActive(t, key, "app", mine.refresh, true)
	}
}

// refuses tries everything of home at away.
func (w *world) refuses(t *testing.T, home, away string, stolen tokens) {
	t.Helper()
	at := func(name string) string { return endpoint(away, name) }
	for _, tc := range []struct {
		name, request string
		status        int
		want          string // error, or the whole body
	}{
		{"a client's secret", post(at("access_token"), passwordGrant(away, "demo"), basic(home, "app")), 401, "invalid_client"},
		{"a client's secret in the body", post(at("access_token"), passwordGrant(away, "demo", "client_id", "app", "client_secret", secretOf(home, "app"))), 400, "invalid_client"},
		{"a client's secret at introspection", post(at("introspect"), form("token", stolen.access), basic(home, "app")), 401, "invalid_client"},
		{"a client's secret at revocation", post(at("token/revoke"), form("token", stolen.access), basic(home, "app")), 401, "invalid_client"},
		{"an owner's password", post(at("access_token"), passwordGrant(home, "demo"), basic(away, "app")), 400, "invalid_grant"},
		{"a refresh token", post(at("access_token"), form("grant_type", "refresh_token", "refresh_token", stolen.refresh), basic(away, "app")), 400, "invalid_grant"},
		{"an access token at introspection", post(at("introspect"), form("token", stolen.access), basic(away, "app")), 200, `{"active":false}`},
		{"a refresh token at introspection", post(at("introspect"), form("token", stolen.refresh), basic(away, "app")), 200, `{"active":false}`},
		{"an access token at revocation", post(at("token/revoke"), form("token", stolen.access), basic(away, "app")), 200, "{}"},
		{"a refresh token at revocation", post(at("token/revoke"), form("token", stolen.refresh), basic(away, "app")), 200, "{}"},
		{"an access token at token info", get(at("tokeninfo"), "Authorization: Bearer "+stolen.access), 401, "invalid_token"},
		{"a realm in the body", post(at("access_token"), passwordGrant(home, "demo", "realm", home), basic(home, "app")), 401, "invalid_client"},
	} {
		a := w.send(t, tc.request)
		if got := a.json(t)["error"]; a.status != tc.status || (got != tc.want && a.body != tc.want) {
			t.Errorf("%s: want %d %s\n%s", tc.name, tc.status, tc.want, a)
		}
	}
}

func TestNothingOfOneClientWorksForAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	mine := w.login(t, "/alpha", "app")
	for _, other := range []string{"other", "dynamic", "chosen", "reader", "auditor"} {
		for _, token := range []string{mine.access, mine.refresh} {
			a := w.send(t, post(endpoint("/alpha", "token/revoke"), form("token", token), basic("/alpha", other)))
			if a.status != http.StatusBadRequest || a.json(t)["error"] != "invalid_grant" {
				t.Errorf("revoked by %s: %s", other, a)
			}
			if a := w.send(t, post(endpoint("/alpha", "access_token"), form("grant_type", "refresh_token", "refresh_token", token), basic("/alpha", other))); a.status != http.StatusBadRequest {
				t.Errorf("refreshed by %s: %s", other, a)
			}
		}
		knows := other == "reader" || other == "auditor"
		w.wantActive(t, "/alpha", other, mine.access, knows)
		w.wantActive(t, "/alpha", other, mine.refresh, false)
	}
	w.wantActive(t, "/alpha", "app", mine.access, true)
	w.wantActive(t, "/alpha", "app", mine.refresh, true)
}

// TestTokensThatAreNotTheRealmsCostNoStoreCall: their MAC is wrong, so a store that is down makes no difference.
func TestTokensThatAreNotTheRealmsCostNoStoreCall(t *testing.T) {
	t.Parallel()
	w, store := newFaultyWorld(t, setup{})
	foreign := w.login(t, "/beta", "app")
	for _, method := range []string{"Inspect", "InspectOwner", "Refresh", "Revoke"} {
		store.fail(method, faults[0].how)
		w.refuses(t, "/beta", "/alpha", foreign)
		a := w.send(t, post(endpoint("/alpha", "introspect"), form("token", altered(foreign.access)[50]), basic("/alpha", "app")))
		if a.body != `{"active":false}` {
			t.Error(a)
		}
	}
}
