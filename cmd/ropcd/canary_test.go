package main_test

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing that could be used to log in or as a token is in the logs, the audit trail, the metrics, the store, or what
// the process shows of itself.
func TestSecretsAreNowhere(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, bolt+"\naudit: {file: audit.log}\nlog: {level: debug}", alpha)
	p := start(t, dir)
	p.enroll(t)
	const next = "canary-next-client-secret-1147"
	p.cli(t, next, "client", "rotate-secret", "--realm", "alpha", "--id", "myClient", "--secret-stdin", "--overlap", "1h")
	ok := p.login(t) // with the secret before
	refreshed := p.must(t, "access_token", refreshGrant(ok.text("refresh_token")))
	const wrong = "canary-wrong-password-1234"
	form := passwordGrant()
	form.Set("password", wrong)
	p.must(t, "access_token", form)
	form.Set("scope", "nothing")
	p.must(t, "access_token", form)
	form.Del("username")
	p.must(t, "access_token", form)
	p.active(t, refreshed.text("access_token"))
	seed := p.secondFactor(t)
	p.must(t, "token/revoke", theToken(ok.text("access_token")))
	_, metrics := p.get("/metrics")
	system, err := os.ReadFile(filepath.Join(dir, "system.secret"))
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{
		"stdout": p.stdout.String(), "stderr": p.stderr.String(), "metrics": metrics,
		"command line": file(t, fmt.Sprintf("/proc/%d/cmdline", p.cmd.Process.Pid)),
		"environment":  file(t, fmt.Sprintf("/proc/%d/environ", p.cmd.Process.Pid)),
	}
	for _, f := range files(t, dir) {
		if filepath.Base(f) != "system.secret" {
			places[filepath.Base(f)] = file(t, f)
		}
	}
	if len(places) < 7 || !strings.Contains(places["audit.log"], "wrong_password") {
		t.Fatalf("the places are not those that were meant: %d, audit %q", len(places), places["audit.log"])
	}
	for what, secret := range map[string]string{
		"client secret": clientSecret, "next client secret": next, "password": userPassword, "wrong password": wrong,
		"access token": ok.text("access_token"), "refresh token": ok.text("refresh_token"),
		"second access token": refreshed.text("access_token"), "second refresh token": refreshed.text("refresh_token"),
		"system secret": strings.TrimSpace(string(system)), "seed": seed, "seed of the store": string(decoded(t, seed)),
		"authenticator's URL": "otpauth://totp/alpha",
	} {
		for place, text := range places {
			if len(secret) < 16 || bytes.Contains([]byte(text), []byte(secret)) {
				t.Errorf("the %s is in %s", what, place)
			}
		}
	}
}

// secondFactor enrols the user, replaces that, and fails to do it again; it gives the seed in base32.
func (p *process) secondFactor(t *testing.T) (seed string) {
	t.Helper()
	p.cli(t, "", "user", "totp", "enrol", "--realm", "alpha", "--username", "demo")
	var out struct{ Secret string }
	text := p.cli(t, "", "user", "totp", "enrol", "--realm", "alpha", "--username", "demo", "--replace", "--output", "json")
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{out.Secret, out.Secret + "1"} {
		text, err := p.try(secret, "user", "totp", "enrol", "--realm", "alpha", "--username", "demo", "--secret-stdin")
		if err == nil || strings.Contains(text, out.Secret) {
			t.Errorf("enrolled again, or the seed is in %q", text)
		}
	}
	return out.Secret
}

func decoded(t *testing.T, seed string) []byte {
	t.Helper()
	b, err := base32.StdEncoding.DecodeString(seed)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func file(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func files(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
