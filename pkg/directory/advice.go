package directory

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// The steps of which it is known what is to be checked.
const (
	stepBind   = "bind as the searching entry"
	stepSearch = "search"
)

// advice is what is to be checked when a server answers a step with that result code; empty: nothing is known. It depends
// on these two alone, so that it can hold no secret and nobody's name.
func advice(step string, code uint16) string {
	if code == ldap.LDAPResultConfidentialityRequired {
		return "that the server is asked with TLS: ldaps://, or ldap:// with StartTLS"
	}
	switch step {
	case stepBind:
		switch code {
		case ldap.LDAPResultInvalidCredentials, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInappropriateAuthentication:
			return "the bind DN and its password, and that the entry is not locked or expired"
		}
	case stepSearch:
		switch code {
		case ldap.LDAPResultNoSuchObject:
			return "that the base exists, and that who searches may see it (who searches without a bind DN often may not)"
		case ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultOperationsError, ldap.LDAPResultInappropriateAuthentication:
			return "that a bind DN is given, and that it may search below the base"
		case ldap.LDAPResultReferral:
			return "that the base is one that this server holds: referrals are not followed"
		}
	}
	return ""
}

// tlsAdvice is what is to be checked when TLS comes to nothing. The library hands on the text of a failed StartTLS only,
// so that the kind of error is looked for there too.
func tlsAdvice(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	text := err.Error()
	switch {
	case errors.As(err, &unknown), strings.Contains(text, unknown.Error()):
		return "that the CA file holds the certificate of who signed the server's, which the system's CAs did not"
	case errors.As(err, &host), strings.Contains(text, "x509: certificate is valid for"), strings.Contains(text, "x509: cannot validate certificate for"):
		return "that the URL has the host by a name that is in the server's certificate"
	case errors.As(err, &invalid), strings.Contains(text, "x509: certificate has expired"):
		return "the server's certificate, and this machine's clock"
	case errors.As(err, &record):
		return "that this port begins with TLS, as ldaps:// says; where it does not, write ldap:// with StartTLS"
	}
	return ""
}
