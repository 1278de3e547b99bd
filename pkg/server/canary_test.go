package server_test

import (
	"encoding/base64"
	"net/url"
	"os"
	"strings"
	"testing"
)

// TestSecretsAreNowhere plants passwords, client secrets and tokens in every place that a client could put them, right
// and wrong, and then searches everything that is left of the requests.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	app := basic("/alpha", "app")
	token := endpoint("/alpha", "access_token")
	canary := "canary-password"
	issued := w.login(t, "/alpha", "app")
	next := w.exchange(t, "/alpha", "app", form("grant_type", "refresh_token", "refresh_token", issued.refresh))
	chosen := w.login(t, "/alpha", "chosen")
	secrets := []string{
		canary, "canary-secret", "canary-totp", "canary-token", "canary-in-a-panic", passwordOf("/alpha"), secretOf("/alpha", "app"), secretOf("/alpha", "chosen"),
		issued.access, issued.refresh, next.access, next.refresh, chosen.access, chosen.refresh,
	}
	for _, request := range []string{
		post(token, form("grant_type", "password", "username", "demo", "password", canary), app),
		post(token, form("grant_type", "password", "username", "nobody", "password", canary, "totp", "canary-totp", "auth_chain", "Gold"), app),
		post(token, passwordGrant("/alpha", "demo", "totp", "canary-totp", "auth_chain", "Gold"), app),
		post(token, passwordGrant("/alpha", "demo", "auth_chain", "Panics"), app),
		post(token, passwordGrant("/alpha", "demo", "auth_chain", "Broken"), app),
		post(token, passwordGrant("/alpha", "demo", "scope", "admin"), app),
		post(token, passwordGrant("/alpha", "demo", "client_id", "app", "client_secret", "canary-secret")),
		post(token, passwordGrant("/alpha", "demo"), basicRaw("app", "canary-secret")),
		post(token, passwordGrant("/alpha", "demo"), basicRaw("nobody", "canary-secret")),
		post(token, passwordGrant("/alpha", "demo"), "Authorization: Bearer canary-token"),
		post(token+"?password="+canary+"&token=canary-token&client_secret=canary-secret", passwordGrant("/alpha", "demo"), app),
		post(token+"?access_token=canary-token&x="+canary, "x="+canary+"%zz", app),
		post("/oauth2/nowhere/access_token?password="+canary, passwordGrant("/alpha", "demo"), app),
		post("/nowhere?password="+canary, passwordGrant("/alpha", "demo"), app),
		post(token, form("grant_type", "refresh_token", "refresh_token", "canary-token"), app),
		post(token, form("grant_type", "refresh_token", "refresh_token", issued.refresh), basic("/alpha", "other")),
		post(endpoint("/alpha", "introspect"), form("token", "canary-token"), app),
		post(endpoint("/alpha", "introspect"), form("token", next.access), app),
		post(endpoint("/alpha", "introspect")+"?token="+next.access, "", app),
		post(endpoint("/alpha", "token/revoke"), form("token", next.refresh), basic("/alpha", "other")),
		post(endpoint("/alpha", "token/revoke"), form("token", next.access), app),
		get(endpoint("/alpha", "tokeninfo")+"?access_token="+next.access, "Authorization: Bearer canary-token"),
		get(endpoint("/alpha", "tokeninfo"), "Authorization: Bearer "+chosen.access, "X-Request-Id: canary-token", "User-Agent: canary-token", "Referer: canary-token"),
	} {
		if a := w.send(t, request); strings.Contains(a.same(), "canary") {
			t.Errorf("echoed: %s", a)
		}
	}
	file := string(value(os.ReadFile(w.file))(t))
	for name, text := range map[string]string{"log": w.log.String(), "audit": w.audit.String(), "metrics": w.metrics(t), "store": file} {
		if len(text) < 100 {
			t.Errorf("there is no %s", name)
		}
		for _, secret := range secrets {
			for _, spelled := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret)), strings.TrimPrefix(strings.TrimPrefix(secret, "at_"), "rt_")} {
				if strings.Contains(text, spelled) {
					t.Errorf("%s is in the %s", secret, name)
				}
			}
		}
	}
	w.holdsNoTokenBytes(t, file, issued.refresh, next.refresh, next.access, chosen.access)
}

// holdsNoTokenBytes searches the store for the decoded secrets of tokens, which are 16 bytes behind key id, grant id and
// number.
func (w *world) holdsNoTokenBytes(t *testing.T, file string, issued ...string) {
	t.Helper()
	for _, token := range issued {
		raw := value(base64.RawURLEncoding.DecodeString(token[3:]))(t)
		if strings.Contains(file, string(raw[22:38])) {
			t.Error("the secret of a token is in the store")
		}
		if !strings.Contains(file, string(raw[4:18])) {
			t.Error("the grant's id is not in the store: the test looks in the wrong place")
		}
	}
}
