package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
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
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, socket)); err != nil {
		_ = l.Close() // the first error says more
		return nil, fmt.Errorf("put the socket in its place: %w", err)
	}
	return &listener{l, socket}, nil
}

// retire refuses the socket of a live process, and what is no socket.
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
	if err == nil {
		_ = c.Close() // it answered, that is all
		return fmt.Errorf("another process listens on %s", socket)
	}
	return nil
}

// listener removes its socket when it is closed.
type listener struct {
	*net.UnixListener
	socket string
}

func (l *listener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		err = os.Remove(l.socket)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
