package config_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/config"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// watch watches a file and tells of changes through the channel.
func watch(t *testing.T, path string) (*config.Watcher, <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	changes := make(chan struct{}, 100)
	w, err := config.Watch(ctx, path, func() { changes <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		wait(t, w.Done(), "the end of the watch")
	})
	return w, changes
}

func wait(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func TestWatchSeesWritesAndReplacements(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "config.yaml")
	write(t, path, "one", 0o644)
	_, changes := watch(t, path)

	write(t, path, "two", 0o644)
	wait(t, changes, "a write in place")
	write(t, filepath.Join(dir, "new"), "three", 0o644)
	rename(t, filepath.Join(dir, "new"), path)
	wait(t, changes, "a replacement")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, "four", 0o644)
	wait(t, changes, "a file made anew")
}

// Kubernetes: config.yaml -> ..data/config.yaml, ..data -> ..1, and ..data is replaced by a link to ..2.
func TestWatchSeesSwappedLinksTwice(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "config.yaml")
	write(t, filepath.Join(dir, "..1/config.yaml"), "1", 0o644)
	symlink(t, "..1", filepath.Join(dir, "..data"))
	symlink(t, "..data/config.yaml", path)
	_, changes := watch(t, path)
	for _, next := range []string{"2", "3"} {
		write(t, filepath.Join(dir, ".."+next, "config.yaml"), next, 0o644)
		symlink(t, ".."+next, filepath.Join(dir, "..tmp"))
		rename(t, filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data"))
		wait(t, changes, "swap "+next)
	}
	write(t, filepath.Join(dir, "..3/config.yaml"), "4", 0o644)
	wait(t, changes, "a write where the links lead now")
}

func TestWatchFollowsALinkIntoAnotherFolder(t *testing.T) {
	dir := folder(t)
	write(t, filepath.Join(dir, "elsewhere/real.yaml"), "one", 0o644)
	write(t, filepath.Join(dir, "etc/x"), "", 0o644)
	symlink(t, "../elsewhere/./real.yaml", filepath.Join(dir, "etc/config.yaml"))
	_, changes := watch(t, filepath.Join(dir, "etc/config.yaml"))
	write(t, filepath.Join(dir, "elsewhere/real.yaml"), "two", 0o644)
	wait(t, changes, "a write behind the link")
}

// Whoever looks has seen what was written before, and nothing of what comes after.
func TestWatchForgetsWhatWasLookedAt(t *testing.T) {
	path := filepath.Join(folder(t), "config.yaml")
	write(t, path, "one", 0o644)
	w, changes := watch(t, path)
	write(t, path, "two", 0o644)
	w.Look()
	if w.Again() {
		t.Error("what was looked at is a change")
	}
	for len(changes) > 0 { // the watch may have been faster than the look
		<-changes
	}
	write(t, path, "three", 0o644)
	wait(t, changes, "a write after the look")
}

// One change is waited for at last, so that what came before it has been seen.
func TestWatchIgnoresWhatIsNoChange(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "config.yaml")
	write(t, path, "one", 0o644)
	w, changes := watch(t, path)
	write(t, path, "one", 0o644)
	if w.Again() {
		t.Error("the same contents are taken for new ones")
	}
	write(t, filepath.Join(dir, "other"), "x", 0o644)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, "one", 0o644)
	write(t, filepath.Join(dir, "files", "deep"), "x", 0o644)
	write(t, path, "two", 0o644)
	wait(t, changes, "the change")
	if len(changes) > 0 {
		t.Error("it was told of more than the one change")
	}
}

func TestWatchOfMoreFiles(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "config.yaml")
	write(t, path, "one", 0o644)
	w, changes := watch(t, path)
	w.Also(path, filepath.Join(dir, "files/secret"), filepath.Join(dir, "files/later"), filepath.Join(dir, "no/folder"))
	write(t, filepath.Join(dir, "files/secret"), "new", 0o600)
	wait(t, changes, "a new secret")
	write(t, filepath.Join(dir, "files/later"), "new", 0o600)
	wait(t, changes, "a file that was not there")
}

func TestAlsoMayBeCalledFromOnChange(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "config.yaml")
	write(t, path, "one", 0o644)
	called := make(chan struct{}, 10)
	handed := make(chan *config.Watcher, 1)
	ctx, cancel := context.WithCancel(context.Background())
	w, err := config.Watch(ctx, path, func() {
		w := <-handed
		w.Also(filepath.Join(dir, "files/secret"))
		handed <- w
		called <- struct{}{}
	})
	if err != nil {
		t.Fatal(err)
	}
	handed <- w
	write(t, path, "two", 0o644)
	wait(t, called, "onChange")
	cancel()
	wait(t, w.Done(), "the end of the watch")
}

func TestWatchEndsWithoutAGoroutineLeft(t *testing.T) {
	path := filepath.Join(folder(t), "config.yaml")
	write(t, path, "one", 0o644)
	ctx, cancel := context.WithCancel(context.Background())
	w, err := config.Watch(ctx, path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	wait(t, w.Done(), "the end of the watch")
	w.Also(path) // does nothing, and does not hang
	deadline := time.Now().Add(patience)
	for {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if !strings.Contains(string(stacks), "fsnotify") && !strings.Contains(string(stacks), "config.(*Watcher)") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutines are left:\n%s", stacks)
		}
		runtime.Gosched()
	}
}

func TestWatchFailsWithoutAFolder(t *testing.T) {
	if _, err := config.Watch(t.Context(), filepath.Join(t.TempDir(), "no/config.yaml"), func() {}); err == nil {
		t.Error("a folder that does not exist is watched")
	}
}
