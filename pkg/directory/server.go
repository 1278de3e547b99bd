package directory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// coolDown is for how long a server that failed is asked after the others.
const coolDown = 5 * time.Second

var errURL = errors.New("it is not ldap://host:port or ldaps://host:port")

// server is one of a directory's servers. Safe for concurrent use.
type server struct {
	addr     string
	tls      *tls.Config // nil: no TLS
	startTLS bool
	failed   atomic.Int64 // when, in nanoseconds since 1970; 0: not since it last answered
}

// newServer is the server at a URL.
func newServer(address string, startTLS bool, roots *x509.CertPool) (*server, error) {
	u, err := parse(address)
	if err != nil {
		return nil, err
	}
	s := &server{addr: net.JoinHostPort(u.Hostname(), u.Port()), startTLS: startTLS && u.Scheme == "ldap"}
	if u.Scheme == "ldaps" || startTLS {
		s.tls = &tls.Config{RootCAs: roots, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	} else if !loopback(u.Hostname()) {
		return nil, fmt.Errorf("passwords would go to %s in clear: use ldaps://, or ldap:// with StartTLS (start_tls: true)", s.addr)
	}
	return s, nil
}

// parse reads a URL that has a host and nothing else but a port, and fills in the port. Its error does not show the URL,
// which may hold a password by mistake.
func parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errURL
	}
	port, known := map[string]string{"ldap": ldap.DefaultLdapPort, "ldaps": ldap.DefaultLdapsPort}[u.Scheme]
	if u.Port() != "" {
		port = u.Port()
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host}
	n, err := strconv.ParseUint(port, 10, 16)
	if !known || err != nil || n == 0 || u.Hostname() == "" || strings.TrimSuffix(u.String(), "/") != bare.String() {
		return nil, errURL
	}
	u.Host = net.JoinHostPort(u.Hostname(), port)
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}

// dial makes a connection on which nobody is bound, with TLS if there is to be any.
func (s *server) dial(ctx context.Context) (*conn, error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, unreached(ctx, err)
	}
	stream := raw
	if s.tls != nil && !s.startTLS {
		encrypted := tls.Client(raw, s.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, unreached(ctx, fmt.Errorf("%s: %w", s.addr, err))
		}
		stream = encrypted
	}
	c := &conn{Conn: ldap.NewConn(stream, s.tls != nil && !s.startTLS), raw: raw, server: s}
	c.Start()
	if s.startTLS {
		if err := c.within(ctx, func() error { return c.StartTLS(s.tls) }); err != nil {
			c.close()
			return nil, unreached(ctx, fmt.Errorf("StartTLS at %s: %w", s.addr, err))
		}
	}
	return c, nil
}

// unreached is the fault of a server that nobody could be asked about yet: its words can't hold a user's name.
func unreached(ctx context.Context, err error) *stepError {
	e := &stepError{step: "connect", reason: err.Error(), check: tlsAdvice(err), down: true}
	if ctx.Err() != nil {
		e.cause, e.check = ctx.Err(), ""
	}
	return e
}

// settle remembers whether the server is to be asked first.
func (s *server) settle(failed bool) {
	if failed {
		s.failed.Store(time.Now().UnixNano())
	} else {
		s.failed.Store(0)
	}
}

func (s *server) cooling() bool { return time.Since(time.Unix(0, s.failed.Load())) < coolDown }

// inTurn are the servers in the order in which they are asked: as configured, with those at the end that failed lately.
func inTurn(servers []*server) []*server {
	var first, last []*server
	for _, s := range servers {
		if s.cooling() {
			last = append(last, s)
		} else {
			first = append(first, s)
		}
	}
	return slices.Concat(first, last)
}
