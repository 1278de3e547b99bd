package directorytest

import (
	"maps"
	"strconv"

	"github.com/go-ldap/ldap/v3"
)

// What is where in every server's directory.
const (
	Base   = "dc=example,dc=com"
	People = "ou=people," + Base

	// BindDN is the entry that may search and read, with BindPassword. No policy locks it.
	BindDN       = "cn=search," + Base
	BindPassword = "search-secret"

	// PolicyLockout holds for who has no other: three wrong passwords lock the entry, and what the administrator has
	// set (pwdReset) must be changed.
	PolicyLockout = "cn=lockout,ou=policies," + Base
	// PolicyExpiry lets passwords expire after an hour.
	PolicyExpiry = "cn=expiry,ou=policies," + Base
	// PolicyGrace is PolicyExpiry, with some logins that are still let through.
	PolicyGrace = "cn=grace,ou=policies," + Base
	// PolicyNone asks for nothing.
	PolicyNone = "cn=none,ou=policies," + Base

	rootDN       = "cn=root," + Base
	rootPassword = "root-secret"

	relaxRules = "1.3.6.1.4.1.4203.666.5.12" // draft-zeilenga-ldap-relax
)

// furnish puts in what every server's directory has.
func (s *Server) furnish() {
	s.t.Helper()
	for _, unit := range []string{"people", "policies"} {
		s.Add("ou="+unit+","+Base, map[string][]string{"objectClass": {"organizationalUnit"}, "ou": {unit}})
	}
	for dn, rules := range map[string]map[string][]string{
		PolicyLockout: {"pwdLockout": {"TRUE"}, "pwdMaxFailure": {"3"}, "pwdMustChange": {"TRUE"}},
		PolicyExpiry:  {"pwdMaxAge": {"3600"}},
		PolicyGrace:   {"pwdMaxAge": {"3600"}, "pwdGraceAuthnLimit": {"1000"}},
		PolicyNone:    {},
	} {
		policy := map[string][]string{"objectClass": {"pwdPolicy", "organizationalRole"}, "pwdAttribute": {"userPassword"}}
		maps.Copy(policy, rules)
		s.Add(dn, policy)
	}
	s.Add(BindDN, map[string][]string{
		"objectClass": {"organizationalRole", "simpleSecurityObject"}, "userPassword": {BindPassword}, "pwdPolicySubentry": {PolicyNone},
	})
}

// AddUser adds the inetOrgPerson uid=name below [People], and answers its DN. The attributes come on top; an objectClass
// among them is one more. Operational ones may be among them, as pwdPolicySubentry, pwdReset ("TRUE") or
// pwdChangedTime ("20000101000000Z").
func (s *Server) AddUser(name, password string, attributes map[string][]string) string {
	s.t.Helper()
	entry := map[string][]string{"uid": {name}, "cn": {name}, "sn": {name}, "userPassword": {password}}
	maps.Copy(entry, attributes)
	entry["objectClass"] = append([]string{"inetOrgPerson"}, attributes["objectClass"]...)
	dn := "uid=" + ldap.EscapeDN(name) + "," + People
	s.Add(dn, entry)
	return dn
}

// Answering are the attributes of a user whose bind is answered with a result code and text after so many seconds,
// whatever the password, by a server with [Options].Answering.
func Answering(code int, text string, seconds int) map[string][]string {
	attributes := map[string][]string{
		"objectClass": {"errAuxObject"}, "errOp": {"bind"}, "errCode": {strconv.Itoa(code)}, "errSleepTime": {strconv.Itoa(seconds)},
	}
	if text != "" {
		attributes["errText"] = []string{text}
	}
	return attributes
}

// Add adds any entry below [Base].
func (s *Server) Add(dn string, attributes map[string][]string) {
	s.t.Helper()
	add := ldap.NewAddRequest(dn, controls())
	for name, values := range attributes {
		add.Attribute(name, values)
	}
	if err := s.asRoot(func(c *ldap.Conn) error { return c.Add(add) }); err != nil {
		s.t.Fatalf("add %s: %v", dn, err)
	}
}

// Delete removes an entry.
func (s *Server) Delete(dn string) {
	s.t.Helper()
	if err := s.asRoot(func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, controls())) }); err != nil {
		s.t.Fatalf("delete %s: %v", dn, err)
	}
}

// controls let the root write what the server keeps to itself, and entries that answer for themselves or refer to others.
func controls() []ldap.Control {
	return []ldap.Control{ldap.NewControlString(relaxRules, true, ""), ldap.NewControlManageDsaIT(true)}
}

func (s *Server) asRoot(do func(*ldap.Conn) error) error {
	c, err := ldap.DialURL(s.TLSURL(), ldap.DialWithTLSConfig(s.trusting()))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.Bind(rootDN, rootPassword); err != nil {
		return err
	}
	return do(c)
}
