package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const bolt = "{driver: bolt, bolt: {path: store.db}}"

func TestReloadBySignalFileAndCommand(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, bolt, alpha)
	p := start(t, dir)
	p.enroll(t)
	token := p.login(t).text("access_token")

	// A change of the file is enough.
	configure(t, dir, bolt, strings.Replace(alpha, "  alpha:\n", "  alpha:\n    active: false\n", 1))
	eventually(t, "the realm is closed", func() bool {
		a, err := p.call("introspect", theToken(token))
		return err == nil && a.status == http.StatusNotFound
	})

	// A bad file keeps what is in use, is logged, and counted.
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte("admin: {socket: admin.sock}\nrealms: {alpha: {activ: true}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the bad file is refused", func() bool {
		_, metrics := p.get("/metrics")
		return strings.Contains(metrics, `ropcd_config_reloads_total{outcome="refused"}`)
	})
	eventually(t, "the log says where the problem is", func() bool { // a file that is half written is refused, too
		return strings.Contains(p.stderr.String(), "config.yaml:2:")
	})
	if out, err := p.try("", "config", "reload"); exitStatus(err) != 2 || !strings.Contains(out, "activ") || !strings.Contains(out, "stays as it was") {
		t.Errorf("config reload with a bad file: status %d\n%s", exitStatus(err), out)
	}
	if a := p.must(t, "introspect", theToken(token)); a.status != http.StatusNotFound {
		t.Errorf("the bad file changed something: %d", a.status)
	}

	// SIGHUP and the command load a good one.
	configure(t, dir, bolt, alpha)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the realm is open", func() bool {
		a, err := p.call("introspect", theToken(token))
		return err == nil && a.status == http.StatusOK && a.body["active"] == true
	})
	p.cli(t, "", "config", "reload")

	// What can't be reloaded is said to need a restart.
	configure(t, dir, "{driver: bolt, bolt: {path: other.db}}", alpha)
	if out := p.cli(t, "", "config", "reload"); !strings.Contains(out, "needs a restart") || !strings.Contains(out, "storage.bolt.path") {
		t.Errorf("config reload of a new store:\n%s", out)
	}
}

// Disabling a static client ends its grants for good: they don't come back with it.
func TestDisabledStaticClientStaysWithoutItsGrants(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "client.secret"), []byte(clientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	static := func(enabled string) string {
		return alpha + `    clients:
      - {id: myClient, secret_file: client.secret, enabled: ` + enabled + `, scopes: [write], default_scopes: [write]}
`
	}
	configure(t, dir, bolt, static("true"))
	p := start(t, dir)
	p.cli(t, userPassword, "user", "create", "--realm", "alpha", "--username", "demo", "--password-stdin")
	first := p.login(t)
	// One that is stored under the same id is hidden, and that is said.
	configure(t, dir, bolt, alpha)
	p.cli(t, "", "config", "reload")
	p.cli(t, "", "client", "create", "--realm", "alpha", "--id", "myClient")
	configure(t, dir, bolt, static("true"))
	if out := p.cli(t, "", "config", "reload"); !strings.Contains(out, `the client "myClient" of realm /alpha is also stored`) {
		t.Errorf("config reload over a stored client:\n%s", out)
	}
	issued := p.login(t)
	configure(t, dir, bolt, static("false"))
	p.cli(t, "", "config", "reload")
	if a := p.must(t, "introspect", theToken(issued.text("access_token"))); a.status != http.StatusUnauthorized {
		t.Errorf("the disabled client: %d %v", a.status, a.body)
	}
	configure(t, dir, bolt, static("true"))
	p.cli(t, "", "config", "reload")
	if p.active(t, first.text("access_token")) || p.active(t, issued.text("access_token")) || p.active(t, issued.text("refresh_token")) {
		t.Error("a token of before came back with the client")
	}
	p.login(t)
}
