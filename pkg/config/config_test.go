package config_test

import (
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/journey"
)

// same compares configurations by all that is exported; built journeys and decoders of settings are functions.
var same = cmp.Options{
	cmpopts.IgnoreUnexported(config.Config{}), cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b *journey.Set) bool { return cmp.Equal(a.Names(), b.Names()) }),
	cmpopts.IgnoreFields(journey.NodeDefinition{}, "Settings"),
}

const shipped = "../../config.yaml"

// minimal is what the shipped file says beyond the defaults.
const minimal = "realms:\n  alpha:\n    oauth2_provider: {}" + passwordGrant

func readShipped(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func at(t *testing.T, dir, text string) *config.Config {
	t.Helper()
	path := filepath.Join(dir, "config.yaml")
	write(t, path, text, 0o644)
	c, problems := config.Load(path, options())
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", problems)
	}
	return c
}

func TestShippedFileWorksOnAFreshClone(t *testing.T) {
	_, problems := config.Load(shipped, options())
	if len(problems) > 0 {
		t.Errorf("problems:\n%s", problems)
	}
}

func TestShippedFileShowsTheDefaults(t *testing.T) {
	dir := folder(t)
	if diff := cmp.Diff(at(t, dir, minimal), at(t, dir, readShipped(t)), same); diff != "" {
		t.Errorf("shipped file (-minimal +shipped):\n%s", diff)
	}
}

// uncommented is the shipped file with all that stands there as an example: a # that is not followed by one space.
func uncommented(t *testing.T) string {
	text := strings.NewReplacer("    clients: []\n", "", "    journey_tests: []\n", "").Replace(readShipped(t))
	text = regexp.MustCompile(`(?m)^( *)#([A-Za-z]| {2,})`).ReplaceAllString(text, "$1$2")
	return strings.Replace(text, `        secret_hash: ""`+"\n", "", 1)
}

func TestExamplesInTheShippedFileWork(t *testing.T) {
	dir := folder(t)
	write(t, filepath.Join(dir, "data/batch.secret"), "correct horse\n", 0o600)
	c := at(t, dir, uncommented(t))
	if n := len(c.Realms[0].Clients); n != 1 {
		t.Errorf("%d clients, want the example", n)
	}
	if diff := cmp.Diff([]string{"Paged", "PasswordGrant"}, c.Realms[0].Journeys.Names()); diff != "" {
		t.Errorf("journeys (-want +got):\n%s", diff)
	}
}

