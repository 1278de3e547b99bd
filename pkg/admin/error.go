package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/storage"
)

// Codes of errors.
const (
	CodeInvalid       = "invalid_request"         // what was asked can't be
	CodeNotFound      = "not_found"               // what was named is not there
	CodeExists        = "already_exists"          // the name or id is taken
	CodeStatic        = "static_client"           // the client is in config.yaml, and changed there
	CodeConflict      = "conflict"                // others change the same thing all the time
	CodeConfiguration = "invalid_configuration"   // config.yaml has problems; the description holds all of them
	CodeUnavailable   = "temporarily_unavailable" // the store, or the hashing pool, can't be used now
	CodeInternal      = "server_error"
)

var statuses = map[string]int{
	CodeInvalid: http.StatusBadRequest, CodeNotFound: http.StatusNotFound, CodeExists: http.StatusConflict,
	CodeStatic: http.StatusConflict, CodeConflict: http.StatusConflict, CodeConfiguration: http.StatusUnprocessableEntity,
	CodeUnavailable: http.StatusServiceUnavailable, CodeInternal: http.StatusInternalServerError,
}

// Error is a "no", or a fault, of the admin API. The description is for people, and complete.
type Error struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (e *Error) Error() string { return e.Description }

func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Description: fmt.Sprintf(format, args...)}
}

// explain turns any error into one that can be answered. fault is true for what was not the administrator's doing.
func explain(err error) (e *Error, fault bool) {
	if errors.As(err, &e) {
		return e, e.Code == CodeUnavailable || e.Code == CodeInternal
	}
	switch {
	case errors.Is(err, password.ErrBusy), errors.Is(err, password.ErrClosed):
		return refuse(CodeUnavailable, "the hashing pool has no room now; try again: %v", err), true
	case errors.Is(err, storage.ErrUnavailable):
		return refuse(CodeUnavailable, "the store can't be used now: %v", err), true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return refuse(CodeUnavailable, "the store did not answer in time: %v", err), true
	case errors.Is(err, storage.ErrDamaged):
		return refuse(CodeInternal, "the store holds a damaged value: %v", err), true
	case errors.Is(err, storage.ErrConflict):
		return refuse(CodeConflict, "it was changed by others again and again; try again"), false
	case errors.Is(err, storage.ErrNotFound):
		return refuse(CodeNotFound, "it is not there any more"), false
	}
	return refuse(CodeInternal, "internal error: %v", err), true
}
