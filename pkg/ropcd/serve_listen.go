package ropcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/config"
)

// Limits of every connection of clients. A request is small, and so is its answer.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 15 * time.Second
	idleTimeout   = time.Minute
	maxHeader     = 16 << 10
	// mostConnections is how many clients may be connected at once; beyond it they wait to be let in.
	mostConnections = 10000
	// reserved file descriptors are kept for the store, the process endpoints and administrators.
	reserved = 128
)

// maxConnections is mostConnections, or what the process's limit of file descriptors leaves.
func maxConnections() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return mostConnections
	}
	return max(1, min(mostConnections, int(min(limit.Cur, 1<<20))-reserved))
}

// listeners are the three doors: of clients, of the process endpoints, of administrators.
type listeners struct {
	public, ops, admin net.Listener
	servers            [3]*http.Server
}

// listen opens all doors, or none.
func (p *process) listen(ctx context.Context) (*listeners, error) {
	l := &listeners{}
	if err := p.open(ctx, l); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (p *process) open(ctx context.Context, l *listeners) (err error) {
	c := p.current()
	tcp := &net.ListenConfig{}
	if l.public, err = tcp.Listen(ctx, "tcp", c.Server.Listen); err != nil {
		return setupError{fmt.Errorf("server.listen: %w", err)}
	}
	l.public = netutil.LimitListener(l.public, maxConnections())
	if l.ops, err = tcp.Listen(ctx, "tcp", c.Ops.Listen); err != nil {
		return setupError{fmt.Errorf("ops.listen: %w", err)}
	}
	if l.admin, err = admin.Listen(c.Admin.Socket); err != nil {
		return setupError{fmt.Errorf("admin.socket: %w", err)}
	}
	errorLog := slog.NewLogLogger(p.logger.Handler(), slog.LevelDebug)
	l.servers = [3]*http.Server{
		{
			Handler: p.server, ErrorLog: errorLog, DisableGeneralOptionsHandler: true, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
			WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		},
		{
			Handler: p.server.Ops(p.draining.Load), ErrorLog: errorLog, ReadHeaderTimeout: headerTimeout,
			ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		},
		{Handler: admin.New(p.adminOptions()), ErrorLog: errorLog, ReadHeaderTimeout: headerTimeout},
	}
	if p.tls != nil {
		l.public = tls.NewListener(l.public, p.tls.config())
	}
	return nil
}

// serve answers at every door. The channel gets the error of the first that fails.
func (l *listeners) serve() <-chan error {
	failed := make(chan error, len(l.servers))
	for i, listener := range []net.Listener{l.public, l.ops, l.admin} {
		go func() {
			if err := l.servers[i].Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	return failed
}

// shutdown lets requests under way finish until ctx ends. The process endpoints answer to the end.
func (l *listeners) shutdown(ctx context.Context) error {
	err := errors.Join(l.servers[0].Shutdown(ctx), l.servers[2].Shutdown(ctx))
	return errors.Join(err, l.servers[1].Shutdown(ctx))
}

// close shuts every door that is open, and ends what is still under way.
func (l *listeners) close() {
	for _, s := range l.servers {
		if s != nil {
			_ = s.Close() // it was shut down, or never served
		}
	}
	for _, listener := range []net.Listener{l.public, l.ops, l.admin} {
		if listener != nil {
			_ = listener.Close() // its server may have closed it
		}
	}
}

// certificate is the server's TLS certificate, which a reload may replace. nil: plain HTTP.
type certificate struct {
	pair atomic.Pointer[tls.Certificate]
}

func newCertificate(c config.TLS) (*certificate, error) {
	if !c.Enabled() {
		return nil, nil //nolint:nilnil // no TLS is a value
	}
	t := &certificate{}
	return t, t.load(c)
}

// load reads the files anew. Without TLS it does nothing.
func (t *certificate) load(c config.TLS) error {
	if t == nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return setupError{fmt.Errorf("server.tls: %w", err)}
	}
	t.pair.Store(&pair)
	return nil
}

func (t *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return t.pair.Load(), nil
		},
	}
}
