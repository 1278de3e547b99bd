package redis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/childtest"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// authority signs certificates for 127.0.0.1.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, time.Hour)
	return a
}

// sign makes a certificate that ends so much later than now; the authority's own if it has none yet.
func (a *authority) sign(template *x509.Certificate, life time.Duration) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(a.t, "make a key", err)
	template.Subject.CommonName = map[bool]string{true: "an authority", false: "somebody"}[template.IsCA]
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(life)
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	ok(a.t, "sign", err)
	cert, err := x509.ParseCertificate(der)
	ok(a.t, "parse", err)
	return cert, key
}

// pair is a certificate and key as files.
func (a *authority) pair(life time.Duration) (certFile, keyFile string) {
	a.t.Helper()
	cert, key := a.sign(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, life)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ok(a.t, "encode a key", err)
	return a.file("CERTIFICATE", cert.Raw), a.file("PRIVATE KEY", der)
}

func (a *authority) file(kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), "pem")
	ok(a.t, "write", os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// roots trusts the authority.
func (a *authority) roots() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// secure starts a server that speaks TLS on the port it gives, and plain on its own.
func (a *authority) secure(life time.Duration, args ...string) (tlsAddr string, plain *redistest.Server) {
	a.t.Helper()
	cert, key := a.pair(life)
	port := childtest.FreePort(a.t)
	plain = redistest.Start(a.t, append([]string{
		"--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", a.file("CERTIFICATE", a.cert.Raw),
	}, args...)...)
	return net.JoinHostPort("127.0.0.1", port), plain
}

func over(c *tls.Config) func(*redis.Options) { return func(o *redis.Options) { o.TLS = c } }

func TestTLSWithPrivateCAAndClientCertificates(t *testing.T) {
	ca := newAuthority(t)
	addr, _ := ca.secure(time.Hour) // tls-auth-clients is yes unless told otherwise
	certFile, keyFile := ca.pair(time.Hour)
	mine, err := tls.LoadX509KeyPair(certFile, keyFile)
	ok(t, "load", err)
	c := ca.roots()
	c.Certificates = []tls.Certificate{mine}
	s := open(t, addr, over(c))
	ok(t, "ready", s.Ready(t.Context()))
	everything(t, s)

	diagnosed(t, open(t, addr, over(ca.roots())), "wants another certificate of ours", "cert_file")
	openAddr, _ := ca.secure(time.Hour, "--tls-auth-clients", "no")
	ok(t, "without a client certificate", open(t, openAddr, over(ca.roots())).Ready(t.Context()))
}

func TestTLSProblemsAreNamed(t *testing.T) {
	ca := newAuthority(t)
	addr, plain := ca.secure(time.Hour, "--tls-auth-clients", "no")
	expired, _ := ca.secure(-time.Hour, "--tls-auth-clients", "no")
	otherName := ca.roots()
	otherName.ServerName = "redis.example"
	diagnosed(t, open(t, addr), "speaks TLS", "tls.enabled")
	diagnosed(t, open(t, addr, over(newAuthority(t).roots())), "signed by somebody unknown", "ca_file")
	diagnosed(t, open(t, addr, over(otherName)), "for another name", "server_name")
	diagnosed(t, open(t, expired, over(ca.roots())), "expired", "renew")
	diagnosed(t, open(t, plain.Addr(), over(ca.roots()), timeout(300*time.Millisecond)), "does not speak TLS", "tls-port")
	clustered := func(o *redis.Options) { o.Mode = redis.ModeCluster }
	diagnosed(t, open(t, addr, clustered), "speaks TLS", "tls.enabled")
	diagnosed(t, open(t, plain.Addr(), clustered, over(ca.roots()), timeout(300*time.Millisecond)), "does not speak TLS", "tls-port")
}
