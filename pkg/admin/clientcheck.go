package admin

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// apply puts what is asked for into a client.
func (in ClientChange) apply(c *realm.Client) error {
	set(&c.AllowPublicPasswordGrant, in.AllowPublicPasswordGrant)
	set(&c.GrantTypes, in.GrantTypes)
	set(&c.Scopes, in.Scopes)
	set(&c.DefaultScopes, in.DefaultScopes)
	set(&c.TokenEndpointAuthMethod, in.TokenEndpointAuthMethod)
	set(&c.AllowedJourneys, in.AllowedJourneys)
	set(&c.TrustEndUserIP, in.TrustEndUserIP)
	if in.AccessTokenLifetime != nil {
		c.AccessTokenLifetime = in.AccessTokenLifetime.duration()
	}
	if in.RefreshTokenLifetime != nil {
		c.RefreshTokenLifetime = in.RefreshTokenLifetime.duration()
	}
	if err := setChoice(&c.IssueRefreshToken, in.IssueRefreshToken, "issue_refresh_token"); err != nil {
		return err
	}
	return setChoice(&c.IssueRefreshTokenOnRefresh, in.IssueRefreshTokenOnRefresh, "issue_refresh_token_on_refresh")
}

func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}

// setChoice sets what is true, false, or the realm's.
func setChoice(field **bool, to *string, name string) error {
	if to == nil {
		return nil
	}
	yes := *to == "true"
	switch *to {
	case "inherit":
		*field = nil
	case "true", "false":
		*field = &yes
	default:
		return refuse(CodeInvalid, "%s is true, false or inherit", name)
	}
	return nil
}

// checkClient holds a client to the rules that config.yaml holds its own to.
func checkClient(c *realm.Client, secret string) error {
	switch {
	case !printable(c.ID):
		return refuse(CodeInvalid, "a client's id has 1 to 255 printable ASCII characters")
	case c.Public && secret != "":
		return refuse(CodeInvalid, "a public client has no secret")
	case !slices.Contains([]string{realm.AuthAny, realm.AuthBasic, realm.AuthPost}, c.TokenEndpointAuthMethod):
		return refuse(CodeInvalid, "token_endpoint_auth_method is %s, %s or %s", realm.AuthAny, realm.AuthBasic, realm.AuthPost)
	case c.TrustEndUserIP != "" && !headerName(c.TrustEndUserIP):
		return refuse(CodeInvalid, "trust_end_user_ip is not the name of a header")
	case c.TrustEndUserIP != "" && c.Public:
		return refuse(CodeInvalid, "a public client can't be trusted with its user's address: anyone may use its id")
	}
	for _, g := range c.GrantTypes {
		if g != realm.GrantPassword && g != realm.GrantRefresh {
			return refuse(CodeInvalid, "there is no grant type %q, only %s and %s", g, realm.GrantPassword, realm.GrantRefresh)
		}
	}
	if err := checkScopes(c); err != nil {
		return err
	}
	return checkSecret(secret)
}

func checkScopes(c *realm.Client) error {
	if len(c.Scopes) > storage.MaxScopes {
		return refuse(CodeInvalid, "a client has at most %d scopes", storage.MaxScopes)
	}
	for _, s := range slices.Concat(c.Scopes, c.DefaultScopes) {
		if !scopeToken(s) {
			return refuse(CodeInvalid, "%q can't be a scope (RFC 6749 section 3.3)", s)
		}
	}
	for _, s := range c.DefaultScopes {
		if !slices.Contains(c.Scopes, s) {
			return refuse(CodeInvalid, "the default scope %q is not one of the client's scopes", s)
		}
	}
	return nil
}

// checkSecret holds a chosen secret to a length. Empty is for a generated one.
func checkSecret(secret string) error {
	if secret != "" && len(secret) < minSecret {
		return refuse(CodeInvalid, "a client's secret has at least %d characters; leave it out to have one generated", minSecret)
	}
	return nil
}

func printable(id string) bool {
	return id != "" && len(id) <= 255 && !strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' })
}

func scopeToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

func headerName(s string) bool {
	return http.CanonicalHeaderKey(s) != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// warnings are what is allowed and hardly meant.
func warnings(r *ropc.Realm, c *realm.Client) (out []string) {
	if r.Provider == nil {
		return []string{"the realm has no oauth2_provider, so nobody can use the client"}
	}
	issues := r.Provider.For(c.Overrides).IssueRefreshToken && c.Allows(realm.GrantPassword)
	if issues && !c.Allows(realm.GrantRefresh) {
		out = append(out, "the client gets refresh tokens that it can't use: it lacks the grant type refresh_token")
	}
	introspects := slices.Contains(c.Scopes, realm.ScopeIntrospectRealm) || slices.Contains(c.Scopes, realm.ScopeIntrospectAnyRealm)
	if len(c.GrantTypes) == 0 && !introspects {
		out = append(out, "the client has no grant types, so it can get no tokens")
	}
	if c.Allows(realm.GrantPassword) && len(c.Scopes) == 0 {
		out = append(out, "the client has no scopes, so every request of it is refused")
	}
	if c.Allows(realm.GrantPassword) && c.Public && !c.AllowPublicPasswordGrant {
		out = append(out, "the client is public, so it needs allow_public_password_grant for the password grant")
	}
	for _, name := range c.AllowedJourneys {
		if _, ok := r.Journeys.Journey(name); !ok {
			out = append(out, "there is no journey "+name+" in the realm")
		}
	}
	return out
}
