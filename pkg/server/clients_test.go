package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
)

// addClients gives the realm /alpha more static clients, as a reload would.
func (w *world) addClients(t *testing.T, more ...*realm.Client) {
	t.Helper()
	list := sources(t)
	i := slices.IndexFunc(list, func(s provider.Source) bool { return s.Realm.Path == "/alpha" })
	list[i].Realm.Clients = append(list[i].Realm.Clients, more...)
	w.swap(list)
}

// withSecret is a client of /alpha whose secret is one that the encodings disagree on.
func withSecret(id, secret string) *realm.Client {
	return with("/alpha", id, func(c *realm.Client) { c.SecretHash = password.HashSecret("/alpha", id, secret) })
}

// Section 2 of the contract: id and secret are accepted as sent or form-decoded.
func TestSecretsAreAcceptedInBothReadings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	all := []string{"plain", "a+b", "a b", "a%41", "50%", "%", "+", "x:y", ":", "=&;", "ünï", "%2525", "\x00", "\"\\\r\n"}
	var list []*realm.Client
	for i, secret := range all {
		list = append(list, withSecret(string(rune('A'+i)), secret))
	}
	w.addClients(t, list...)
	body := passwordGrant("/alpha", "demo")
	for i, secret := range all {
		id := list[i].ID
		for name, request := range map[string]string{
			"raw":     post("/oauth2/alpha/access_token", body, basicRaw(id, secret)),
			"encoded": post("/oauth2/alpha/access_token", body, basicRaw(id, url.QueryEscape(secret))),
			"path":    post("/oauth2/alpha/access_token", body, basicRaw(id, strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"))),
			"form":    post("/oauth2/alpha/access_token", body+"&"+form("client_id", id, "client_secret", secret)),
		} {
			if a := w.send(t, request); a.status != http.StatusOK {
				t.Errorf("%q %s: %s", secret, name, a)
			}
		}
		for name, wrong := range map[string]string{"longer": secret + "x", "another": all[(i+1)%len(all)], "twice": secret + secret} {
			if a := w.send(t, post("/oauth2/alpha/access_token", body, basicRaw(id, wrong))); a.status != http.StatusUnauthorized {
				t.Errorf("%q, %s: %s", secret, name, a)
			}
		}
	}
}

// A form is decoded once: what a header may say in two ways, a body says in one.
func TestSecretsInTheBodyAreDecodedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.addClients(t, withSecret("A", "a b"))
	for _, wrong := range []string{"a+b", "a%20b", "a%2520b"} {
		body := passwordGrant("/alpha", "demo") + "&" + form("client_id", "A", "client_secret", wrong)
		if a := w.send(t, post("/oauth2/alpha/access_token", body)); a.status != http.StatusBadRequest || a.json(t)["error"] != "invalid_client" {
			t.Errorf("%q: %s", wrong, a)
		}
	}
}

// Of two clients whose ids are readings of each other, each secret shows its own, and the audit log knows which.
func TestReadingsOfAnIDDoNotMixClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.addClients(t, withSecret("p q", "secret of the space"), withSecret("p+q", "secret of the plus"))
	for _, tc := range []struct{ header, want string }{
		{basicRaw("p+q", "secret of the plus"), "p+q"},
		{basicRaw("p+q", "secret+of+the+space"), "p q"},
		{basicRaw("p%2Bq", "secret+of+the+plus"), "p+q"},
		{basicRaw("p q", "secret of the space"), "p q"},
		{basicRaw("p q", "secret of the plus"), ""},
		{basicRaw("p%2Bq", "secret of the space"), ""},
	} {
		a := w.send(t, post("/oauth2/alpha/access_token", form("grant_type", "password", "username", "demo", "password", "wrong"), tc.header))
		e := w.event(t)
		if tc.want == "" {
			if a.status != http.StatusUnauthorized || e["reason"] != "client_secret" {
				t.Errorf("%s: %s, audited as %v", tc.header, a, e)
			}
			continue
		}
		if a.status != http.StatusBadRequest || e["client_id"] != tc.want || e["reason"] != "wrong_password" {
			t.Errorf("%s: %s, audited as %v, want %q", tc.header, a, e, tc.want)
		}
		w.send(t, post("/oauth2/alpha/access_token", passwordGrant("/alpha", "demo"), tc.header)) // clears the failure
		w.event(t)
	}
}

// A dynamic client that was just read in one realm is nobody in another.
func TestClientCacheKnowsTheRealm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for range 2 {
		w.login(t, "/alpha", "dynamic")
		w.login(t, "/beta", "dynamic")
		w.login(t, "/alpha", "chosen")
		for _, id := range []string{"dynamic", "chosen"} {
			a := w.send(t, post("/oauth2/beta/access_token", passwordGrant("/beta", "demo"), basic("/alpha", id)))
			if a.status != http.StatusUnauthorized {
				t.Errorf("%s of /alpha at /beta: %s", id, a)
			}
		}
	}
}
