package config

import (
	"slices"
	"strings"
	"unicode"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
)

// maxClientID and maxClientSecret bound what a client may send.
const (
	maxClientID     = 256
	maxClientSecret = 1024
)

// clients checks and builds the static clients of a realm.
func (l *loader) clients(d declared, r *realm.Realm, journeys map[string]journey.Definition) []*realm.Client {
	var out []*realm.Client
	taken := map[string]bool{}
	for i := range d.section.Clients {
		s, at := &d.section.Clients[i], d.at.With("clients").At(i)
		switch {
		case s.ID == "":
			l.Report(at.With("id"), "the client needs an id")
		case !printableASCII(s.ID) || len(s.ID) > maxClientID:
			l.Bad(at.With("id"), "is not an id: 1 to %d printable ASCII characters", maxClientID)
		case taken[s.ID]:
			l.Bad(at.With("id"), "is already the id of another client of the realm")
		}
		taken[s.ID] = true
		c := s.client(r.Path.Key())
		c.SecretHash = l.clientSecret(at, s, r.Path.Key())
		l.client(at, c)
		l.clientWarnings(at, c, r.Provider, journeys)
		out = append(out, c)
	}
	return out
}

func printableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}

func (s *clientSection) client(realmKey string) *realm.Client {
	return &realm.Client{
		Realm: realmKey, ID: s.ID, Static: true,
		Enabled: s.Enabled, Public: s.Public, AllowPublicPasswordGrant: s.AllowPublicPasswordGrant,
		GrantTypes: s.GrantTypes, Scopes: s.Scopes, DefaultScopes: s.DefaultScopes,
		TokenEndpointAuthMethod: s.TokenEndpointAuthMethod, AllowedJourneys: s.AllowedJourneys,
		TrustEndUserIP: s.TrustEndUserIP,
		Overrides: realm.Overrides{
			AccessTokenLifetime: s.AccessTokenLifetime, RefreshTokenLifetime: s.RefreshTokenLifetime,
			IssueRefreshToken: s.IssueRefreshToken, IssueRefreshTokenOnRefresh: s.IssueRefreshTokenOnRefresh,
		},
	}
}

// clientSecret holds that there is one secret, or none for a public client, and answers what is kept of it.
func (l *loader) clientSecret(at strict.Path, s *clientSection, realmKey string) string {
	given := strict.Path{"secret_file"}
	if s.SecretHash != "" {
		given = strict.Path{"secret_hash"}
	}
	switch {
	case s.Public && (s.SecretFile != "" || s.SecretHash != ""):
		l.Report(at.With(given...), "a public client has no secret; remove it, or set public: false")
	case s.Public:
	case s.SecretFile != "" && s.SecretHash != "":
		l.Report(at.With("secret_hash"), "secret_file and secret_hash exclude each other")
	case s.SecretHash != "":
		return l.secretHash(at.With("secret_hash"), s.SecretHash)
	case s.SecretFile != "":
		return l.secretFromFile(at.With("secret_file"), s, realmKey)
	case !l.Broken(at.With("secret_file")) && !l.Broken(at.With("secret_hash")):
		l.Report(at.With("secret_file"), "the client needs a secret_file or a secret_hash, or public: true")
	}
	return ""
}

func (l *loader) secretHash(at strict.Path, hash string) string {
	if l.opts.CheckHash != nil {
		if err := l.opts.CheckHash(hash); err != nil {
			l.Report(at, "the hash can't be used: %s", err)
		}
	}
	return hash
}

func (l *loader) secretFromFile(at strict.Path, s *clientSection, realmKey string) string {
	secret, ok := l.secretFile(at, s.SecretFile, false)
	switch {
	case !ok:
		return ""
	case len(secret) > maxClientSecret:
		l.Report(at, "the secret in %s is longer than %d bytes", s.SecretFile, maxClientSecret)
	case strings.ContainsFunc(secret, unicode.IsControl):
		l.Report(at, "the secret in %s has more than one line, or control characters", s.SecretFile)
	}
	return password.HashSecret(realmKey, s.ID, secret)
}

// client checks what stands for itself in a client.
func (l *loader) client(at strict.Path, c *realm.Client) {
	l.grantTypes(at.With("grant_types"), c.GrantTypes)
	l.scopes(at.With("scopes"), c.Scopes)
	l.scopes(at.With("default_scopes"), c.DefaultScopes)
	for i, s := range c.DefaultScopes {
		if !slices.Contains(c.Scopes, s) {
			l.Bad(at.With("default_scopes").At(i), "is not among the client's scopes")
		}
	}
	l.oneOf(at.With("token_endpoint_auth_method"), c.TokenEndpointAuthMethod,
		realm.AuthAny, realm.AuthBasic, realm.AuthPost)
	if c.AccessTokenLifetime != 0 {
		l.lifetime(at.With("access_token_lifetime"), c.AccessTokenLifetime)
	}
	if c.RefreshTokenLifetime != 0 {
		l.lifetime(at.With("refresh_token_lifetime"), c.RefreshTokenLifetime)
	}
	header := at.With("trust_end_user_ip")
	switch {
	case c.TrustEndUserIP == "":
	case !validHeader(c.TrustEndUserIP):
		l.Bad(header, "is not the name of a header, such as X-End-User-IP")
	case c.Public:
		l.Report(header, "a public client can't be trusted with its user's address: anyone may use its id")
	}
}

// validHeader is the token of RFC 9110 section 5.6.2.
func validHeader(s string) bool {
	for _, c := range []byte(s) {
		if !isLabel(string(c)) && !strings.ContainsRune("!#$%&'*+.^`|~", rune(c)) {
			return false
		}
	}
	return len(s) <= 64
}

// clientWarnings names what is possible and hardly meant.
func (l *loader) clientWarnings(at strict.Path, c *realm.Client, p *realm.Provider, journeys map[string]journey.Definition) {
	for i, name := range c.AllowedJourneys {
		if _, ok := journeys[name]; !ok {
			l.Warn(at.With("allowed_journeys").At(i), "there is no such journey in the realm")
		}
	}
	if !c.Allows(realm.GrantPassword) {
		return
	}
	if c.Public && !c.AllowPublicPasswordGrant {
		l.Warn(at.With("allow_public_password_grant"), "is false, so this public client can't use the password grant")
	}
	if len(c.Scopes) == 0 {
		l.Warn(at.With("scopes"), "the client has no scopes: every token request will be refused")
	}
	if p != nil && p.For(c.Overrides).IssueRefreshToken && !c.Allows(realm.GrantRefresh) {
		l.Warn(at.With("grant_types"), "the client gets refresh tokens that it can't use; add refresh_token, or set "+
			"issue_refresh_token: false")
	}
}
