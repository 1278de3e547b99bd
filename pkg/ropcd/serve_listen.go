package ropcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/netutil"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/config"
)

// reserved file descriptors are kept for the store, the process endpoints and administrators.
const reserved = 128

// opsConnections is how many of them the process endpoints may take: whoever reaches these must not keep clients out.
const opsConnections = reserved / 2

// maxConnections is what is configured, or what the process's limit of file descriptors leaves.
func maxConnections(configured int) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return configured
	}
	return max(1, min(configured, int(min(limit.Cur, 1<<20))-reserved))
}

// bounded is a server whose connections take no more than the limits.
func bounded(l config.ServerLimits, h http.Handler, errorLog *log.Logger) *http.Server {
	return &http.Server{
		Handler: h, ErrorLog: errorLog, DisableGeneralOptionsHandler: true, ReadHeaderTimeout: l.HeaderTimeout, ReadTimeout: l.ReadTimeout,
		WriteTimeout: l.WriteTimeout, IdleTimeout: l.IdleTimeout, MaxHeaderBytes: int(l.Header),
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: l.Streams, WriteByteTimeout: l.WriteTimeout, SendPingTimeout: l.IdleTimeout},
	}
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
	l.public = netutil.LimitListener(l.public, maxConnections(c.Server.Limits.Connections))
	if l.ops, err = tcp.Listen(ctx, "tcp", c.Ops.Listen); err != nil {
		return setupError{fmt.Errorf("ops.listen: %w", err)}
	}
	l.ops = netutil.LimitListener(l.ops, opsConnections)
	if l.admin, err = admin.Listen(c.Admin.Socket); err != nil {
		return setupError{fmt.Errorf("admin.socket: %w", err)}
	}
	errorLog := slog.NewLogLogger(p.logger.Handler(), slog.LevelDebug)
	limits := c.Server.Limits
	l.servers = [3]*http.Server{
		bounded(limits, p.server, errorLog),
		bounded(limits, p.server.Ops(p.draining.Load), errorLog),
		{ // without a limit of writing: lists are long
			Handler: admin.New(p.adminOptions()), ErrorLog: errorLog, ReadHeaderTimeout: limits.HeaderTimeout, ReadTimeout: limits.ReadTimeout,
			IdleTimeout: limits.IdleTimeout, MaxHeaderBytes: int(limits.Header),
		},
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
