package provider

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// Options are what a provider is made of. All but Seeds are needed.
type Options struct {
	Store     storage.Store
	Passwords *password.Set
	Pool      *password.Pool
	Realms    *Realms
	Seeds     ropc.Seeds // nil: there are no one-time codes
}

// Provider is the OAuth 2.0 provider of all realms. Safe for concurrent use.
type Provider struct {
	Options
	Clients *Clients
	Tokens  *ropc.Tokens
	Login   *ropc.Login

	realms   atomic.Pointer[Realms]
	core     fosite.OAuth2Provider
	limiter  *guard.Limiter
	verified *verified
}

// New assembles a provider.
func New(o Options) *Provider {
	p := &Provider{Options: o, verified: newVerified(), limiter: &guard.Limiter{Limits: o.Store}}
	p.realms.Store(o.Realms)
	p.Clients = &Clients{Store: o.Store, Realms: &p.realms}
	p.Tokens = &ropc.Tokens{Grants: o.Store, Clients: p.Clients}
	p.Login = &ropc.Login{
		Guard: &guard.Guard{Logins: o.Store, Pool: o.Pool}, Passwords: o.Passwords, Limiter: p.limiter,
		Watch: guard.NewWatch(), Users: o.Store, Seeds: o.Seeds,
	}
	p.core = fosite.NewOAuth2Provider(unused{}, &fosite.Config{
		ScopeStrategy: fosite.ExactScopeStrategy,
		ClientAuthenticationStrategy: func(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
			c, err := p.AuthenticateClient(ctx, r, form)
			if err != nil {
				return nil, err
			}
			believe(ctx, r, c)
			return c, nil
		},
		TokenEndpointHandlers: fosite.TokenEndpointHandlers{
			&ropc.Handler{Authenticator: p.Login, Issuer: ropc.GrantIssuer{}},
			&ropc.RefreshHandler{Grants: o.Store},
		},
	})
	return p
}

// believe takes the end user's address from the header that the client, which has authenticated with a secret, is trusted
// with. Without one it stays what it is; a malformed one leaves the peer's, and is noted.
func believe(ctx context.Context, r *http.Request, c ropc.Client) {
	if c.TrustEndUserIP == "" || c.Public {
		return
	}
	site := ropc.SiteOf(ctx)
	switch address, malformed := guard.Reported(r, c.TrustEndUserIP); {
	case malformed:
		site.AddressMalformed, site.AddressOf = true, ropc.AddressUnsure
		if peer := guard.Peer(r); peer.IsValid() {
			site.Address = peer.String()
		}
	case address != "":
		site.Address, site.AddressOf = address, ropc.AddressReported
	}
}

// Current is the snapshot of the realms that new requests get.
func (p *Provider) Current() *Realms { return p.realms.Load() }

// Swap puts a new snapshot in place, for requests that begin from now on.
func (p *Provider) Swap(r *Realms) { p.realms.Store(r) }

// Token is the token endpoint (RFC 6749 section 3.2) for a request whose form was read, in the realm of the context's
// site. Errors are those of pkg/ropc and of [Provider.AuthenticateClient].
func (p *Provider) Token(ctx context.Context, r *http.Request) (fosite.AccessResponder, error) {
	access, err := p.core.NewAccessRequest(ctx, r, &ropc.Session{})
	if err != nil {
		return nil, err
	}
	response, err := p.core.NewAccessResponse(ctx, access)
	if err != nil {
		return nil, err
	}
	return response, nil
}

// unused is the fosite.Storage of a core that asks for clients through its authentication strategy alone, and takes no
// client assertions.
type unused struct{}

func (unused) GetClient(context.Context, string) (fosite.Client, error) { return nil, ErrInvalidClient }

func (unused) ClientAssertionJWTValid(context.Context, string) error { return ErrInvalidClient }

func (unused) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return ErrInvalidClient
}
