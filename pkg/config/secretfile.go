package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/token"
)

// maxSecretFile bounds a file with one secret.
const maxSecretFile = 64 << 10

// ReadSecret reads a file that holds one secret, and drops one newline at its end. It refuses a file that is open to
// others (the group is allowed, for Kubernetes mounts), an empty one, and one larger than 64 KiB. The error's text
// continues the name of the file and never holds what is in it; a missing file is [fs.ErrNotExist].
func ReadSecret(path string) (string, error) {
	if err := CheckSecretFile(path); err != nil {
		return "", err
	}
	data, err := readFile(path, maxSecretFile)
	if err != nil {
		return "", err
	}
	secret, cut := strings.CutSuffix(string(data), "\n")
	if cut {
		secret = strings.TrimSuffix(secret, "\r")
	}
	if secret == "" {
		return "", errors.New("is empty")
	}
	return secret, nil
}

// CheckSecretFile refuses what is not a regular file and what is open to others. It doesn't read it.
func CheckSecretFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("can't be read: %w", unwrapPath(err))
	case !info.Mode().IsRegular():
		return errors.New("is not a regular file")
	case info.Mode().Perm()&0o007 != 0:
		return fmt.Errorf("is open to others (mode %04o); run: chmod o-rwx %s", info.Mode().Perm(), path)
	}
	return nil
}

// secretFile checks a file that must be there, unless optional. It reports whether it can be read.
func (l *loader) secretFile(at strict.Path, path string, optional bool) (string, bool) {
	secret, err := ReadSecret(path)
	switch {
	case err == nil:
		return secret, true
	case optional && errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, fs.ErrNotExist):
		l.Report(at, "the file %s does not exist", path)
	default:
		l.Report(at, "the file %s %s", path, err)
	}
	return "", false
}

// secrets checks the files of the system secrets that exist. With bolt the program makes those that don't.
func (l *loader) secrets(f *file) {
	at := strict.Path{"secrets", "system_files"}
	if len(f.Secrets.SystemFiles) == 0 {
		l.Report(at, "names no file; there must be at least one, such as data/system.secret")
	}
	seen := map[string]bool{}
	for i, path := range f.Secrets.SystemFiles {
		at := at.At(i)
		switch {
		case path == "":
			l.Report(at, "the name of the file is empty")
			continue
		case seen[path]:
			l.Report(at, "the file is named twice")
		}
		seen[path] = true
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && f.Storage.Driver == DriverRedis {
			l.Report(at, "the file %s does not exist; processes on one Redis must share it: "+
				"`ropcd secret generate` writes it", path)
			continue
		}
		if secret, ok := l.secretFile(at, path, true); ok && len(secret) < token.MinSecret {
			l.Report(at, "the file %s holds %d bytes; a system secret has at least %d bytes: `ropcd secret generate` writes one",
				path, len(secret), token.MinSecret)
		}
	}
}
