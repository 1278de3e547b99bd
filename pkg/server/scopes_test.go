package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/realm"
)

// A scope that is called like a key of the answer does not replace it, nor does it come twice.
func TestTokenInfoKeepsItsKeysWhateverScopesAreCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	names := []string{"sub", "client_id", "access_token", "expires_in", "scope", "mail", "<b>&", `a"b`}
	w.addClients(t, with("/alpha", "odd", func(c *realm.Client) { c.Scopes = names }))
	issued := w.login(t, "/alpha", "odd", "scope", strings.Join(names, " "))
	a := w.send(t, get("/oauth2/alpha/tokeninfo", "Authorization: Bearer "+issued.access))
	scopes := make([]any, len(names))
	for i, n := range names {
		scopes[i] = n
	}
	want := map[string]any{
		"access_token": issued.access, "token_type": "Bearer", "expires_in": 3600.0, "scope": scopes, "client_id": "odd", "realm": "/alpha",
		"grant_type": "password", "sub": "id-of-demo", "mail": "demo@example.org", "<b>&": "", `a"b`: "",
	}
	if diff := cmp.Diff(want, a.json(t)); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(a.body, `"sub":`); n != 1 {
		t.Errorf("sub is there %d times: %s", n, a)
	}
}

// Whole seconds that remain: none in the last one, and then the token is none.
func TestExpiresInCountsWholeSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	issued := w.login(t, "/alpha", "app")
	ask := func() (answer, answer) {
		return w.send(t, get("/oauth2/alpha/tokeninfo", "Authorization: Bearer "+issued.access)),
			w.send(t, post("/oauth2/alpha/introspect", form("token", issued.access), basic("/alpha", "app")))
	}
	w.clock.move(time.Hour - 500*time.Millisecond) // a login takes less
	info, document := ask()
	if left, there := info.json(t)["expires_in"]; !there || left != 0.0 {
		t.Errorf("tokeninfo: %s", info)
	}
	if left, there := document.json(t)["expires_in"]; !there || left != 0.0 {
		t.Errorf("introspection: %s", document)
	}
	w.clock.move(time.Minute)
	if info, document = ask(); info.status != http.StatusUnauthorized || document.body != `{"active":false}` {
		t.Errorf("expired: %s\n%s", info, document)
	}
}
