package directory

import (
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Placeholder is where the user name goes in a filter.
const Placeholder = "{username}"

const (
	defaultTimeout     = 5 * time.Second
	defaultConnections = 8
)

// Scope says how far below the base a search looks (RFC 4511 section 4.5.1.2).
type Scope int

// The scopes of a search.
const (
	Subtree  Scope = iota // the base and all below
	OneLevel              // what is directly below the base
	Object                // the base only
)

// Options are what a directory is opened with. URLs, Base and Filter are needed.
type Options struct {
	// URLs are the servers, ldaps://host[:port] or ldap://host[:port], in the order in which they are asked. They hold
	// the same entries. Without TLS only this machine is talked to: localhost, 127.0.0.0/8 and ::1.
	URLs []string

	// StartTLS asks for TLS on ldap:// connections before anything else (RFC 4511 section 4.14). A server that can't is
	// not talked to.
	StartTLS bool

	// CA are the certificates, in PEM, that the servers' are verified with. Empty: the system's.
	CA []byte

	// BindDN and BindPassword are the entry that searches. Both empty: the search is anonymous.
	BindDN, BindPassword string

	// Base is the entry at or below which users are, and Scope how far.
	Base  string
	Scope Scope

	// Filter matches one user (RFC 4515): (&(objectClass=person)(uid={username})). It has one Placeholder or more, each
	// in a value. Attributes that users may write themselves have no place in it: who can set them can be anybody.
	Filter string

	// NameAttribute is the attribute whose value is the user's name. An entry that is found by another one, such as mail, or
	// whose name only looks like what was typed, is nobody: one person must not have several accounts, each with its own count
	// of wrong passwords. Empty: the attribute of the filter, if it has one Placeholder, as a whole value.
	NameAttribute string

	// Canonical is the form in which names are compared; nil: as they are.
	Canonical func(name string) (canonical string, ok bool)

	// Attributes are wanted of a user whose password is right: name in the answer → attribute of the entry.
	Attributes map[string]string

	// Timeout is how long a check may take, connecting included. 0: 5 s.
	Timeout time.Duration

	// Connections is how many checks run at once, each with one searching connection and one for the user's bind; the
	// others wait. 0: 8.
	Connections int
}

// attribute is the syntax of an attribute description (RFC 4512 section 2.5).
var attribute = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)(;[A-Za-z0-9-]+)*$`)

func (o *Options) complete() {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Connections == 0 {
		o.Connections = defaultConnections
	}
	if named := plain.FindStringSubmatch(o.Filter); o.NameAttribute == "" && named != nil && strings.Count(o.Filter, Placeholder) == 1 {
		o.NameAttribute = named[1]
	}
	if o.Canonical == nil {
		o.Canonical = func(name string) (string, bool) { return name, true }
	}
}

// plain is where a filter compares one attribute with the whole name.
var plain = regexp.MustCompile(`\(([A-Za-z][A-Za-z0-9-]*)=` + regexp.QuoteMeta(Placeholder) + `\)`)

// check finds what can be wrong without asking anybody. Its errors hold none of the settings' values that may be secret.
func (o *Options) check() error {
	switch {
	case o.Timeout < 0:
		return errors.New("timeout is negative")
	case o.Connections < 0:
		return errors.New("number of connections is negative")
	case o.Scope < Subtree || o.Scope > Object:
		return fmt.Errorf("scope %d does not exist", o.Scope)
	}
	if err := checkBase(o.Base); err != nil {
		return err
	}
	if err := checkBind(o.BindDN, o.BindPassword); err != nil {
		return err
	}
	for name, from := range o.Attributes {
		if name == "" || !attribute.MatchString(from) {
			return fmt.Errorf("attribute %q from %q: no name of an attribute", name, from)
		}
	}
	if o.NameAttribute != "" && !attribute.MatchString(o.NameAttribute) {
		return fmt.Errorf("name attribute %q: no name of an attribute", o.NameAttribute)
	}
	if err := checkFilter(o.Filter); err != nil {
		return err
	}
	if o.NameAttribute == "" {
		return fmt.Errorf("filter %q does not tell which attribute is the user's name: name it (username_attribute)", o.Filter)
	}
	return nil
}

func checkBind(dn, password string) error {
	switch {
	case (dn == "") != (password == ""):
		return errors.New("bind DN and bind password go together: one of them is missing; give both, or neither for an anonymous search")
	case strings.ContainsRune(password, 0):
		return errors.New("bind password has a NUL byte")
	}
	if _, err := ldap.ParseDN(dn); err != nil {
		return fmt.Errorf("bind DN %q is no DN: write it as cn=search,dc=example,dc=org", dn)
	}
	return nil
}

func checkBase(base string) error {
	const write = "write the DN below which users are, such as ou=people,dc=example,dc=org"
	if base == "" {
		return errors.New("base is missing: " + write)
	}
	if parsed, err := ldap.ParseDN(base); err != nil || len(parsed.RDNs) == 0 {
		return fmt.Errorf("base %q is no DN: %s", base, write)
	}
	return nil
}

func checkFilter(filter string) error {
	if filter == "" {
		return errors.New("filter is missing: write one such as (uid=" + Placeholder + ")")
	}
	if _, err := ldap.CompileFilter(strings.ReplaceAll(filter, Placeholder, "name")); err != nil {
		return fmt.Errorf("filter %q: %w; write one such as (uid=%s)", filter, err, Placeholder)
	}
	before, rest, found := strings.Cut(filter, Placeholder)
	if !found {
		return fmt.Errorf("filter %q has no %s: put it where the user's name goes, as in (uid=%[2]s)", filter, Placeholder)
	}
	for ; found; before, rest, found = cutNext(before, rest) {
		// What is escaped for a value is not for the name of an attribute or a rule.
		if item := before[strings.LastIndexByte(before, '(')+1:]; !strings.Contains(item, "=") {
			return fmt.Errorf("filter %q has %s outside of a value: put it behind =, as in (uid=%[2]s)", filter, Placeholder)
		}
	}
	return nil
}

// cutNext goes on to the next placeholder.
func cutNext(before, rest string) (string, string, bool) {
	next, rest, found := strings.Cut(rest, Placeholder)
	return before + Placeholder + next, rest, found
}

// roots are the certificates that servers are verified with; nil: the system's.
func (o *Options) roots() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	switch {
	case len(o.CA) == 0:
		return nil, nil //nolint:nilnil // crypto/tls takes nil for the system's
	case !pool.AppendCertsFromPEM(o.CA):
		return nil, errors.New("no certificate among the CA's PEM blocks")
	default:
		return pool, nil
	}
}
