package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

var update = flag.Bool("update", false, "rewrite the expected problems in testdata")

// variables are the environment of all tests.
var variables = map[string]string{
	"LISTEN": "127.0.0.1:8081",
	"EMPTY":  "",
	"TEXT":   "value-from-the-environment",
	"INJECT": "info\nserver: {listen: \"0.0.0.0:1\"}\n# value-from-the-environment",
}

func options() config.Options {
	return config.Options{
		Types: nodes.Table(),
		Env: func(name string) (string, bool) {
			v, ok := variables[name]
			return v, ok
		},
		CheckHash: func(hash string) error {
			if hash == "refused" {
				return errors.New("unknown form")
			}
			return nil
		},
	}
}

// folder is where a configuration is loaded from: it becomes the working directory and has the files of secrets.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "config") //nolint:usetesting // a short name, since sockets' names are bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, f := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"secret": {"correct horse, battery and staple\n", 0o640}, "open": {"correct horse\n", 0o644},
		"empty": {"\n", 0o600}, "lines": {"correct\nhorse\n", 0o600},
	} {
		write(t, filepath.Join(dir, "files", name), f.text, f.mode)
	}
	return dir
}

func write(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // past the umask
		t.Fatal(err)
	}
}

// load loads a text as config.yaml of a new folder.
func load(t testing.TB, text string) (*config.Config, config.Problems) {
	t.Helper()
	dir := folder(t)
	path := filepath.Join(dir, "config.yaml")
	write(t, path, text, 0o644)
	return config.Load(path, options())
}

// mustLoad is load without errors.
func mustLoad(t testing.TB, text string) *config.Config {
	t.Helper()
	c, problems := load(t, text)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoadReportsAllProblemsWithTheirPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			golden := filepath.Join(home, name)
			text, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			input, want, ok := strings.Cut(string(text), "\n----\n")
			if !ok {
				t.Fatal("no line ----")
			}
			dir := folder(t)
			t.Chdir(dir)
			write(t, "config.yaml", input+"\n", 0o644)
			c, problems := config.Load("config.yaml", options())
			if (c == nil) != (len(problems.Errors()) > 0) {
				t.Errorf("a Config and errors, or neither")
			}
			got := strings.ReplaceAll(problems.String(), dir, "$DIR") + "\n"
			holdsNoSecret(t, got)
			if *update {
				write(t, golden, input+"\n----\n"+got, 0o644)
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func holdsNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"correct horse", "hunter2", "value-from-the-environment", "0.0.0.0:1"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is shown in:\n%s", secret, text)
		}
	}
}

// The socket is found whatever else is wrong, and only if what is said of it is right.
func TestSocketNeedsItsOwnSectionOnly(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "data/admin.sock",
		"admin: {socket: a.sock}":        "a.sock",
		"admin: {socket: /run/a.sock}":   "/run/a.sock",
		"admin: {socket: \"${LISTEN}\"}": "127.0.0.1:8081",
		"admin: {socket: a.sock}\nrealms: {alpha: {activ: true}}\nlog: {level: \"${NOWHERE}\"}\nsecrets: 7": "a.sock",
		"realms: {alpha: {activ: true}}":                    "data/admin.sock",
		"admin: {socket: a.sock, sokcet: b.sock}":           "",
		"admin: {socket: [a.sock]}":                         "",
		"admin: {socket: \"${NOWHERE}\"}":                   "",
		"admin: a.sock":                                     "",
		"admin: {socket: a.sock":                            "",
		"admin: {socket: a.sock}\nadmin: {socket: b}":       "",
		"admin: {socket: " + strings.Repeat("a", 200) + "}": "",
	} {
		path := filepath.Join(folder(t), "config.yaml")
		write(t, path, text, 0o600)
		got, problems := config.Socket(path, options())
		if want != "" && !filepath.IsAbs(want) {
			want = filepath.Join(filepath.Dir(path), want)
		}
		if got != want || (want == "") != (len(problems) > 0) {
			t.Errorf("%s: %q, want %q: %v", text, got, want, problems)
		}
	}
}
