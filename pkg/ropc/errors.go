package ropc

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/storage"
)

// The refusals of both grants (RFC 6749 section 5.2). Their texts are fixed.
var (
	ErrUnsupportedGrantType = refusal("unsupported_grant_type", "Grant type is not supported")
	ErrUnauthorizedClient   = refusal("unauthorized_client", "The client is not authorized to use this grant type")
	ErrMissingUsername      = refusal("invalid_request", "Missing parameter, 'username'")
	ErrMissingPassword      = refusal("invalid_request", "Missing parameter, 'password'")
	ErrMissingRefreshToken  = refusal("invalid_request", "Missing parameter, 'refresh_token'")
	ErrUnknownScope         = refusal("invalid_scope", "Unknown/invalid scope(s)")
	ErrNoScope              = refusal("invalid_scope", "No scope requested and no default scope configured")
	ErrUnknownJourney       = refusal("invalid_request", "Unknown or unavailable journey")
	ErrInteractiveJourney   = refusal("invalid_request", "The journey needs user interaction")
	ErrInvalidGrant         = refusal("invalid_grant", "The provided access grant is invalid, expired, or revoked.")
	ErrInvalidRefreshToken  = refusal("invalid_grant", "grant is invalid")

	// ErrTemporarilyUnavailable says that the store or the hashing pool has no room or no answer; ask again later.
	ErrTemporarilyUnavailable = &fosite.RFC6749Error{
		ErrorField: "temporarily_unavailable", DescriptionField: "Service temporarily unavailable", CodeField: http.StatusServiceUnavailable,
	}
	// ErrTooManyRequests says that a rate limit is used up; see [RetryAfter].
	ErrTooManyRequests = &fosite.RFC6749Error{
		ErrorField: "temporarily_unavailable", DescriptionField: "Too many requests", CodeField: http.StatusTooManyRequests,
	}
	// ErrInternal is our fault.
	ErrInternal = &fosite.RFC6749Error{
		ErrorField: "server_error", DescriptionField: "Internal error", CodeField: http.StatusInternalServerError,
	}
)

func refusal(name, description string) *fosite.RFC6749Error {
	return &fosite.RFC6749Error{ErrorField: name, DescriptionField: description, CodeField: http.StatusBadRequest}
}

// Fault is the one translation of errors from below into answers: a *fosite.RFC6749Error as it is, a rate limit as
// [ErrTooManyRequests], what passes by itself as [ErrTemporarilyUnavailable], everything else as [ErrInternal]. The cause
// stays in the chain, for logs.
func Fault(err error) *fosite.RFC6749Error {
	var rfc *fosite.RFC6749Error
	var limit *guard.LimitError
	switch {
	case errors.As(err, &rfc):
		return rfc
	case errors.As(err, &limit):
		return ErrTooManyRequests.WithWrap(err)
	case Passing(err):
		return ErrTemporarilyUnavailable.WithWrap(err)
	}
	return ErrInternal.WithWrap(err)
}

// RetryAfter is when a request that a rate limit has refused may be sent again; 0 for every other error.
func RetryAfter(err error) time.Duration {
	var limit *guard.LimitError
	if errors.As(err, &limit) {
		return limit.Retry
	}
	return 0
}

// FaultReason is the reason of a fault in the audit log.
func FaultReason(err error) string {
	switch {
	case errors.Is(err, guard.ErrBusy):
		return audit.Queue
	case errors.Is(err, journey.ErrUnavailable):
		return audit.Source
	case Passing(err):
		return audit.Store
	}
	return audit.Internal
}

// Passing reports whether an error is one that passes by itself: the store or a credential source is down or
// slow, the pool is full, the caller has gone or its time is over.
func Passing(err error) bool {
	for _, target := range []error{
		storage.ErrUnavailable, journey.ErrUnavailable, guard.ErrBusy, password.ErrBusy, password.ErrClosed, context.DeadlineExceeded, context.Canceled,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
