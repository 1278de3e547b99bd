package directory

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// Answer is what the directory says. The zero value is a wrong password.
type Answer struct {
	Right bool

	// State says why not, unless Right. It is for the audit log: clients must not be able to tell one from another.
	State State

	// Attributes are those that Options asks for and the entry has, if Right: of several values the first, and none that
	// is not UTF-8.
	Attributes map[string]string
}

// State is why an answer is a no.
type State int

// The states of a user who is refused.
const (
	Wrong   State = iota // the password is wrong, or the entry has none
	Unknown              // no entry matches the name
	Locked               // the entry is locked or disabled, or may not log in now; the password may be right
	Expired              // the password or the entry has expired, or the password must be changed first
)

// adCode is how Active Directory says why it answers invalidCredentials; the code is a Windows error in hexadecimal.
var adCode = regexp.MustCompile(`LdapErr: DSID-[0-9A-Fa-f]+, comment: AcceptSecurityContext error, data ([0-9a-f]+),`)

// adStates are the codes other than that of a wrong password (52e), and ERROR_NO_SUCH_USER (525), which is one here: the
// entry was there a moment ago.
var adStates = map[string]State{
	"530": Locked,  // not at this time
	"531": Locked,  // not from here
	"532": Expired, // the password
	"533": Locked,  // disabled
	"534": Locked,  // not in this way
	"701": Expired, // the account
	"773": Expired, // the password must be changed
	"775": Locked,
}

// judge says what the result of a bind as the user means, or is a final fault if it does not tell.
func judge(result *ldap.SimpleBindResult, err error) (Answer, error) {
	state, hinted := hint(result)
	var ended *ldap.Error
	if err == nil {
		return Answer{Right: !hinted, State: state}, nil
	}
	if result == nil || !errors.As(err, &ended) {
		return Answer{}, untold(err)
	}
	message := ended.Err.Error()
	switch ended.ResultCode {
	case ldap.LDAPResultInvalidCredentials:
		if match := adCode.FindStringSubmatch(message); match != nil && !hinted {
			state = adStates[match[1]]
		}
		return Answer{State: state}, nil
	case ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultNoSuchObject: // no password; deleted meanwhile
		return Answer{State: state}, nil
	case ldap.LDAPResultConstraintViolation: // 389 Directory Server: too many wrong passwords
		if !hinted {
			state = Locked
		}
		return Answer{State: state}, nil
	case ldap.LDAPResultUnwillingToPerform: // 389 Directory Server: disabled. Others: no such binds at all
		if hinted {
			return Answer{State: state}, nil
		}
		if strings.HasPrefix(message, "Account inactivated") {
			return Answer{State: Locked}, nil
		}
	}
	return Answer{}, untold(err)
}

// untold is the fault of a bind whose result does not tell.
func untold(err error) error {
	e := broken("bind as the user", err)
	e.final = true
	return e
}

// hint is what the controls of a bind's result say against the user, if anything. Warnings and logins that are still let
// through after the password's end say nothing against.
func hint(result *ldap.SimpleBindResult) (State, bool) {
	if result == nil {
		return Wrong, false
	}
	for _, control := range result.Controls {
		switch c := control.(type) {
		case *ldap.ControlBeheraPasswordPolicy: // draft-behera-ldap-password-policy-10 section 6.2
			switch c.Error {
			case ldap.BeheraPasswordExpired, ldap.BeheraChangeAfterReset:
				return Expired, true
			case ldap.BeheraAccountLocked:
				return Locked, true
			}
		case *ldap.ControlVChuPasswordMustChange: // draft-vchu-ldap-pwd-policy-00
			return Expired, true
		}
	}
	return Wrong, false
}

// bears reports whether the entry's name is exactly that one. Of several names it is the one in the entry's own DN: an alias
// is nobody's name.
func (o *Options) bears(entry *ldap.Entry, username string) bool {
	names := entry.GetEqualFoldAttributeValues(o.NameAttribute)
	if len(names) > 1 {
		names = inDN(entry.DN, o.NameAttribute)
	}
	if len(names) != 1 {
		return false
	}
	name, ok := o.Canonical(names[0])
	return ok && name == username
}

// inDN are the values of an attribute in the first part of a DN.
func inDN(dn, attribute string) (values []string) {
	parsed, err := ldap.ParseDN(dn)
	if err != nil || len(parsed.RDNs) == 0 {
		return nil
	}
	for _, a := range parsed.RDNs[0].Attributes {
		if strings.EqualFold(a.Type, attribute) {
			values = append(values, a.Value)
		}
	}
	return values
}

// pick are the attributes of an entry that are wanted: name in the answer → attribute of the entry.
func pick(entry *ldap.Entry, wanted map[string]string) map[string]string {
	if len(wanted) == 0 {
		return nil
	}
	picked := make(map[string]string, len(wanted))
	for name, from := range wanted {
		if values := entry.GetEqualFoldAttributeValues(from); len(values) > 0 && utf8.ValidString(values[0]) {
			picked[name] = values[0]
		}
	}
	return picked
}
