package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// pair starts two processes that share a Redis and their system secret.
func pair(t *testing.T, server *redistest.Server) (a, b *process) {
	t.Helper()
	return twins(t, server, alpha)
}

// twins is pair with other realms.
func twins(t *testing.T, server *redistest.Server, realms string) (a, b *process) {
	t.Helper()
	return twinsOn(t, fmt.Sprintf("addrs: [%q]", server.Addr()), realms)
}

// twinsOn is twins on any Redis, as the configuration says it.
func twinsOn(t *testing.T, redis, realms string) (a, b *process) {
	t.Helper()
	var both [2]*process
	for i := range both {
		dir := filepath.Join(t.TempDir(), string(rune('a'+i)))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		shareSecret(t, dir)
		configure(t, dir, fmt.Sprintf("{driver: redis, redis: {%s}}", redis), realms)
		both[i] = start(t, dir)
	}
	return both[0], both[1]
}

// shareSecret writes the system secret that all processes on one Redis have.
func shareSecret(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "system.secret"), []byte("canary-system-secret-0123456789-0123456789\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTwoProcessesShareRedis(t *testing.T) {
	a, b := pair(t, redistest.Start(t))
	a.enroll(t)
	issued := a.login(t)
	if !b.active(t, issued.text("access_token")) {
		t.Fatal("the other process does not know the token")
	}
	refreshed := b.must(t, "access_token", refreshGrant(issued.text("refresh_token")))
	if refreshed.status != http.StatusOK {
		t.Fatalf("refresh at the other process: %d %v", refreshed.status, refreshed.body)
	}
	if !a.active(t, refreshed.text("access_token")) {
		t.Error("the first process does not know the refreshed token")
	}
	if r := b.must(t, "token/revoke", theToken(refreshed.text("refresh_token"))); r.status != http.StatusOK {
		t.Fatalf("revoke: %d %v", r.status, r.body)
	}
	for _, token := range []string{issued.text("access_token"), refreshed.text("access_token"), refreshed.text("refresh_token")} {
		if a.active(t, token) || b.active(t, token) {
			t.Error("a token is active after the revocation of its grant")
		}
	}
}

// An owner's grants end at once in every process, a client's within a second.
func TestDisablingReachesTheOtherProcess(t *testing.T) {
	a, b := pair(t, redistest.Start(t))
	a.enroll(t)
	token := b.login(t).text("access_token")
	a.cli(t, "", "user", "disable", "--realm", "alpha", "--username", "demo")
	if b.active(t, token) {
		t.Error("the token of a disabled owner is active")
	}
	a.cli(t, "", "user", "enable", "--realm", "alpha", "--username", "demo")
	token = b.login(t).text("access_token")
	a.cli(t, "", "client", "disable", "--realm", "alpha", "--id", "myClient")
	eventually(t, "the disabled client is refused", func() bool {
		r, err := b.call("introspect", theToken(token))
		return err == nil && r.status == http.StatusUnauthorized
	})
}

func TestRedisGoneIs503AndRecoversByItself(t *testing.T) {
	server := redistest.Start(t)
	p, _ := pair(t, server)
	p.enroll(t)
	issued := p.login(t)
	server.Kill()
	for endpoint, form := range map[string]map[string][]string{
		"access_token": passwordGrant(), "introspect": theToken(issued.text("access_token")), "token/revoke": theToken(issued.text("access_token")),
	} {
		a := p.must(t, endpoint, form)
		if a.status != http.StatusServiceUnavailable || a.text("error") != "temporarily_unavailable" || a.header.Get("Retry-After") == "" {
			t.Errorf("%s without Redis: %d %v", endpoint, a.status, a.body)
		}
	}
	eventually(t, "not ready", func() bool { s, _ := p.get("/readyz"); return s == http.StatusServiceUnavailable })
	if s, _ := p.get("/healthz"); s != http.StatusOK {
		t.Errorf("/healthz without Redis: %d", s)
	}
	server.Restart()
	eventually(t, "ready again", func() bool { s, _ := p.get("/readyz"); return s == http.StatusOK })
	// This Redis keeps nothing, so everybody enrolls again; the process was not restarted.
	eventually(t, "the client is known again", func() bool {
		_, err := p.try(clientSecret, "client", "create", "--realm", "alpha", "--id", "myClient", "--secret-stdin", "--if-absent",
			"--grant-type", "password", "--grant-type", "refresh_token", "--scope", "write", "--default-scope", "write")
		return err == nil
	})
	p.cli(t, userPassword, "user", "create", "--realm", "alpha", "--username", "demo", "--password-stdin")
	p.login(t)
}

// Start-up with the store down: the process runs, and is not ready.
func TestStartsWithoutRedis(t *testing.T) {
	server := redistest.Start(t)
	server.Stop()
	p, _ := pair(t, server)
	if s, why := p.get("/readyz"); s != http.StatusServiceUnavailable || why == "" {
		t.Errorf("/readyz: %d %q", s, why)
	}
	server.Restart()
	eventually(t, "ready", func() bool { s, _ := p.get("/readyz"); return s == http.StatusOK })
}

// Whatever is wrong with Redis at start-up: the process runs, and the log and /readyz say what is wrong and what to do.
func TestStartTellsWhatIsWrongWithRedis(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	for reason, storage := range map[string]string{
		"no server answers at 127.0.0.1:1":                `addrs: ["127.0.0.1:1"]`,
		"is no Redis: correct storage.redis.addrs":        fmt.Sprintf("addrs: [%q]", strings.TrimPrefix(web.URL, "http://")),
		"is a node of a cluster: set storage.redis.mode":  fmt.Sprintf("addrs: [%q]", redistest.Start(t, "--cluster-enabled", "yes").Addr()),
		"wants a password: set storage.redis.password_fi": fmt.Sprintf("addrs: [%q]", redistest.Start(t, "--requirepass", "canary").Addr()),
	} {
		dir := t.TempDir()
		shareSecret(t, dir)
		configure(t, dir, "{driver: redis, redis: {"+storage+"}}", alpha)
		p := start(t, dir)
		eventually(t, reason+" is logged", func() bool { return strings.Contains(p.stderr.String(), reason) })
		if s, why := p.get("/readyz"); s != http.StatusServiceUnavailable || !strings.Contains(why, reason) {
			t.Errorf("%s: /readyz: %d %q", reason, s, why)
		}
		if s, _ := p.get("/healthz"); s != http.StatusOK {
			t.Errorf("%s: /healthz: %d", reason, s)
		}
	}
}
