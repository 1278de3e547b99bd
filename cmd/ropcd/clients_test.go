package main_test

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func exitStatus(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// golang.org/x/oauth2 works unmodified: the password grant, then a refresh by itself.
func TestOAuth2LibraryGetsAndRefreshesTokens(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, "{driver: bolt, bolt: {path: store.db}}", alpha)
	p := start(t, dir)
	p.enroll(t)
	for name, style := range map[string]oauth2.AuthStyle{
		"detected": oauth2.AuthStyleAutoDetect, "header": oauth2.AuthStyleInHeader, "form": oauth2.AuthStyleInParams,
	} {
		t.Run(name, func(t *testing.T) {
			c := &oauth2.Config{ClientID: "myClient", ClientSecret: clientSecret, Scopes: []string{"write"}, Endpoint: oauth2.Endpoint{
				TokenURL: p.url + "/oauth2/realms/root/realms/alpha/access_token", AuthStyle: style,
			}}
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Timeout: patience})
			first, err := c.PasswordCredentialsToken(ctx, "demo", userPassword)
			if err != nil {
				t.Fatal(err)
			}
			first.Expiry = time.Now().Add(-time.Minute)
			second, err := c.TokenSource(ctx, first).Token()
			if err != nil {
				t.Fatal(err)
			}
			if second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken || !p.active(t, second.AccessToken) {
				t.Error("the refresh gave no new tokens")
			}
			_, err = c.PasswordCredentialsToken(ctx, "demo", "wrong")
			var refused *oauth2.RetrieveError
			if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
}

// What `serve --demo` prints works when pasted into a shell.
func TestDemoPrintsACallThatWorks(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, "{driver: bolt, bolt: {path: store.db}}", alpha)
	p := start(t, dir, "--demo")
	var line string
	eventually(t, "the call is printed", func() bool {
		for _, l := range strings.Split(p.stdout.String(), "\n") {
			if strings.HasPrefix(l, "curl ") && strings.HasSuffix(l, "access_token") {
				line = l
			}
		}
		return line != ""
	})
	// The server listens on a free port here, which base_url does not know.
	line = strings.Replace(line, "http://127.0.0.1:1/", p.url+"/", 1)
	out, err := exec.Command("sh", "-c", line).Output()
	if err != nil || !strings.Contains(string(out), `"refresh_token":"rt_`) {
		t.Errorf("%v\n%s", err, out)
	}
}
