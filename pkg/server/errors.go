package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// refusal is an answer that is no success.
type refusal struct {
	status int
	name   string // RFC 6749 section 5.2; empty for a missing page
	text   string
	header http.Header
	cause  error // for the log
}

// The refusals of requests that don't reach a grant. Their texts are fixed.
var (
	errRealm         = missing("Realm not found")
	errPath          = missing("Resource not found")
	errTwoRealms     = badRequest("invalid_request", "The request names two realms")
	errContentType   = badRequest("invalid_request", "Invalid Content Type")
	errTooLarge      = badRequest("invalid_request", "Request too large")
	errTooMany       = badRequest("invalid_request", "Too many parameters")
	errMalformed     = badRequest("invalid_request", "Malformed request body")
	errRepeated      = badRequest("invalid_request", "A parameter is repeated")
	errSecretInQuery = badRequest("invalid_request", "Parameters must be sent in the request body")
	errNoGrantType   = badRequest("invalid_request", "Grant type is not set")
	errGrantType     = badRequest("unsupported_grant_type", "Grant type is not supported")
	errAssertion     = badRequest("invalid_request", "Unsupported parameter, 'client_assertion'")
	errConfirmation  = badRequest("invalid_request", "Unsupported parameter, 'cnf_key'")
	errNoToken       = badRequest("invalid_request", "Missing parameter, 'token'")
	errOtherClient   = badRequest("invalid_grant", "The token belongs to another client")
	errUnavailable   = unavailable(nil)
	errTooManyOpen   = unavailable(errCrowded)
)

func badRequest(name, text string) *refusal {
	return &refusal{status: http.StatusBadRequest, name: name, text: text}
}

func unavailable(cause error) *refusal {
	return &refusal{
		status: http.StatusServiceUnavailable, name: "temporarily_unavailable", text: "Service temporarily unavailable", cause: cause,
	}
}

func missing(text string) *refusal { return &refusal{status: http.StatusNotFound, text: text} }

func noProvider(p realm.Path) *refusal {
	return &refusal{status: http.StatusNotFound, name: "not_found", text: "No OpenID Connect provider for realm " + string(p)}
}

// methodNotAllowed names the method only if it is a standard one.
func methodNotAllowed(want string, r *http.Request) *refusal {
	found := r.Method
	switch found {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
	default:
		found = "unknown"
	}
	return &refusal{
		status: http.StatusMethodNotAllowed, name: "method_not_allowed",
		text: "Required Method: " + want + " found: " + found, header: http.Header{"Allow": {want}},
	}
}

// invalidClient is the answer to a client that did not authenticate: always 401 with a challenge at the endpoints of RFC
// 7662 and 7009; at the token endpoint 400 unless the client tried with the Authorization header (RFC 6749 section 5.2).
func invalidClient(r *http.Request, path realm.Path, always bool) *refusal {
	if !always && len(r.Header.Values("Authorization")) == 0 {
		return badRequest(provider.ErrInvalidClient.ErrorField, provider.ErrInvalidClient.DescriptionField)
	}
	return &refusal{
		status: http.StatusUnauthorized, name: provider.ErrInvalidClient.ErrorField, text: provider.ErrInvalidClient.DescriptionField,
		header: http.Header{"Www-Authenticate": {`Basic realm="` + string(path) + `"`}},
	}
}

// fromError is the answer to an error of the rooms below, and the one place that translates them.
func (x *exchange) fromError(err error, alwaysChallenge bool) *refusal {
	rfc := ropc.Fault(err)
	if errors.Is(rfc, provider.ErrInvalidClient) {
		return invalidClient(x.r, x.realm.Path, alwaysChallenge)
	}
	f := &refusal{status: rfc.CodeField, name: rfc.ErrorField, text: rfc.DescriptionField, cause: cause(err, rfc)}
	var limit *guard.LimitError
	if errors.As(rfc, &limit) {
		x.s.metrics.limit(x.realmName(), string(limit.Layer))
		f.header = http.Header{"Retry-After": {seconds(ropc.RetryAfter(rfc))}}
	}
	return f
}

// seconds are the whole seconds after which a time is over, at least one.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}

// cause is what an answer does not say.
func cause(err error, rfc *fosite.RFC6749Error) error {
	if rfc.CodeField < http.StatusInternalServerError {
		return nil
	}
	if inner := rfc.Cause(); inner != nil {
		return inner
	}
	return err
}

// refuse writes a refusal.
func (x *exchange) refuse(f *refusal) {
	if f.cause != nil {
		x.cause = f.cause
	}
	h := x.w.Header()
	for name, values := range f.header {
		h[name] = values
	}
	switch f.status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", "1")
		}
	case http.StatusInternalServerError:
		x.write(f.status, oauthError{f.name, f.text + ", request " + x.id})
		return
	}
	if f.name == "" {
		x.write(f.status, pageError{f.status, http.StatusText(f.status), f.text})
		return
	}
	x.write(f.status, oauthError{f.name, f.text})
}

type oauthError struct {
	Name        string `json:"error"`
	Description string `json:"error_description"`
}

type pageError struct {
	Code    int    `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// write sends one JSON document.
func (x *exchange) write(status int, document any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document); err != nil {
		status, x.cause = http.StatusInternalServerError, err
		b.Reset()
		b.WriteString(`{"error":"server_error","error_description":"Internal error, request ` + x.id + `"}`)
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	x.status = status
	x.w.WriteHeader(status)
	// The connection may be gone; there is nobody left to tell.
	_, _ = x.w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
