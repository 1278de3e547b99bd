package config

import (
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/journey"
)

// maxSocketPath is what a Unix socket's address has room for.
const maxSocketPath = 107

func (l *loader) server(f *file) {
	s, at := &f.Server, strict.Path{"server"}
	host, listens := l.listen(at.With("listen"), s.Listen)
	l.baseURL(at.With("base_url"), s)
	for i, cidr := range s.TrustedProxies {
		l.proxy(at.With("trusted_proxies").At(i), cidr)
	}
	l.oneOf(at.With("proxy_header"), s.ProxyHeader, guard.XForwardedFor, guard.Forwarded)
	l.keyPair(at.With("tls"), s.TLS.CertFile, s.TLS.KeyFile)
	if listens && !s.TLS.Enabled() && !s.BehindProxy && !isLoopback(host) {
		l.Bad(at.With("listen"), "is reached from other machines, and passwords would travel in clear: set server.tls, "+
			"or server.behind_proxy: true if a proxy in front terminates TLS")
	}
	l.serverLimits(at.With("limits"), s.Limits)
	between(l, at.With("shutdown_delay"), s.ShutdownDelay, 0, time.Hour)
	between(l, at.With("drain_timeout"), s.DrainTimeout, 0, time.Hour)

	l.listen(strict.Path{"ops", "listen"}, f.Ops.Listen)
	if f.Ops.Listen == s.Listen && !strings.HasSuffix(s.Listen, ":0") {
		l.Bad(strict.Path{"ops", "listen"}, "is also server.listen; health and metrics need their own port")
	}
	l.adminSocket(f.Admin)
}

func (l *loader) adminSocket(a Admin) {
	at := strict.Path{"admin", "socket"}
	switch {
	case a.Socket == "":
		l.Report(at, "the path is empty")
	case len(a.Socket) > maxSocketPath:
		l.Report(at, "the path %s is longer than the %d bytes that a Unix socket can have", a.Socket, maxSocketPath)
	}
}

// listen checks host:port and answers the host.
func (l *loader) listen(at strict.Path, address string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		l.Bad(at, "is not an address to listen on; write host:port, such as 127.0.0.1:8080 or :8080")
		return "", false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		l.Bad(at, "has no port from 0 to 65535")
		return "", false
	}
	if host != "" && !validHost(host) {
		l.Bad(at, "has no valid host; write an IP address, a host name, or nothing for all interfaces")
		return "", false
	}
	return host, true
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// validHost accepts IP addresses (without brackets) and host names.
func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if len(host) > 253 || strings.Contains(host, ":") {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || !isLabel(label) {
			return false
		}
	}
	return true
}

func isLabel(s string) bool {
	for _, c := range []byte(s) {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// baseURL checks server.base_url and trims the slash at its end.
func (l *loader) baseURL(at strict.Path, s *Server) {
	trimmed, ok := l.url(at, s.BaseURL)
	if !ok {
		return
	}
	s.BaseURL = trimmed
	u, _ := url.Parse(trimmed)
	switch {
	case u.Scheme == "http" && s.TLS.Enabled():
		l.Warn(at, "is http, but the server speaks TLS; the issuer of all tokens begins with it")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		l.Warn(at, "is http: clients that follow the metadata send passwords in clear")
	}
}

// url checks a URL that others are built on.
func (l *loader) url(at strict.Path, text string) (trimmed string, ok bool) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Opaque != "":
		l.Bad(at, "is not a URL; write https://host or https://host/path")
	case u.User != nil:
		l.Report(at, "the URL must not hold a user name or a password")
	case strings.ContainsAny(text, "?#"):
		l.Bad(at, "must have no query and no fragment")
	case !validHost(u.Hostname()), !validPort(u.Port()), strings.HasSuffix(u.Host, ":"):
		l.Bad(at, "has no valid host")
	case !cleanPath(u.EscapedPath()):
		l.Bad(at, "must have a plain path: letters, digits, '-', '.', '_', '~' and single slashes")
	default:
		return strings.TrimRight(text, "/"), true
	}
	return "", false
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func cleanPath(p string) bool {
	p = strings.TrimSuffix(p, "/")
	if p == "" {
		return true
	}
	for _, c := range []byte(p) {
		if !isLabel(string(c)) && !strings.ContainsRune("/.~", rune(c)) {
			return false
		}
	}
	return path.Clean(p) == p
}

func (l *loader) proxy(at strict.Path, cidr string) {
	prefix, err := netip.ParsePrefix(cidr)
	if err == nil && prefix.Masked() != prefix {
		l.Bad(at, "has bits set behind the prefix; did you mean %q?", prefix.Masked())
	} else if _, single := netip.ParseAddr(cidr); err != nil && single == nil {
		l.Bad(at, "is a single address; write it with its prefix, such as /32")
	} else if err != nil {
		l.Bad(at, "is not a network; write one such as 10.0.0.0/8 or fd00::/8")
	}
}

// serverLimits holds that a request fits into them, and that none of them is away.
func (l *loader) serverLimits(at strict.Path, s ServerLimits) {
	between(l, at.With("connections"), s.Connections, 1, 1_000_000)
	between(l, at.With("requests"), s.Requests, 1, 1_000_000)
	between(l, at.With("streams"), s.Streams, 1, 1000)
	between(l, at.With("header"), s.Header, 4*KiB, 1*MiB)
	for _, t := range []struct {
		name string
		d    time.Duration
	}{
		{"header_timeout", s.HeaderTimeout}, {"read_timeout", s.ReadTimeout},
		{"write_timeout", s.WriteTimeout}, {"idle_timeout", s.IdleTimeout},
	} {
		between(l, at.With(t.name), t.d, time.Second, time.Hour)
	}
	if s.WriteTimeout <= journey.RequestTime {
		l.Bad(at.With("write_timeout"), "is not longer than a request may take (%s)", strict.FormatDuration(journey.RequestTime))
	}
}

// Proxies are the trusted proxies, parsed.
func (s Server) Proxies() []netip.Prefix {
	var out []netip.Prefix
	for _, cidr := range s.TrustedProxies {
		if p, err := netip.ParsePrefix(cidr); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// keyPair checks a certificate and its key, which are both there or neither.
func (l *loader) keyPair(at strict.Path, certFile, keyFile string) {
	switch {
	case certFile == "" && keyFile == "":
		return
	case keyFile == "":
		l.Report(at.With("key_file"), "cert_file needs a key_file")
		return
	case certFile == "":
		l.Report(at.With("cert_file"), "key_file needs a cert_file")
		return
	}
	cert, err := readFile(certFile, maxFile)
	if err != nil {
		l.Report(at.With("cert_file"), "the file %s %s", certFile, err)
	}
	key, ok := l.secretFile(at.With("key_file"), keyFile, false)
	if err != nil || !ok {
		return
	}
	if _, err := tls.X509KeyPair(cert, []byte(key)); err != nil {
		l.Report(at, "the certificate and the key can't be used: %s", err)
	}
}
