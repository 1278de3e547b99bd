package config

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long nothing must happen before the files are looked at: editors and volume mounts write in many steps.
const quiet = 100 * time.Millisecond

// Watcher watches files for new contents.
type Watcher struct {
	fs       *fsnotify.Watcher
	onChange func()
	done     chan struct{}

	mu      sync.Mutex
	watched map[string]bool   // the files
	names   map[string]bool   // entries of folders whose events matter
	seen    map[string]string // file -> digest of its last contents
}

// Watch calls onChange, from one goroutine, after the contents of the file have changed: written in place, replaced, or
// swapped by a symbolic link on the way to it (as Kubernetes does). Touching it and writing the same again is no change,
// and neither is its absence. It returns once the watch stands, which ends with ctx: watch first, then load.
func Watch(ctx context.Context, path string, onChange func()) (*Watcher, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", path, err)
	}
	w := &Watcher{
		fs: fs, onChange: onChange, done: make(chan struct{}),
		watched: map[string]bool{}, seen: map[string]string{},
	}
	w.watched[path] = true
	if err := w.follow(); err != nil {
		_ = fs.Close()
		return nil, fmt.Errorf("watch %s: %w", path, err)
	}
	w.changed()
	go w.run(ctx)
	return w, nil
}

// Done is closed when the watch has ended and onChange will not be called any more.
func (w *Watcher) Done() <-chan struct{} { return w.done }

// Also watches more files, such as [Config.Files]. It may be called at any time, also from onChange; what is watched
// stays watched. It returns once they are, as far as their folders exist.
func (w *Watcher) Also(files ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range files {
		w.watched[f] = true
	}
	_ = w.follow() // what can't be followed now is tried at the next event
	for _, f := range files {
		if _, known := w.seen[f]; !known {
			w.look(f)
		}
	}
}

// Look takes the files as they are now for seen, so that onChange is not called for what came before. It is for who reads
// them for a reason of its own: look first, then load, and what changes meanwhile is still told.
func (w *Watcher) Look() { w.again() }

func (w *Watcher) run(ctx context.Context) {
	defer close(w.done)
	defer func() { _ = w.fs.Close() }() // nobody could do anything about it
	timer := time.NewTimer(quiet)
	timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.fs.Events:
			if w.matters(e.Name) {
				timer.Reset(quiet)
			}
		case <-w.fs.Errors: //nolint:errcheck // such as events that were lost: look
			timer.Reset(quiet)
		case <-timer.C:
			if w.again() {
				w.onChange()
			}
		}
	}
}

func (w *Watcher) matters(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.names[name]
}

// again follows the links anew, which may lead elsewhere now, and looks at the files.
func (w *Watcher) again() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.follow()
	return w.changed()
}
