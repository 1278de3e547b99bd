package ropcd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// certify writes a certificate with a serial number, and its key.
func (in installation) certify(serial int64) {
	in.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		in.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		in.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		in.t.Fatal(err)
	}
	in.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), 0o600)
	in.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})), 0o600)
}

// handshake is the serial number of the certificate that is served, and the protocol that is chosen.
func handshake(t *testing.T, addr string, version uint16) (serial int64, protocol string, err error) {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		return 0, "", err
	}
	defer c.Close()
	state := c.ConnectionState()
	return state.PeerCertificates[0].SerialNumber.Int64(), state.NegotiatedProtocol, nil
}

func TestCertificateIsServedAndReloaded(t *testing.T) {
	in := install(t, `server: {listen: "127.0.0.1:0", base_url: "http://127.0.0.1:1"}`,
		`server: {listen: "127.0.0.1:0", base_url: "https://127.0.0.1:1", tls: {cert_file: cert.pem, key_file: key.pem}}`)
	in.refuses("cert.pem")
	in.certify(1)
	s := in.serve()
	serves := func(want int64) bool {
		serial, protocol, err := handshake(t, s.at["listen"], tls.VersionTLS13)
		return err == nil && serial == want && protocol == "h2"
	}
	if !serves(1) {
		t.Fatal("the certificate is not served")
	}
	if _, _, err := handshake(t, s.at["listen"], tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if got := s.status("http://" + s.at["listen"] + metadata); got != 400 {
		t.Errorf("plain HTTP is answered with %d", got)
	}

	in.certify(2)
	if status, text := in.run("config", "reload"); status != 0 || !serves(2) {
		t.Errorf("after a reload: exit status %d, the new one is served: %v\n%s", status, serves(2), text)
	}
	in.write("cert.pem", "nonsense", 0o600)
	if status, text := in.run("config", "reload"); status != 2 || !serves(2) {
		t.Errorf("after a bad file: exit status %d, the old one is served: %v\n%s", status, serves(2), text)
	}
	in.certify(3) // a change of the files is enough
	if !eventually(func() bool { return serves(3) }) {
		t.Errorf("the third is not served\n%s", s.log)
	}
}
