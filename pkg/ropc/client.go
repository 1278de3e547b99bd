package ropc

import (
	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Client is a client of this project as a fosite.Client.
type Client struct {
	*realm.Client
}

var _ fosite.Client = Client{}

// GetID implements fosite.Client.
func (c Client) GetID() string { return c.ID }

// GetHashedSecret implements fosite.Client. It is empty: secrets are not compared by fosite.
func (c Client) GetHashedSecret() []byte { return nil }

// GetRedirectURIs implements fosite.Client. There are none.
func (c Client) GetRedirectURIs() []string { return nil }

// GetGrantTypes implements fosite.Client.
func (c Client) GetGrantTypes() fosite.Arguments { return c.GrantTypes }

// GetResponseTypes implements fosite.Client. There are none.
func (c Client) GetResponseTypes() fosite.Arguments { return nil }

// GetScopes implements fosite.Client.
func (c Client) GetScopes() fosite.Arguments { return c.Scopes }

// IsPublic implements fosite.Client.
func (c Client) IsPublic() bool { return c.Public }

// GetAudience implements fosite.Client. There is none.
func (c Client) GetAudience() fosite.Arguments { return nil }

// PublicPasswordGrant tells the [Handler] whether the client may use the password grant although it is public.
func (c Client) PublicPasswordGrant() bool { return c.AllowPublicPasswordGrant }

// DefaultScope is what the [Handler] grants when a request names no scope.
func (c Client) DefaultScope() []string { return c.DefaultScopes }

// settings are the provider's settings for a client: the realm's, with the client's own in their place.
func settings(p *realm.Provider, c fosite.Client) realm.Provider {
	if own, ok := c.(Client); ok {
		return p.For(own.Overrides)
	}
	return *p
}
