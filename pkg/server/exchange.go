package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// exchange is one request and its answer.
type exchange struct {
	s        *Server
	w        http.ResponseWriter
	r        *http.Request
	id       string
	endpoint string // for logs and metrics; one of a fixed set
	realms   *provider.Realms
	realm    *ropc.Realm // nil until it is resolved
	trace    ropc.Trace
	status   int
	cause    error // of a fault, for the log
}

// begin gives every request its id, address, deadline and common headers, and every end its log line and metrics. A
// panic becomes a 500 and leaves the process alive. Beyond MaxOpen nothing is served.
func (s *Server) begin(endpoint string, serve func(x *exchange)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		place := s.open.enter()
		if place == toDrop {
			s.metrics.drop()
			panic(http.ErrAbortHandler)
		}
		defer s.open.leave(place)
		ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
		defer cancel()
		x := &exchange{s: s, w: w, r: r, endpoint: endpoint, realms: s.Provider.Current()}
		x.id = s.requestID(r)
		site := &ropc.Site{RequestID: x.id, Trace: &x.trace}
		site.Address, site.AddressMalformed = s.Proxies.Address(r, s.ProxyHeader)
		site.AddressOf = s.addressOf(site)
		x.r = r.WithContext(ropc.NewContext(ctx, site))
		h := w.Header()
		h["X-Request-Id"] = []string{x.id}
		h["Cache-Control"], h["X-Content-Type-Options"] = []string{"no-store"}, []string{"nosniff"}
		if len(r.TransferEncoding) > 0 {
			// There may have been a Content-Length as well, which net/http drops: whoever stands in front and believed it
			// sees another end of the request, so that nothing more may come on this connection (RFC 9112 section 6.1).
			h.Set("Connection", "close")
		}
		defer func() {
			if p := recover(); p != nil {
				// The value may hold anything, so only its type and the place are logged.
				x.cause = fmt.Errorf("panic of %T", p)
				s.Logger.ErrorContext(ctx, "panic", "request_id", x.id, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				if x.status == 0 {
					x.refuse(&refusal{status: http.StatusInternalServerError, name: "server_error", text: "Internal error"})
				}
			}
			x.flush()
			x.end(time.Since(start))
		}()
		if place == toRefuse {
			x.refuse(errTooManyOpen)
			return
		}
		serve(x)
	})
}

// flush waits until the answer is out. Streams of one connection may wait for their client to take answers, each with all
// its memory, and must count as open meanwhile; before HTTP/2 a connection has one request.
func (x *exchange) flush() {
	if x.r.ProtoMajor > 1 {
		_ = http.NewResponseController(x.w).Flush() // the client may be gone
	}
}

// addressOf tells whose a request's address is. A trusted proxy's own, which is left when it says nothing or nonsense, is
// no end user's.
func (s *Server) addressOf(site *ropc.Site) ropc.AddressOf {
	address, err := netip.ParseAddr(site.Address)
	if err != nil || s.Proxies.Trusts(address) {
		return ropc.AddressUnsure
	}
	return ropc.AddressConnected
}

// requestID is the request's id. One from outside is kept only from a trusted proxy.
func (s *Server) requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); validID(id) && s.Proxies.Trusts(guard.Peer(r)) {
		return id
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// enter puts the request into its realm.
func (x *exchange) enter(r *ropc.Realm) {
	x.realm = r
	ropc.SiteOf(x.r.Context()).Realm = r
}

func (x *exchange) realmName() string {
	if x.realm == nil {
		return ""
	}
	return string(x.realm.Path)
}

func (x *exchange) end(took time.Duration) {
	x.s.metrics.request(x.endpoint, x.status, took)
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("endpoint", x.endpoint), slog.String("method", x.r.Method), slog.Int("status", x.status),
		slog.Int64("took_ms", took.Milliseconds()), slog.String("request_id", x.id), slog.String("realm", x.realmName()),
		slog.String("client_id", x.trace.ClientID), slog.String("address", ropc.SiteOf(x.r.Context()).Address),
	}
	if x.cause != nil {
		level = slog.LevelError
		if errors.Is(x.cause, guard.ErrBusy) || errors.Is(x.cause, errCrowded) {
			level = slog.LevelWarn // nothing is broken
		}
		attrs = append(attrs, slog.String("error", x.cause.Error()))
	}
	x.s.Logger.LogAttrs(x.r.Context(), level, "request", attrs...)
}

// audit writes the decision down. It reports whether the answer may go out: in strict mode what can't be audited is
// refused.
func (x *exchange) audit(event string, refused *refusal) bool {
	site := ropc.SiteOf(x.r.Context())
	e := audit.Event{
		Event: event, Outcome: audit.Success, Reason: x.trace.Reason, Realm: x.realmName(), ClientID: x.trace.ClientID,
		Username: x.trace.Username, Subject: x.trace.Subject, Journey: x.trace.Journey, JourneyRule: x.trace.Rule,
		Node: x.trace.Node, Address: site.Address, AddressMalformed: site.AddressMalformed, RequestID: x.id, GrantID: x.trace.GrantID,
		Evicted: grantIDs(x.trace.Evicted), Trail: ropc.AuditTrail(x.trace.Trail),
	}
	switch {
	case refused == nil:
		e.Reason = ""
	case refused.status >= http.StatusInternalServerError:
		e.Outcome, e.Reason = audit.Fault, faultReason(e.Reason, refused)
	default:
		e.Outcome = audit.Denied
	}
	x.s.metrics.decision(event, e.Realm, e.Outcome, e.Reason)
	x.s.metrics.journey(e, x.trace.Trail)
	if err := x.s.Audit.Write(e); err != nil {
		x.s.metrics.auditFailed()
		x.s.Logger.ErrorContext(x.r.Context(), "audit", "error", err, "request_id", x.id)
		return !x.s.Audit.Strict()
	}
	return true
}

// grantIDs are grants as the audit log has them.
func grantIDs(ids []storage.GrantID) (names []string) {
	for _, id := range ids {
		names = append(names, id.String())
	}
	return names
}

// alarms writes down what the request has raised. It is no decision: in strict mode, too, an alarm that can't be written
// refuses nobody.
func (x *exchange) alarms() {
	for _, a := range x.trace.Alarms {
		x.s.metrics.alarm(x.realmName(), a.Reason)
		err := x.s.Audit.Write(audit.Event{
			Event: audit.EventAlarm, Outcome: audit.Raised, Reason: a.Reason, Realm: x.realmName(), ClientID: a.ClientID,
			Address: a.Network, RequestID: x.id, Count: a.Count, Grants: a.Grants,
		})
		if err != nil {
			x.s.metrics.auditFailed()
			x.s.Logger.ErrorContext(x.r.Context(), "audit", "error", err, "request_id", x.id)
		}
	}
}

func faultReason(reason string, f *refusal) string {
	switch {
	case reason != "":
		return reason
	case f.cause == nil && f.status == http.StatusServiceUnavailable:
		return audit.Store
	}
	return ropc.FaultReason(f.cause)
}

// answer audits the decision and then sends it: document, or the refusal if it is not nil. undo takes back what can't be
// audited in strict mode; nil: there is nothing.
func (x *exchange) answer(event string, document any, refused *refusal, undo func(ctx context.Context) error) {
	written := x.audit(event, refused)
	x.alarms()
	if !written {
		if undo != nil {
			if err := undo(x.r.Context()); err != nil {
				x.cause = err
			}
		}
		refused = errUnavailable
	}
	if refused != nil {
		x.refuse(refused)
		return
	}
	x.write(http.StatusOK, document)
}
