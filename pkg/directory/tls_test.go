package directory_test

import (
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/directory"
	"github.com/ropcd/ropcd/pkg/directory/directorytest"
)

// inClear reports what must not be heard on the way.
func inClear(r *relay) string {
	for _, secret := range []string{password, directorytest.BindPassword, directorytest.BindDN, "zoë", "uid="} {
		if strings.Contains(r.said(), secret) {
			return secret
		}
	}
	return ""
}

func TestTLSHidesEverything(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{RequireTLS: true})
	s.AddUser("zoë", password, nil)
	ldap, ldaps := newRelay(t, s.Addr(), nil), newRelay(t, strings.TrimPrefix(s.TLSURL(), "ldaps://"), nil)
	o := options(s, ldap.ldap())
	o.StartTLS = true
	starting, implicit := open(t, o), open(t, options(s, ldaps.ldaps()))
	for name, d := range map[string]*directory.Directory{"StartTLS": starting, "ldaps": implicit} {
		check(t, d, "zoë", password, right)
		check(t, d, "zoë", "wrong", no(directory.Wrong))
		for _, r := range []*relay{ldap, ldaps} {
			if secret := inClear(r); secret != "" {
				t.Errorf("%s: %q goes over the network in clear", name, secret)
			}
		}
	}
	plain := open(t, options(s, s.URL()))
	unavailable(t, plain, "zoë", "(Confidentiality Required); check that the server is asked with TLS")
}

func TestCertificateMustBeGood(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, nil)
	other, err := directorytest.CA()
	if err != nil {
		t.Fatal(err)
	}
	implicit := strings.TrimPrefix(s.TLSURL(), "ldaps://")
	for what, tc := range map[string]struct {
		at, to   string
		ca       []byte
		startTLS bool
		check    string
	}{
		"other CA, StartTLS":     {"127.0.0.1", s.Addr(), other, true, "that the CA file"},
		"other CA, ldaps":        {"127.0.0.1", implicit, other, false, "that the CA file"},
		"system's CAs, StartTLS": {"127.0.0.1", s.Addr(), nil, true, "that the CA file"},
		"system's CAs, ldaps":    {"127.0.0.1", implicit, nil, false, "that the CA file"},
		"other name, StartTLS":   {"127.0.0.2", s.Addr(), s.CA(), true, "that the URL has the host"},
		"other name, ldaps":      {"127.0.0.2", implicit, s.CA(), false, "that the URL has the host"},
		"no TLS there":           {"127.0.0.1", s.Addr(), s.CA(), false, ""},
	} {
		r := newRelayAt(t, tc.at+":0", tc.to, nil)
		o := options(s, r.ldaps())
		o.CA, o.StartTLS = tc.ca, tc.startTLS
		if tc.startTLS {
			o.URLs = []string{r.ldap()}
		}
		d := open(t, o)
		unavailable(t, d, "zoë", "connect")
		unavailable(t, d, "zoë", tc.check)
		if secret := inClear(r); secret != "" {
			t.Errorf("%s: %q goes over the network in clear", what, secret)
		}
	}
}

// refusal is how a server answers StartTLS that can't (RFC 4511 section 4.14).
const refusal = "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"

func TestServerThatCannotStartTLSIsNotTalkedTo(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	r := newRelay(t, "", []byte(refusal))
	o := options(s, r.ldap())
	o.StartTLS = true
	unavailable(t, open(t, o), "zoë", "StartTLS")
	if want := "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + "1.3.6.1.4.1.1466.20037"; r.said() != want {
		t.Errorf("said %q, want StartTLS alone", r.said())
	}
}
