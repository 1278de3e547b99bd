package ropc

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
)

// Authenticator tells who a resource owner is.
type Authenticator interface {
	// Authenticate evaluates the credentials of a request. A denial is a value, see [Result.Denied]. A
	// *fosite.RFC6749Error is answered as it is, every other error is a fault: 503 if [Passing] says so, else 500.
	// Implementations MUST do the same work for an owner that does not exist as for a wrong password.
	Authenticate(ctx context.Context, r Request) (Result, error)
}

// Issuer makes the tokens of an authenticated request and puts them into the response: at least the access token and its
// type, see fosite.AccessResponder. The request's session carries the result, its granted scopes are final. Errors are
// taken as those of an [Authenticator].
type Issuer interface {
	Issue(ctx context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error
}

// errNobody keeps a Result that was forgotten from being a success.
var errNobody = errors.New("the authenticator named no subject")

// Request is what an [Authenticator] decides on.
type Request struct {
	Realm      string // the realm's key, empty without realms
	Client     fosite.Client
	Username   string // as typed
	Password   string
	AuthChain  string // the request's auth_chain
	Scopes     []string
	Address    string     // of the end user
	Parameters url.Values // others that journeys of the realm declare
}

// Result is what an [Authenticator] decided.
type Result struct {
	Denied string // why not, for the audit log; empty: authenticated

	Subject   string // never empty for who is authenticated
	Username  string // canonical
	AuthTime  time.Time
	AuthLevel int
	Journey   string
	Rule      string            // which rule chose the journey
	Claims    map[string]string // session properties

	// Turn is the attempt, for an Issuer to settle; nil when the Authenticator keeps no account of attempts.
	Turn *guard.Turn
	// Effects are what else changes when the attempt is settled as a success.
	Effects guard.Effects
	// Refused counts a denial that the Issuer has decided on, like those of the Authenticator; nil: nobody counts.
	Refused func(ctx context.Context) error
}

// ResultReceiver is the optional interface of a fosite.Session that wants to know the result, for its Issuer. A
// *fosite.DefaultSession, and whatever has a SetSubject method, gets the subject in any case.
type ResultReceiver interface{ SetResult(r Result) }

// Handler is the Resource Owner Password Credentials grant (RFC 6749 section 4.3). It replaces fosite's own handler.
// Safe for concurrent use.
type Handler struct {
	Authenticator Authenticator
	Issuer        Issuer
}

var _ fosite.TokenEndpointHandler = (*Handler)(nil)

// CanHandleTokenEndpointRequest implements fosite.TokenEndpointHandler.
func (h *Handler) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne(realm.GrantPassword)
}

// CanSkipClientAuth implements fosite.TokenEndpointHandler: never (RFC 6749 section 4.3.2).
func (h *Handler) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

// HandleTokenEndpointRequest implements fosite.TokenEndpointHandler (RFC 6749 section 4.3.2): the credentials are taken
// out of the request's forms; then the grant type, the parameters and the scope are checked, in this order, and the
// [Authenticator] is asked.
func (h *Handler) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	site := SiteOf(ctx)
	form := r.GetRequestForm()
	in := Request{Realm: site.RealmKey(), Client: r.GetClient(), AuthChain: form.Get("auth_chain"), Address: site.known()}
	given := takeCredentials(ctx, r, declared(site))
	in.Username, in.Password, in.Parameters = given.username, given.password, given.parameters

	if err := mayUse(site, r.GetClient(), realm.GrantPassword); err != nil {
		return deny(site, audit.Request, err)
	}
	if in.Username == "" {
		return deny(site, audit.Request, ErrMissingUsername)
	}
	if in.Password == "" {
		return deny(site, audit.Request, ErrMissingPassword)
	}
	granted, err := scopes(site, r.GetClient(), r.GetRequestedScopes())
	if err != nil {
		return deny(site, audit.Scope, err)
	}
	in.Scopes = granted

	result, err := h.Authenticator.Authenticate(ctx, in)
	if err != nil {
		return Fault(err)
	}
	if result.Denied != "" {
		return deny(site, result.Denied, ErrInvalidGrant)
	}
	if result.Subject == "" {
		return Fault(errNobody)
	}
	for _, s := range granted {
		r.GrantScope(s)
	}
	receive(r.GetSession(), result)
	return nil
}

// PopulateTokenEndpointResponse implements fosite.TokenEndpointHandler (RFC 6749 section 4.3.3). fosite calls it on
// every handler, so the first thing is to see whether the request is ours.
func (h *Handler) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, w fosite.AccessResponder) error {
	if !h.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	if err := h.Issuer.Issue(ctx, r, w); err != nil {
		return Fault(err)
	}
	return nil
}

// declared are the parameters beyond user name and password that journeys of the realm read.
func declared(s *Site) []string {
	if s.Realm == nil || s.Realm.Journeys == nil {
		return nil
	}
	return s.Realm.Journeys.Parameters()
}

// publicAllower is the optional interface of a fosite.Client that is public and may use the password grant all the same.
type publicAllower interface{ PublicPasswordGrant() bool }

// mayUse is the one place that decides whether a realm, and a client in it, may use a grant type.
func mayUse(s *Site, c fosite.Client, grantType string) error {
	if p := s.provider(); p != nil && !slices.Contains(p.GrantTypes, grantType) {
		return ErrUnsupportedGrantType
	}
	if !c.GetGrantTypes().Has(grantType) {
		return ErrUnauthorizedClient
	}
	if grantType == realm.GrantPassword && c.IsPublic() {
		if p, ok := c.(publicAllower); !ok || !p.PublicPasswordGrant() {
			return ErrUnauthorizedClient
		}
	}
	return nil
}

func deny(s *Site, reason string, err error) error {
	if s.Trace.Reason == "" {
		s.Trace.Reason = reason
	}
	return err
}

// receive hands the result to whatever kind of session the host uses.
func receive(session fosite.Session, result Result) {
	if s, ok := session.(interface{ SetSubject(subject string) }); ok {
		s.SetSubject(result.Subject)
	}
	if s, ok := session.(*fosite.DefaultSession); ok {
		s.Username = result.Username
	}
	if s, ok := session.(ResultReceiver); ok {
		s.SetResult(result)
	}
}
