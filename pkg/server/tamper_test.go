package server_test

import (
	"net/http"
	"strings"
	"testing"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// altered are all texts that differ from a token in one character: in each position by one other character, in the last
// one, whose spare bits a lenient decoder drops, by all others; shorter, longer, and with what decoders skip.
func altered(token string) []string {
	var list []string
	for i := range token {
		next := alphabet[(strings.IndexByte(alphabet, token[i])+1)%len(alphabet)]
		list = append(list, token[:i]+string(next)+token[i+1:])
	}
	for _, c := range alphabet {
		if last := token[:len(token)-1] + string(c); last != token {
			list = append(list, last)
		}
	}
	return append(list, token[:len(token)-1], token+"A", token+"=", token+"\n", token+"\x00", " "+token, strings.ToUpper(token), token+token)
}

func TestTokensWithAnyCharacterChangedAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	issued := w.login(t, "/alpha", "app")
	c := w.dial(t)
	app := basic("/alpha", "app")
	for _, token := range append(altered(issued.access), altered(issued.refresh)...) {
		if a := c.send(post(endpoint("/alpha", "introspect"), form("token", token), app)); a.status != http.StatusOK || a.body != `{"active":false}` {
			t.Fatalf("introspect %q: %s", token, a)
		}
		if a := c.send(post(endpoint("/alpha", "token/revoke"), form("token", token), app)); a.status != http.StatusOK || a.body != "{}" {
			t.Fatalf("revoke %q: %s", token, a)
		}
		if !strings.ContainsAny(token, "\n\x00 ") { // net/http refuses or trims such headers itself
			if a := c.send(get(endpoint("/alpha", "tokeninfo"), "Authorization: Bearer "+token)); a.status != http.StatusUnauthorized {
				t.Fatalf("tokeninfo %q: %s", token, a)
			}
		}
		a := c.send(post(endpoint("/alpha", "access_token"), form("grant_type", "refresh_token", "refresh_token", token), app))
		if a.status != http.StatusBadRequest || a.json(t)["error_description"] != "grant is invalid" {
			t.Fatalf("refresh with %q: %s", token, a)
		}
	}
	w.wantActive(t, "/alpha", "app", issued.access, true)
	w.wantActive(t, "/alpha", "app", issued.refresh, true)
	w.exchange(t, "/alpha", "app", form("grant_type", "refresh_token", "refresh_token", issued.refresh))
}

// wantActive introspects a token as a client.
func (w *world) wantActive(t testing.TB, key, client, token string, want bool) {
	t.Helper()
	a := w.send(t, post(endpoint(key, "introspect"), form("token", token), basic(key, client)))
	if active := a.json(t)["active"]; a.status != http.StatusOK || active != want {
		t.Errorf("introspection by %s of %s: want active %t\n%s", client, key, want, a)
	}
	if !want && a.body != `{"active":false}` {
		t.Errorf("a negative introspection says more: %s", a.body)
	}
}
