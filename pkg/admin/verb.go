package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
)

const (
	// maxBody bounds a request.
	maxBody = 1 << 20
	// patience is how long a verb may take that is no list.
	patience = 15 * time.Second
)

// trail is what a change leaves in the audit log. The verb fills in whom and what it touched.
type trail struct {
	audit.Event
	unchanged bool // there is nothing to write down
}

// read is a verb that changes nothing.
func read[In, Out any](a *api, f func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		in, err := decode[In](w, r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		out, err := f(ctx, in)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		answer(w, http.StatusOK, out)
	})
}

// change is a verb that changes something: it goes on when the caller hangs up, and it is audited as name.
func change[In, Out any](a *api, name string, f func(context.Context, In, *trail) (Out, error)) http.Handler {
	return changeWithin(a, patience, name, f)
}

// changeWithin is change for what may take another time.
func changeWithin[In, Out any](a *api, limit time.Duration, name string, f func(context.Context, In, *trail) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), limit)
		defer cancel()
		in, err := decode[In](w, r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		t := &trail{Event: audit.Event{Event: audit.EventAdmin, Reason: name}}
		out, err := f(ctx, in, t)
		if auditErr := a.audit(r, t, err); auditErr != nil {
			a.fail(w, r, auditErr)
			return
		}
		if err != nil {
			a.fail(w, r, err)
			return
		}
		answer(w, http.StatusOK, out)
	})
}

// audit writes down a change, and a fault that may have changed something. A refusal changed nothing.
func (a *api) audit(r *http.Request, t *trail, err error) error {
	if t.unchanged {
		return nil
	}
	t.Outcome = audit.Success
	if err != nil {
		if _, fault := explain(err); !fault {
			return nil
		}
		t.Outcome = audit.Fault
	}
	writeErr := a.Audit.Write(t.Event)
	if writeErr == nil {
		return nil
	}
	a.Logger.ErrorContext(r.Context(), "audit event lost", "event", t.Event.Event, "reason", t.Reason, "err", writeErr)
	if err == nil && a.Audit.Strict() {
		return refuse(CodeUnavailable, "the change was made, but the audit log could not be written: %v", writeErr)
	}
	return nil
}

// line is one of a list. Exactly one of its fields is there.
type line[T any] struct {
	Item  *T     `json:"item,omitempty"`
	Error *Error `json:"error,omitempty"`
	End   bool   `json:"end,omitempty"`
}

// list is a verb that streams.
func list[In, Item any](a *api, f func(context.Context, In) iter.Seq2[Item, error]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, err := decode[In](w, r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		out, begun := json.NewEncoder(w), false
		for item, err := range f(r.Context(), in) {
			switch {
			case err != nil && !begun:
				a.fail(w, r, err)
				return
			case err != nil:
				_ = out.Encode(line[Item]{Error: a.report(r, err)}) // who hangs up misses it
				return
			}
			begun = true
			if out.Encode(line[Item]{Item: &item}) != nil {
				return
			}
		}
		_ = out.Encode(line[Item]{End: true}) // who hangs up misses it
	})
}

// changes is a list that changes something while it goes. It is audited as name before it begins: lines that were sent
// can't be taken back. It ends when the caller hangs up.
func changes[In, Item any](a *api, name string, f func(context.Context, In) iter.Seq2[Item, error]) http.Handler {
	next := list(a, f)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event := audit.Event{Event: audit.EventAdmin, Reason: name, Outcome: audit.Success}
		if err := a.Audit.Write(event); err != nil {
			a.Logger.ErrorContext(r.Context(), "audit event lost", "event", event.Event, "reason", event.Reason, "err", err)
			if a.Audit.Strict() {
				a.fail(w, r, refuse(CodeUnavailable, "nothing was changed: the audit log could not be written: %v", err))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// decode reads the one strict JSON object of a request. An empty body is an empty object.
func decode[In any](w http.ResponseWriter, r *http.Request) (in In, err error) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
		return in, refuse(CodeInvalid, "the request can't be read: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return in, refuse(CodeInvalid, "the request holds more than one JSON object")
	}
	return in, nil
}

// report explains an error, and logs it if it is a fault.
func (a *api) report(r *http.Request, err error) *Error {
	e, fault := explain(err)
	if fault {
		a.Logger.ErrorContext(r.Context(), "admin request failed", "path", r.URL.Path, "err", err)
	}
	return e
}

func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := a.report(r, err)
	answer(w, statuses[e.Code], e)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who hangs up misses it
}