func TestShippedFileHasEveryKey(t *testing.T) {
	text := uncommented(t)
	for _, key := range config.Keys() {
		if !regexp.MustCompile(`(?m)(^|[ {])`+key+`:`).MatchString(text) && key != "secret_hash" {
			t.Errorf("the key %s is missing in config.yaml", key)
		}
	}
	if !strings.Contains(readShipped(t), "secret_hash:") {
		t.Error("the key secret_hash is missing in config.yaml")
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	dir := folder(t)
	c := at(t, dir, minimal)
	want := []string{filepath.Join(dir, "data/admin.sock"), filepath.Join(dir, "data/ropcd.db"), filepath.Join(dir, "data/system.secret"), ""}
	got := []string{c.Admin.Socket, c.Storage.Bolt.Path, c.Secrets.SystemFiles[0], c.Audit.File}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestVariablesReachEveryKindOfValue(t *testing.T) {
	vars := map[string]string{
		"S": "debug", "B": "true", "I": "3", "D": "7s", "M": "20MiB", "N": "42", "L": "10.0.0.0/8", "EMPTY": "",
		"X": "a: b # c",
	}
	opts := options()
	opts.Env = func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	path := filepath.Join(folder(t), "config.yaml")
	write(t, path, `
server: {behind_proxy: "${B}", drain_timeout: "${D}", trusted_proxies: ["${L}"]}
log:
  level: ${S}
audit: {file: "/x/$${S}$${/${EMPTY}${EMPTY:-d}${NO:-}$S$$"}
storage: {redis: {db: "${I}", username: "${X}", key_prefix: "a${N}"}}
password_hashing: {argon2id: {memory: "${M}"}, max_concurrent: "${N}"}
realms: {alpha: {}}
`, 0o644)
	c, problems := config.Load(path, opts)
	if c == nil {
		t.Fatal(problems)
	}
	got := []any{
		c.Server.BehindProxy, c.Server.DrainTimeout, c.Server.Proxies(), c.Log.SlogLevel(), c.Audit.File,
		c.Storage.Redis.DB, c.Storage.Redis.Username, c.Storage.Redis.KeyPrefix,
		c.PasswordHashing.Argon2id.Memory.KiB(), int(c.PasswordHashing.MaxConcurrent),
	}
	want := []any{
		true, 7 * time.Second, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, slog.LevelDebug, "/x/${S}${/d$S$$",
		3, "a: b # c", "a42", uint32(20 << 10), 42,
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// A variable stays one value, whatever is in it.
func TestVariableCanNotInjectYAML(t *testing.T) {
	for _, attack := range []string{
		"x\nserver: {listen: '0.0.0.0:1'}", "x, listen: '0.0.0.0:1'", "x}\nops: {listen: a}", `x", y: "z`, "*a", "&a x",
		"!!binary x", "${S}", "# c", "[a, b]", "{a: b}", "null", "~", "true", "1", "- a",
	} {
		opts := options()
		opts.Env = func(string) (string, bool) { return attack, true }
		dir := folder(t)
		path := filepath.Join(dir, "config.yaml")
		write(t, path, "storage: {redis: {username: \"${S}\"}}\n"+minimal, 0o644)
		c, problems := config.Load(path, opts)
		if c == nil {
			t.Errorf("%q: %s", attack, problems)
			continue
		}
		want := at(t, dir, minimal)
		want.Storage.Redis.Username = attack
		if diff := cmp.Diff(want, c, same); diff != "" {
			t.Errorf("%q changed more than the value (-want +got):\n%s", attack, diff)
		}
	}
}

func TestLoadReportsAFileThatCanNotBeRead(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large.yaml")
	write(t, large, strings.Repeat("#\n", 1<<20), 0o644)
	for path, want := range map[string]string{
		"none.yaml": "none.yaml: can't be read: no such file or directory",
		"testdata":  "testdata: is a folder, not a file",
		large:       large + ": is larger than 1024 KiB",
	} {
		c, problems := config.Load(path, options())
		if c != nil || problems.String() != want {
			t.Errorf("got %q, want %q", problems, want)
		}
	}
}

func TestEffectiveCanBeLoadedAgain(t *testing.T) {
	dir := folder(t)
	write(t, filepath.Join(dir, "data/batch.secret"), "correct horse\n", 0o600)
	first := at(t, dir, uncommented(t))
	text, err := config.Effective(first)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, at(t, dir, string(text)), same); diff != "" {
		t.Errorf("again (-first +second):\n%s", diff)
	}
}

func TestEffectiveShowsWhatFollows(t *testing.T) {
	text, err := config.Effective(mustLoad(t, "realms: {/alpha: {aliases: [LOGIN.example.com]}}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"issuer: http://127.0.0.1:8080/oauth2/realms/root/realms/alpha\n", "aliases: [login.example.com]\n", "  alpha:\n",
		"threshold: 5\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

func TestEffectiveShowsNoSecret(t *testing.T) {
	c := mustLoad(t, `
realms:
  alpha:
    clients:
      - {id: a, secret_hash: correct horse, scopes: [a]}
      - {id: b, secret_file: files/secret, scopes: [a]}
    journeys:
      J:
        entry: n
        nodes:
          n: {type: ChoiceCollector, settings: {bind_password: hunter2, x: ["${TEXT}", {token: {y: [hunter2]}}]}, outcomes: {a: success}}
`)
	for name, show := range map[string]func(*config.Config) ([]byte, error){
		"YAML": config.Effective, "JSON": config.EffectiveJSON,
	} {
		text, err := show(c)
		if err != nil {
			t.Fatal(err)
		}
		holdsNoSecret(t, string(text))
		if got := strings.Count(string(text), "[redacted]"); got != 3 {
			t.Errorf("%s: %d values are redacted, want 3:\n%s", name, got, text)
		}
		if name == "JSON" && !json.Valid(text) {
			t.Errorf("not JSON:\n%s", text)
		}
	}
}
