package config

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks bounds how many symbolic links lead to a file.
const maxLinks = 40

// follow watches the folders of all names on the way to the watched files. Its error is that of a folder that can't be
// watched. The caller holds the lock, here and below.
func (w *Watcher) follow() error {
	w.names = map[string]bool{}
	folders := map[string]bool{}
	for path := range w.watched {
		for _, name := range way(path) {
			w.names[name] = true
			folders[filepath.Dir(name)] = true
		}
	}
	for _, folder := range w.fs.WatchList() {
		if !folders[folder] {
			_ = w.fs.Remove(folder)
		}
	}
	var failed error
	for folder := range folders {
		if err := w.fs.Add(folder); err != nil {
			failed = fmt.Errorf("folder %s: %w", folder, unwrapPath(err))
		}
	}
	return failed
}

// way is the names whose change may put another file behind the path: the symbolic links on the way, and the file.
func way(path string) []string {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	var names []string
	at, rest := "/", strings.TrimPrefix(filepath.ToSlash(path), "/")
	for rest != "" && len(names) < maxLinks {
		var next string
		next, rest, _ = strings.Cut(rest, "/")
		name := filepath.Join(at, next)
		target, err := os.Readlink(name)
		switch {
		case err != nil:
			at = name
			continue
		case filepath.IsAbs(target):
			at = "/"
		}
		names = append(names, name)
		rest = strings.TrimPrefix(target+"/"+rest, "/")
	}
	return append(names, at)
}

// changed looks at all files and reports whether any has new contents.
func (w *Watcher) changed() bool {
	found := false
	for path := range w.watched {
		found = w.look(path) || found
	}
	return found
}

// look reports whether a file has new contents. One that can't be read is as it was.
func (w *Watcher) look(path string) bool {
	data, err := readFile(path, maxFile)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(data)
	digest := string(sum[:])
	if w.seen[path] == digest {
		return false
	}
	w.seen[path] = digest
	return true
}
