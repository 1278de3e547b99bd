package realm

import (
	"slices"
	"time"
)

// How a client may authenticate at the endpoints (RFC 6749 section 2.3.1).
const (
	AuthAny   = "any"
	AuthBasic = "client_secret_basic"
	AuthPost  = "client_secret_post"
)

// Scopes that let a confidential client introspect tokens that are not its own.
const (
	ScopeIntrospectRealm    = "am-introspect-all-tokens"
	ScopeIntrospectAnyRealm = "am-introspect-all-tokens-any-realm"
)

// Client is a registered OAuth 2.0 client of one realm. A Client is immutable once it is in use.
type Client struct {
	Realm                    string    `json:"realm"` // the realm's key
	ID                       string    `json:"id"`
	SecretHash               string    `json:"secret_hash,omitempty"`          // see pkg/password; empty for a public client
	PreviousSecretHash       string    `json:"previous_secret_hash,omitempty"` // of the secret before, see Overlaps
	PreviousSecretUntil      time.Time `json:"previous_secret_until,omitzero"`
	Enabled                  bool      `json:"enabled"`
	Public                   bool      `json:"public"`
	AllowPublicPasswordGrant bool      `json:"allow_public_password_grant"`
	GrantTypes               []string  `json:"grant_types"`
	Scopes                   []string  `json:"scopes"`
	DefaultScopes            []string  `json:"default_scopes"`
	TokenEndpointAuthMethod  string    `json:"token_endpoint_auth_method"`
	AllowedJourneys          []string  `json:"allowed_journeys"`
	TrustEndUserIP           string    `json:"trust_end_user_ip,omitempty"` // a header name
	Created                  time.Time `json:"created"`
	Overrides

	// Static is true for a client of config.yaml. It is never stored.
	Static bool `json:"-"`
	// Version is the store's mark of the record that was read; 0 for a new one.
	Version uint64 `json:"version,omitempty"`
}

// Overlaps reports whether the secret before the present one is right as well at that time. At PreviousSecretUntil it no
// longer is.
func (c *Client) Overlaps(now time.Time) bool {
	return c.PreviousSecretHash != "" && now.Before(c.PreviousSecretUntil)
}

// SecretHashes are the hashes of all secrets that are right at that time, one or two.
func (c *Client) SecretHashes(now time.Time) []string {
	if c.Overlaps(now) {
		return []string{c.SecretHash, c.PreviousSecretHash}
	}
	return []string{c.SecretHash}
}

// Allows reports whether the client may use the grant type at all.
func (c *Client) Allows(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// AllowsJourney reports whether the client may use the journey; an empty list allows every one.
func (c *Client) AllowsJourney(name string) bool {
	return len(c.AllowedJourneys) == 0 || slices.Contains(c.AllowedJourneys, name)
}
