package directorytest_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ropcd/ropcd/pkg/childtest"
	"github.com/ropcd/ropcd/pkg/directory/directorytest"
)

// answers reports whether the server lets somebody in within the time.
func answers(s *directorytest.Server, within time.Duration) bool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	c, err := ldap.DialURL(s.TLSURL(), ldap.DialWithDialer(&net.Dialer{Timeout: within}),
		ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots, ServerName: "localhost"}))
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	c.SetTimeout(within)
	return c.Bind(directorytest.BindDN, directorytest.BindPassword) == nil
}

func TestServerComesAndGoes(t *testing.T) {
	s := directorytest.Start(t, directorytest.Options{})
	other := directorytest.Start(t, directorytest.Options{})
	if s.URL() == other.URL() || s.TLSURL() == other.TLSURL() || s.Dir() == other.Dir() {
		t.Error("two servers are one")
	}
	childtest.ComesAndGoes(t, s, func(within time.Duration) bool { return answers(s, within) })
}

func TestServerEndsWithItsTest(t *testing.T) {
	var s *directorytest.Server
	t.Run("inner", func(t *testing.T) { s = directorytest.Start(t, directorytest.Options{}) })
	if answers(s, 100*time.Millisecond) {
		t.Error("the server is still there")
	}
	if _, err := os.Stat(s.Dir()); err == nil {
		t.Error("the directory is still there")
	}
}

func TestServerRequiresTLS(t *testing.T) {
	s := directorytest.Start(t, directorytest.Options{RequireTLS: true})
	c, err := ldap.DialURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Bind(directorytest.BindDN, directorytest.BindPassword); !ldap.IsErrorWithCode(err, ldap.LDAPResultConfidentialityRequired) {
		t.Errorf("bind without TLS: %v", err)
	}
}
