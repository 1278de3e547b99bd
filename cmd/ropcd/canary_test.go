package main_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// coded is alpha with a journey more, which asks for a one-time code.
const coded = alpha + `      Coded:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check: {type: DataStoreDecision, outcomes: {true: code, false: failure}}
          code: {type: OATHTokenVerifier, outcomes: {success: success, failure: failure, not_registered: failure}}
`

// planted are secrets that a process was told or has made, by what they are.
type planted map[string]string

// Nothing that could be used to log in or as a token is in the logs, the audit trail, the metrics, the store, or what
// the process shows of itself.
//
// Its memory (/proc/PID/mem) is left out: a request is there as it came, in buffers of net/http and in Go strings that
// nobody can overwrite, until the collector and the next request reuse the place. Whoever may read it may also trace the
// process, and needs no search.
func TestSecretsAreNowhere(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, bolt+"\naudit: {file: audit.log}\nlog: {level: debug}", coded)
	p := start(t, dir)
	p.enroll(t)
	secrets := p.plant(t)
	secrets.search(t, p.places(t))
}

// The same with Redis, and with its end: what is logged of a store that has gone names no secret. Its append-only file
// has everything that was ever written to it.
func TestSecretsAreNowhereWhenRedisIsKilled(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes")
	dir := t.TempDir()
	shareSecret(t, dir)
	configure(t, dir, fmt.Sprintf("{driver: redis, redis: {addrs: [%q]}}\naudit: {file: audit.log}\nlog: {level: debug}", server.Addr()), coded)
	p := start(t, dir)
	p.enroll(t)
	secrets := p.plant(t)
	server.Kill()
	for endpoint, forms := range map[string][]url.Values{
		"access_token": {passwordGrant(), loginOf("demo", secrets["wrong password"]), refreshGrant(secrets["second refresh token"])},
		"introspect":   {theToken(secrets["second access token"])},
		"token/revoke": {theToken(secrets["second refresh token"])},
	} {
		for _, form := range forms {
			if a := p.must(t, endpoint, form); a.status != http.StatusServiceUnavailable {
				t.Errorf("%s without Redis: %d", endpoint, a.status)
			}
		}
	}
	if text, err := p.try(secrets["next client secret"], "client", "rotate-secret", "--realm", "alpha", "--id", "myClient", "--secret-stdin"); err == nil {
		t.Errorf("rotated without Redis: %s", text)
	}
	places := p.places(t)
	for _, f := range files(t, server.Dir()) {
		places["redis "+filepath.Base(f)] += file(t, f)
	}
	written := ""
	for place, text := range places {
		if strings.HasPrefix(place, "redis ") {
			written += text
		}
	}
	if !strings.Contains(written, "$argon2id$") {
		t.Fatal("there is no hash of a password in Redis's file: the test looks in the wrong place")
	}
	secrets.search(t, places)
}

// plant does everything that a secret is good for, right and wrong.
func (p *process) plant(t *testing.T) planted {
	t.Helper()
	const next, wrong, wrongCode = "canary-next-client-secret-1147", "canary-wrong-password-1234", "canary-wrong-code-998877"
	p.cli(t, next, "client", "rotate-secret", "--realm", "alpha", "--id", "myClient", "--secret-stdin", "--overlap", "1h")
	ok := p.login(t) // with the secret before
	refreshed := p.must(t, "access_token", refreshGrant(ok.text("refresh_token")))
	form := loginOf("demo", wrong)
	p.must(t, "access_token", form)
	form.Set("scope", "nothing")
	p.must(t, "access_token", form)
	form.Del("username")
	p.must(t, "access_token", form)
	p.active(t, refreshed.text("access_token"))
	seed := p.secondFactor(t)
	code := p.loginWithCode(t, seed, wrongCode)
	p.must(t, "token/revoke", theToken(ok.text("access_token")))
	system := file(t, filepath.Join(p.dir, "system.secret"))
	return planted{
		"client secret": clientSecret, "next client secret": next, "password": userPassword, "wrong password": wrong,
		"access token": ok.text("access_token"), "refresh token": ok.text("refresh_token"),
		"second access token": refreshed.text("access_token"), "second refresh token": refreshed.text("refresh_token"),
		"third access token": code.text("access_token"), "third refresh token": code.text("refresh_token"),
		"system secret": strings.TrimSpace(system), "seed": seed, "seed of the store": string(decoded(t, seed)),
		"authenticator's URL": "otpauth://totp/alpha", "wrong code": wrongCode,
	}
}

// loginWithCode logs in with a one-time code, after a wrong one and before the same one again.
func (p *process) loginWithCode(t *testing.T, seed, wrong string) answer {
	t.Helper()
	out, err := exec.Command("oathtool", "--totp", "-b", seed).Output()
	if err != nil {
		t.Fatalf("oathtool: %v", err)
	}
	form, right := passwordGrant(), strings.TrimSpace(string(out))
	form.Set("auth_chain", "Coded")
	var answers []answer
	for _, code := range []string{wrong, right, right} {
		form.Set("totp", code)
		answers = append(answers, p.must(t, "access_token", form))
	}
	if answers[0].status != http.StatusBadRequest || answers[1].status != http.StatusOK || answers[2].status != http.StatusBadRequest {
		t.Fatalf("logins with one-time codes: %v", answers)
	}
	// A code is too short to be searched for in everything: six digits are in many numbers.
	for _, spelled := range []string{`"` + right + `"`, "totp=" + right} {
		if strings.Contains(p.stderr.String()+file(t, filepath.Join(p.dir, "audit.log")), spelled) {
			t.Error("a one-time code is in the log or the audit trail")
		}
	}
	return answers[1]
}

// places are everything that is left of a process's work, but the file of the system secret.
func (p *process) places(t *testing.T) map[string]string {
	t.Helper()
	_, metrics := p.get("/metrics")
	places := map[string]string{"stdout": p.stdout.String(), "stderr": p.stderr.String(), "metrics": metrics}
	for what, name := range map[string]string{"command line": "cmdline", "environment": "environ", "mapped files": "maps", "name": "comm"} {
		places[what] = file(t, fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name))
	}
	for _, f := range files(t, p.dir) {
		if filepath.Base(f) != "system.secret" {
			places[filepath.Base(f)] = file(t, f)
		}
	}
	for place, want := range map[string]string{
		"audit.log": "wrong_password", "metrics": "ropcd_", "stderr": "request_id", "config.yaml": "alpha", "mapped files": "ropcd", "command line": "serve",
	} {
		if !strings.Contains(places[place], want) {
			t.Fatalf("the %s is not what was meant: %.2000q", place, places[place])
		}
	}
	return places
}

// search looks for the secrets as they are and as requests spell them, and for the secret bytes of tokens.
func (p planted) search(t *testing.T, places map[string]string) {
	t.Helper()
	for what, secret := range p {
		if len(secret) < 16 {
			t.Fatalf("the %s is too short to be searched for", what)
		}
		spelled := []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))}
		if strings.HasSuffix(what, "token") {
			raw, err := base64.RawURLEncoding.DecodeString(secret[3:]) // behind at_ or rt_
			if err != nil || len(raw) < 38 {
				t.Fatalf("the %s is no token: %v", what, err)
			}
			spelled = append(spelled, secret[3:], string(raw[22:38])) // behind key id, grant id and number
		}
		for place, text := range places {
			for i, s := range spelled {
				if strings.Contains(text, s) {
					t.Errorf("the %s is in the %s (spelling %d)", what, place, i)
				}
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
