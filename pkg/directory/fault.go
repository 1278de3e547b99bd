package directory

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"
)

var (
	// ErrUnavailable says that the directory has given no answer about the user: it is down, slow, busy or closed, its
	// certificate is not good, or it refuses the searching account or its search.
	ErrUnavailable = errors.New("directory unavailable")

	// ErrSent is what an error also is after a bind as the user whose answer did not come: the password may have been
	// evaluated.
	ErrSent = errors.New("password sent, no answer")

	// ErrAmbiguous says that several entries match the user name: base, filter or entries must be corrected.
	ErrAmbiguous = errors.New("several entries match the user name")
)

// stepError is what went wrong with a server, without its own words: a diagnostic message or a DN may name the user. To
// errors.Is it is [ErrUnavailable], and the context's error if that was the reason.
type stepError struct {
	step, reason string
	check        string // what is to be checked; empty: nobody knows
	answered     bool   // it is what the server says; else the connection is of no use any more
	down         bool   // better ask another server for a while
	final        bool   // a password was sent: ask no other server
	cause        error  // the context's error, or nil
}

func (e *stepError) Error() string {
	text := fmt.Sprintf("%v: %s: %s", ErrUnavailable, e.step, e.reason)
	if e.check != "" {
		text += "; check " + e.check
	}
	return text
}

func (e *stepError) Is(target error) bool {
	return target == ErrUnavailable || (target == ErrSent && e.final && !e.answered)
}

func (e *stepError) Unwrap() error { return e.cause }

// broken is the fault of a step whose error is err.
func broken(step string, err error) *stepError {
	var ended *ldap.Error
	switch {
	case isOf(err):
		return &stepError{step: step, reason: err.Error(), cause: err, down: true}
	case errors.As(err, &ended) && ended.ResultCode < ldap.ErrorNetwork: // beyond are the library's own
		code := ended.ResultCode
		return &stepError{
			step: step, reason: fmt.Sprintf("the server answers %d (%s)", code, ldap.LDAPResultCodeMap[code]), check: advice(step, code),
			answered: true, down: code == ldap.LDAPResultBusy || code == ldap.LDAPResultUnavailable,
		}
	default:
		return &stepError{step: step, reason: "no answer, or not one that can be understood", down: true}
	}
}

// isOf reports whether err is a context's.
func isOf(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
