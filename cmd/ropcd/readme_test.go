package main_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/childtest"
)

// block is a fenced block of the README.
type block struct {
	language, text string
	line           int
}

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

func blocks(text string) (out []block) {
	for _, m := range fence.FindAllStringSubmatchIndex(text, -1) {
		out = append(out, block{text[m[2]:m[3]], text[m[4]:m[5]], 1 + strings.Count(text[:m[0]], "\n")})
	}
	return out
}

// pattern is what a block of expected output matches: … stands for a value.
func pattern(text string) *regexp.Regexp {
	p := regexp.QuoteMeta(strings.TrimSpace(text))
	p = strings.ReplaceAll(p, "…", `[^",{}]+`)
	p = strings.ReplaceAll(p, "3599", "3(599|600)")
	return regexp.MustCompile("^" + p + "$")
}

// Every command of the README's demonstration runs as it stands, in its order, in one shell, and answers what the README
// says. Only the ports are others.
func TestReadmeDemonstration(t *testing.T) {
	readme := file(t, "../../README.md")
	start, end := strings.Index(readme, "\n## Five minutes\n"), strings.Index(readme, "\n## Every day\n")
	if start < 0 || end < start {
		t.Fatal("the README has no demonstration between \"Five minutes\" and \"Every day\"")
	}
	if makefile := file(t, "../../Makefile"); !strings.Contains(makefile, "\nrun: build ") || !strings.Contains(makefile, "$(BIN) serve --demo\n") {
		t.Fatal("make run is not what this test does")
	}
	dir := t.TempDir()
	ports := strings.NewReplacer("127.0.0.1:8080", freePort(t), "127.0.0.1:9090", freePort(t))
	install(t, dir, ports.Replace(file(t, "../../config.yaml")))

	all := blocks(readme[start:end])
	if len(all) < 12 || strings.TrimSpace(all[0].text) != "make run" {
		t.Fatalf("%d blocks, the first %q", len(all), all[0].text)
	}
	serveDemo(t, dir)
	runReadme(t, dir, all[1:], ports, 5)
}

// runReadme runs the shell blocks in their order, in one shell, and compares what they answer with the blocks of output
// behind them, of which there are at least so many. It gives what each of them answered.
func runReadme(t *testing.T, dir string, all []block, ports *strings.Replacer, least int) []string {
	t.Helper()
	script, want := demonstration(all, ports)
	cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := strings.Split(string(out), separator)
	if len(got) != len(want)+1 {
		t.Fatalf("%d outputs of %d blocks\n%s", len(got)-1, len(want), out)
	}
	checked := 0
	for i, w := range want {
		if w.text == "" {
			continue
		}
		checked++
		if text := strings.TrimSpace(got[i]); !pattern(ports.Replace(w.text)).MatchString(text) {
			t.Errorf("README, line %d of the section: got\n%s\nwant\n%s", w.line, text, w.text)
		}
	}
	if checked < least {
		t.Errorf("only %d outputs were compared", checked)
	}
	return got
}

const separator = "\n--- end of block\n"

// demonstration is one script of all shell blocks, and the output that the README promises for each, if any.
func demonstration(all []block, ports *strings.Replacer) (script string, want []block) {
	var b strings.Builder
	for i, bl := range all {
		if bl.language != "sh" {
			continue
		}
		fmt.Fprintf(&b, "%s\nprintf '%s'\n", ports.Replace(bl.text), strings.ReplaceAll(separator, "\n", `\n`))
		expected := block{}
		if i+1 < len(all) && all[i+1].language == "json" {
			expected = all[i+1]
		}
		want = append(want, expected)
	}
	return b.String(), want
}

// install lays out a folder as a clone after `make build`.
func install(t *testing.T, dir, config string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(dir, "bin", "ropcd")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

func serveDemo(t *testing.T, dir string) {
	t.Helper()
	start(t, dir, "--demo")
}

func freePort(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", childtest.FreePort(t))
}

// Every key of config.yaml that the README names is there, and so is every file that it links to.
func TestReadmeLinksToWhatIsThere(t *testing.T) {
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(file(t, "../../README.md"), -1) {
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Errorf("the README links to %s: %v", m[1], err)
		}
	}
}
