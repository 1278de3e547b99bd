package admin_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ropcd/ropcd/pkg/admin"
)

func listen(t *testing.T, socket string) net.Listener {
	t.Helper()
	l, err := admin.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// modes are the file modes of the socket and of its folder, and what else is in there.
func modes(t *testing.T, socket string) (file, folder os.FileMode, others []string) {
	t.Helper()
	info, err := os.Lstat(socket)
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Stat(filepath.Dir(socket))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(socket))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(socket) {
			others = append(others, e.Name())
		}
	}
	return info.Mode(), in.Mode(), others
}

func TestSocketIsItsOwnersOnly(t *testing.T) {
	socket := socketPath(t)
	l := listen(t, socket)
	file, folder, others := modes(t, socket)
	if file != os.ModeSocket|0o600 || folder != os.ModeDir|0o700 || len(others) > 0 {
		t.Errorf("socket %v, folder %v, and %q", file, folder, others)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
}

// In a folder that everybody may enter, the socket is never there with another mode, not for an instant: whoever looks
// without pause sees nothing, or 0600.
func TestSocketIsClosedFromTheFirstInstant(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	socket := socketPath(t)
	folder := filepath.Dir(socket)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	stop, looked := make(chan struct{}), make(chan int)
	go func() {
		open := 0
		for {
			select {
			case <-stop:
				looked <- open
				return
			default:
			}
			entries, _ := os.ReadDir(folder)
			for _, e := range entries {
				if info, err := e.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
					open++
				}
			}
		}
	}()
	for range 200 {
		l, err := admin.Listen(socket)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	close(stop)
	if open := <-looked; open > 0 {
		t.Errorf("it could be entered %d times", open)
	}
}

func TestSocketOfAProcessThatIsGoneIsReplaced(t *testing.T) {
	socket := socketPath(t)
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false)
	old.Close()
	listen(t, socket)
	if c, err := net.Dial("unix", socket); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
}

func TestWhatIsInUseIsRefused(t *testing.T) {
	live := socketPath(t)
	listen(t, live)
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(live, link); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ path, want string }{
		"live":      {live, "another process listens"},
		"file":      {file, "is no socket"},
		"folder":    {filepath.Dir(file), "is no socket"},
		"link":      {link, "is no socket"},
		"long path": {filepath.Join(t.TempDir(), strings.Repeat("x", 100), "admin.sock"), "too long for a socket"},
	} {
		if l, err := admin.Listen(tc.path); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
			if err == nil {
				l.Close()
			}
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if _, _, others := modes(t, live); len(others) > 0 {
		t.Errorf("left behind: %q", others)
	}
}

// A process that is too busy to accept looks dead to who connects without patience. It is not.
func TestSocketOfABusyProcessIsNotTaken(t *testing.T) {
	socket := socketPath(t)
	listen(t, socket) // nobody accepts
	var waiting []net.Conn
	defer func() {
		for _, c := range waiting {
			c.Close()
		}
	}()
	for range 20000 {
		c, err := net.Dial("unix", socket)
		if err != nil {
			break
		}
		waiting = append(waiting, c)
	}
	if l, err := admin.Listen(socket); err == nil {
		l.Close()
		t.Errorf("taken, with %d connections waiting", len(waiting))
	}
}

// Who comes late to close must not take away the socket of who came after.
func TestClosingLeavesTheSocketOfAnother(t *testing.T) {
	first, second := socketPath(t), socketPath(t)
	l := listen(t, first)
	listen(t, second)
	if err := os.Rename(second, first); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("unix", first); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
}
