package nodes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/directory"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

// LDAPDecision asks an LDAP directory whether the password is right. It searches the user's entry and binds as it. Whose
// password is right and who has no account here gets one, with the attributes that are mapped; later logins update them.
// Locked and expired are told apart by the directory's password policy, for the journey and the audit log only. While an
// account is locked here, the directory is not asked. A directory that does not answer is a fault: the client gets a 503.
type LDAPDecision struct {
	// URLs are the servers, in the order in which they are asked: ldaps://host:port, or ldap://host:port with `start_tls`.
	// Without TLS only this machine is talked to.
	URLs []string `yaml:"urls" reference:"required"`
	// StartTLS asks for TLS on ldap:// connections before anything else.
	StartTLS bool `yaml:"start_tls"`
	// CAFile holds the certificates, in PEM, that the servers' are verified with; the system's if it is left out.
	CAFile string `yaml:"ca_file"`
	// BindDN is the DN of the entry that searches; the search is anonymous if it is left out.
	BindDN string `yaml:"bind_dn"`
	// BindPasswordFile holds the password of `bind_dn`, and must not be open to others. Neither is given without the other.
	BindPasswordFile string `yaml:"bind_password_file"`
	// Base is the DN of the entry below which users are.
	Base string `yaml:"base" reference:"required"`
	// Filter finds one user by `{username}`. Attributes that users may write themselves have no place in it.
	Filter string `yaml:"filter"`
	// UsernameAttribute is the attribute that holds the user's name: an entry that is found by another one, such as mail, or
	// whose name only resembles what was sent, is nobody, since one person must not have several accounts. The attribute of
	// the filter if it is left out; it must be given where the filter has several.
	UsernameAttribute string `yaml:"username_attribute"`
	// Scope is how far below the base users are: "sub" (anywhere, the default), "one" (directly) or "base" (it is the user).
	Scope string `yaml:"scope"`
	// Attributes are those that are kept here, as `name here: name in the directory`.
	Attributes map[string]string `yaml:"attributes"`
	// Source is the name under which accounts that it makes are kept. It must stay the same when servers or filters change;
	// the base if it is left out.
	Source string `yaml:"source"`
	// Link is "own" (the default): it logs in those whose accounts it has made, and makes new ones; or "any": also those whom
	// an administrator or another source has made, whoever has their name in the directory.
	Link string `yaml:"link"`
	// Timeout bounds one answer, connecting included. It must be shorter than the 2s that a request has.
	Timeout time.Duration `yaml:"timeout"`
	// Connections is how many users are asked about at once; the others wait.
	Connections int `yaml:"connections"`
}

func newLDAPDecision() journey.Settings {
	return &LDAPDecision{Filter: "(uid=" + directory.Placeholder + ")", Timeout: 1500 * time.Millisecond, Connections: 8}
}

// Outcomes are "true" (right), "locked" and "expired" (as the directory says, or locked here), and "false" (anything else:
// wrong, missing, unknown).
func (*LDAPDecision) Outcomes() []string {
	return []string{outcomeTrue, outcomeFalse, outcomeLocked, outcomeExpired}
}

// ReadsPassword is true: the directory compares it.
func (*LDAPDecision) ReadsPassword() bool { return true }

// Verifies is "true".
func (*LDAPDecision) Verifies() []string { return []string{outcomeTrue} }

// Open fails for files that can't be read, and for all that can be known to be wrong without connecting.
func (d *LDAPDecision) Open(env journey.Env) (journey.Node, error) {
	o := directory.Options{
		URLs: d.URLs, StartTLS: d.StartTLS, BindDN: d.BindDN, Base: d.Base, Filter: d.Filter,
		Attributes: d.Attributes, Timeout: d.Timeout, Connections: d.Connections,
		NameAttribute: d.UsernameAttribute, Canonical: realm.Username,
	}
	switch d.Scope {
	case "", "sub":
	case "one":
		o.Scope = directory.OneLevel
	case "base":
		o.Scope = directory.Object
	default:
		return nil, fmt.Errorf("scope: must be sub, one or base, not %q", d.Scope)
	}
	if err := checkTimeout(d.Timeout); err != nil {
		return nil, err
	}
	if d.Connections < 0 {
		return nil, errors.New("connections: must not be negative")
	}
	err := d.missing()
	if err != nil {
		return nil, err
	}
	if d.CAFile != "" {
		if o.CA, err = readFile(env, d.CAFile); err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
	}
	if d.BindDN != "" {
		if o.BindPassword, err = readSecret(env, d.BindPasswordFile); err != nil {
			return nil, fmt.Errorf("bind_password_file: %w", err)
		}
	}
	opened, err := directory.Open(o)
	if err != nil {
		return nil, err
	}
	all, err := linksAny(d.Link)
	if err != nil {
		return nil, err
	}
	return &ldap{Directory: opened, linked: linked{cmp.Or(d.Source, strings.ToLower(d.Base)), all}, attributes: d.Attributes}, nil
}

// missing is which setting there has to be, in the words of the configuration.
func (d *LDAPDecision) missing() error {
	switch {
	case len(d.URLs) == 0:
		return errors.New("urls are missing: list at least one server, such as ldaps://directory.example.org")
	case d.Base == "":
		return errors.New("base is missing: write the DN below which users are, such as ou=people,dc=example,dc=org")
	case d.BindDN != "" && d.BindPasswordFile == "":
		return errors.New("bind_password_file is missing: name the file with the password of bind_dn, or leave out both for an anonymous search")
	case d.BindDN == "" && d.BindPasswordFile != "":
		return errors.New("bind_dn is missing: write the DN whose password is in bind_password_file, or leave out both for an anonymous search")
	}
	return nil
}

// ldap is the node and its source.
type ldap struct {
	*directory.Directory
	linked
	attributes map[string]string
}

// Check implements journey.Source. Attributes that the entry lacks are removed here too.
func (l *ldap) Check(ctx context.Context, username, password string) (journey.Answer, error) {
	a, err := l.Directory.Check(ctx, username, password)
	switch {
	case errors.Is(err, directory.ErrSent):
		return journey.Answer{}, fmt.Errorf("%w: %w: %w", journey.ErrUnavailable, journey.ErrSent, err)
	case errors.Is(err, directory.ErrUnavailable):
		return journey.Answer{}, fmt.Errorf("%w: %w", journey.ErrUnavailable, err)
	}
	if err != nil || !a.Right {
		return journey.Answer{Reason: ldapReasons[a.State]}, err
	}
	known := make(map[string]string, len(l.attributes))
	for name := range l.attributes {
		known[name] = a.Attributes[name]
	}
	return journey.Answer{Right: true, Attributes: known}, nil
}

var ldapReasons = map[directory.State]string{
	directory.Wrong: journey.ReasonWrongPassword, directory.Unknown: journey.ReasonUnknownUser,
	directory.Locked: journey.ReasonLocked, directory.Expired: journey.ReasonExpired,
}

// Refuse implements journey.Source.
func (l *ldap) Refuse(ctx context.Context) error {
	if err := l.Directory.Refuse(ctx); err != nil {
		return fmt.Errorf("%w: %w", journey.ErrUnavailable, err)
	}
	return nil
}

func (l *ldap) Run(ctx context.Context, s *journey.State) (string, error) {
	a, err := s.VerifyWith(ctx, l)
	if err != nil {
		return "", err
	}
	return sourceOutcome(s, a), nil
}
