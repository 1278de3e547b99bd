package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// secrets that the README's section on three journeys uses.
var journeySecrets = []string{"Ada-in-the-directory", "the-directorys-own-secret", "staff-app-and-its-secret"}

// Every command of the README's section on three journeys runs as it stands, in its order, in one shell, with a real slapd,
// and answers what the README says. Only the ports are others.
func TestReadmeThreeJourneys(t *testing.T) {
	readme := file(t, "../../README.md")
	_, section, ok := strings.Cut(readme, "\n## Three journeys, one of them with LDAP and one-time codes\n")
	if !ok {
		t.Fatal("the README has no section on three journeys")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	dir := t.TempDir()
	ports := strings.NewReplacer("127.0.0.1:8080", freePort(t), "127.0.0.1:9090", freePort(t), "127.0.0.1:3890", freePort(t))
	install(t, dir, ports.Replace(file(t, "../../config.yaml")))
	p := start(t, dir, "--demo")
	t.Cleanup(func() {
		if pid, err := os.ReadFile(filepath.Join(dir, "data", "slapd.pid")); err == nil {
			_ = exec.Command("kill", strings.TrimSpace(string(pid))).Run()
		}
	})
	all := blocks(section)
	for i, b := range all {
		if strings.Contains(b.text, "--password-stdin") && strings.Contains(b.text, "journey explain") {
			all[i].text = "if " + strings.TrimSpace(b.text) + "; then exit 9; else [ $? = 1 ]; fi\n" // as the README says
		}
	}
	got := runReadme(t, dir, all, ports, 3)
	output := strings.Join(got, "")
	for _, want := range []string{
		"\nprovider    Directory  chosen\n", "\nrealm       Local      not reached\n", "\nstate                       unknown\n",
		"\nStrict     code       failure ", "\nreason   code_used\n", "  1      1         0        -\n",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("the output has no %q:\n%s", want, output)
		}
	}
	list := exec.Command(binary, "session", "list", "--realm", "staff", "--username", "ada")
	list.Dir = dir
	out, err := list.CombinedOutput()
	for _, want := range []string{"Directory  provider", "Strict     auth_chain", "Local      realm"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("no session by %s: %v\n%s", want, err, out)
		}
	}
	for _, secret := range append(journeySecrets, seedOf(t, dir)) {
		for name, text := range map[string]string{"the log": p.stderr.String(), "the output": output} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds the secret %q", name, secret)
			}
		}
	}
}

func seedOf(t *testing.T, dir string) string {
	t.Helper()
	_, after, ok := strings.Cut(file(t, filepath.Join(dir, "data", "totp.json")), `"secret": "`)
	seed, _, closed := strings.Cut(after, `"`)
	if !ok || !closed || len(seed) < 16 {
		t.Fatal("no seed was shown")
	}
	return seed
}
