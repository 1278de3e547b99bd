package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/ropcd/ropcd/pkg/config"
)

// FuzzLoad holds for any bytes: Load ends, it gives a Config or errors, every problem has a place within the file and
// one that is safe to print, and what it accepts can be shown and loaded again.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, name := range append(files, shipped) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		input, _, _ := strings.Cut(string(text), "\n----\n")
		f.Add([]byte(input))
	}
	dir := folder(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "config.yaml")
		write(t, path, string(data), 0o600)
		c, problems := config.Load(path, options())
		if (c == nil) != (problems.Err() != nil) {
			t.Fatalf("a Config and errors, or neither: %s", problems)
		}
		lines := strings.Count(strings.NewReplacer("\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").
			Replace(string(data)), "\n") + 1
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines || p.Line > 0 && (p.Column < 1 || p.Excerpt == "") {
				t.Errorf("the place is not in the file of %d lines: %+v", lines, p)
			}
			for line := range strings.Lines(p.String()) {
				if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
					t.Errorf("control characters: %q", line)
				}
			}
		}
		if c == nil {
			return
		}
		text, err := config.Effective(c)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, string(text), 0o600)
		if _, problems := config.Load(path, options()); problems.Err() != nil {
			t.Errorf("what is in effect can't be loaded again:\n%s\n%s", problems, text)
		}
	})
}
