package ropc

import (
	"context"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// Realm is a realm in use: its settings with its journeys and the keys of its tokens. Immutable.
type Realm struct {
	*realm.Realm
	Journeys *journey.Set
	Keys     *token.Keys
}

// Site is where a request takes place. A host that has realms hands it to the handlers with [NewContext]; without one
// there is a single realm without a name, settings and defaults.
type Site struct {
	Realm   *Realm // nil: a fosite server without realms
	Address string // of the end user, as far as it can be believed
	// AddressOf tells how far that is. Journeys see no address of which nobody is sure.
	AddressOf AddressOf
	// AddressMalformed: whoever is believed about the address said something that is none, so that it is the peer's.
	AddressMalformed bool
	RequestID        string
	Trace            *Trace // nil: nobody wants to know
}

// Trace is what the handlers find out about a request, for logs and audit events. It is for the request's goroutine.
type Trace struct {
	ClientID string // authenticated, or at least known
	Reason   string // why it was denied; see the reasons of pkg/audit
	Username string // canonical
	Subject  string
	Journey  string
	Rule     string
	Node     string // that denied
	Trail    []journey.Step
	GrantID  string
	Evicted  []storage.GrantID // that were ended for want of room, oldest login first
	Alarms   []guard.Alarm     // that the request has raised; they change nothing about its answer
}

type siteKey struct{}

// NewContext hands a site to the handlers.
func NewContext(ctx context.Context, s *Site) context.Context {
	return context.WithValue(ctx, siteKey{}, s)
}

// SiteOf is the request's site; never nil, and neither is its Trace.
func SiteOf(ctx context.Context) *Site {
	s, _ := ctx.Value(siteKey{}).(*Site)
	if s == nil {
		return &Site{Trace: &Trace{}}
	}
	if s.Trace == nil {
		s.Trace = &Trace{}
	}
	return s
}

// RealmKey is the realm's key, empty without realms.
func (s *Site) RealmKey() string {
	if s.Realm == nil {
		return ""
	}
	return s.Realm.Path.Key()
}

// provider is the OAuth2 provider of the realm; nil without realms.
func (s *Site) provider() *realm.Provider {
	if s.Realm == nil {
		return nil
	}
	return s.Realm.Provider
}

// AuditTrail is the way of a journey as an audit event has it: its last steps.
func AuditTrail(steps []journey.Step) []audit.Step {
	steps = steps[max(0, len(steps)-audit.MaxTrail):]
	var out []audit.Step
	for _, s := range steps {
		out = append(out, audit.Step{Journey: s.Journey, Node: s.Node, Outcome: s.Outcome, Micros: s.Duration.Microseconds()})
	}
	return out
}
