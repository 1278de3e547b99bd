package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Listen opens the socket of the admin API with mode 0600: who may open it is an administrator. Its folder is made, for
// its owner only, if absent. The socket of a process that is gone is replaced, that of a live one is an error.
func Listen(socket string) (net.Listener, error) {
	folder := filepath.Dir(socket)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make its folder: %w", err)
	}
	if err := retire(socket); err != nil {
		return nil, err
	}
	// The socket is made in a folder of its own that nobody else may enter, gets its mode there, and is moved to its
	// place: at no instant can anybody else connect.
	private, err := os.MkdirTemp(folder, ".a")
	if err != nil {
		return nil, fmt.Errorf("make a private folder: %w", err)
	}
	defer os.RemoveAll(private)
	made := filepath.Join(private, "s")
	if len(made) > maxPath {
		return nil, fmt.Errorf("the path is too long for a socket: its folder %s may have %d bytes", folder, maxPath-len(made)+len(folder))
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l.SetUnlinkOnClose(false)
	info, err := os.Lstat(made)
	if err := errors.Join(err, os.Chmod(made, 0o600), os.Rename(made, socket)); err != nil {
		_ = l.Close() // the first error says more
		return nil, fmt.Errorf("put the socket in its place: %w", err)
	}
	return &listener{l, socket, info}, nil
}

// maxPath is how long the path of a socket may be: the system's field for it, less the byte at its end.
const maxPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// retire refuses the socket of a live process, and what is no socket. Only a refused connection tells that a process is
// gone: one that is too busy to answer, or that we may not ask, is alive.
func retire(socket string) error {
	info, err := os.Lstat(socket)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", socket, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there and is no socket", socket)
	}
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "unix", socket)
	switch {
	case err == nil:
		_ = c.Close() // it answered, that is all
		return fmt.Errorf("another process listens on %s", socket)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("another process may listen on %s: %w", socket, err)
}

// listener removes its socket when it is closed, unless another has taken its place.
type listener struct {
	*net.UnixListener
	socket string
	made   fs.FileInfo
}

func (l *listener) Close() error {
	if err := l.UnixListener.Close(); err != nil {
		return err
	}
	if info, err := os.Lstat(l.socket); err == nil && os.SameFile(info, l.made) {
		return os.Remove(l.socket)
	}
	return nil
}
