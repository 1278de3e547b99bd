package server_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// amBase is what a user of AM sets as server.base_url.
const amBase = "https://as.example/am"

// newAM is a world whose endpoints hang under the path of amBase.
func newAM(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, setup{baseURL: amBase})
	list := sources(t)
	for _, s := range list {
		s.Realm.Issuer = amBase + "/oauth2/" + s.Realm.Path.LongForm()
	}
	w.swap(list)
	return w
}

func TestEndpointsHangUnderThePathOfBaseURL(t *testing.T) {
	w := newAM(t)
	body := passwordGrant("/alpha", "demo")
	for path, want := range map[string]int{
		"/am/oauth2/realms/root/realms/alpha/access_token": 200,
		"/am/oauth2/realms/alpha/access_token":             200,
		"/am/oauth2/alpha/access_token":                    200,
		"/am/oauth2/access_token?realm=/alpha":             200,
		"/oauth2/realms/root/realms/alpha/access_token":    404,
		"/oauth2/alpha/access_token":                       404,
		"/am/am/oauth2/alpha/access_token":                 404,
		"/AM/oauth2/alpha/access_token":                    404,
		"/am//oauth2/alpha/access_token":                   404,
		"/amoauth2/alpha/access_token":                     404,
	} {
		a := w.send(t, post(path, body, basic("/alpha", "app")))
		if a.status != want {
			t.Errorf("%s: %s", path, a)
		}
	}
}

func TestMetadataUnderAPathIsInBothPlaces(t *testing.T) {
	w := newAM(t)
	const at = amBase + "/oauth2/realms/root/realms/alpha"
	var bodies []string
	for _, path := range []string{
		"/.well-known/oauth-authorization-server/am/oauth2/realms/root/realms/alpha",
		"/am/oauth2/realms/root/realms/alpha/.well-known/openid-configuration",
	} {
		a := w.send(t, get(path))
		if a.status != http.StatusOK {
			t.Fatalf("%s: %s", path, a)
		}
		bodies = append(bodies, a.body)
		m := a.json(t)
		got := []any{m["issuer"], m["token_endpoint"], m["introspection_endpoint"], m["revocation_endpoint"]}
		if diff := cmp.Diff([]any{at, at + "/access_token", at + "/introspect", at + "/token/revoke"}, got); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
	}
	if bodies[0] != bodies[1] {
		t.Errorf("two documents:\n%s\n%s", bodies[0], bodies[1])
	}
	for _, path := range []string{
		"/.well-known/oauth-authorization-server/oauth2/realms/root/realms/alpha",
		"/am/.well-known/oauth-authorization-server/oauth2/realms/root/realms/alpha",
		"/.well-known/oauth-authorization-server/am",
		"/.well-known/oauth-authorization-server",
	} {
		if a := w.send(t, get(path)); a.status != http.StatusNotFound {
			t.Errorf("%s: %s", path, a)
		}
	}
}

// What is announced works: a client that starts from the metadata gets its token.
func TestAnnouncedEndpointsWork(t *testing.T) {
	w := newAM(t)
	m := w.send(t, get("/am/oauth2/alpha/.well-known/openid-configuration")).json(t)
	path := func(name string) string {
		url, _ := m[name].(string)
		return url[len("https://as.example"):]
	}
	a := w.send(t, post(path("token_endpoint"), passwordGrant("/alpha", "demo"), basic("/alpha", "app")))
	access, _ := a.json(t)["access_token"].(string)
	a = w.send(t, post(path("introspection_endpoint"), form("token", access), basic("/alpha", "app")))
	if got := a.json(t); got["active"] != true || got["iss"] != m["issuer"] {
		t.Errorf("introspection: %s", a)
	}
	if a = w.send(t, post(path("revocation_endpoint"), form("token", access), basic("/alpha", "app"))); a.body != "{}" {
		t.Errorf("revocation: %s", a)
	}
}
