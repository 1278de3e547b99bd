package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/config"
)

func TestReadSecretDropsOneNewline(t *testing.T) {
	for text, want := range map[string]string{
		"s": "s", "s\n": "s", "s\r\n": "s", "s\n\n": "s\n", " s \n": " s ", "s\r": "s\r",
	} {
		path := filepath.Join(t.TempDir(), "secret")
		write(t, path, text, 0o600)
		if got, err := config.ReadSecret(path); err != nil || got != want {
			t.Errorf("ReadSecret of %q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestReadSecretRefusesFilesOpenToOthers(t *testing.T) {
	for mode, refused := range map[os.FileMode]bool{
		0o600: false, 0o400: false, 0o640: false, 0o660: false,
		0o604: true, 0o602: true, 0o601: true, 0o644: true,
	} {
		path := filepath.Join(t.TempDir(), "secret")
		write(t, path, "s", mode)
		_, err := config.ReadSecret(path)
		if (err != nil) != refused {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if refused && !strings.Contains(err.Error(), "chmod o-rwx "+path) {
			t.Errorf("mode %04o: the error does not name the fix: %v", mode, err)
		}
	}
}

func TestReadSecretJudgesTheFileBehindALink(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "open"), "s", 0o644)
	if err := os.Symlink("open", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := config.ReadSecret(filepath.Join(dir, "link")); err == nil {
		t.Error("a link to a file that is open to others was read")
	}
}

func TestReadSecretSaysThatAFileIsMissing(t *testing.T) {
	if _, err := config.ReadSecret(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestReadSecretRefusesLargeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	write(t, path, strings.Repeat("x", 64<<10+1), 0o600)
	if _, err := config.ReadSecret(path); err == nil {
		t.Error("a file of more than 64 KiB was read")
	}
}
