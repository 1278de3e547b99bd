package config

import (
	"slices"
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/realm"
)

// maxGrace bounds the time in which a spent refresh token still works.
const maxGrace = 10 * time.Minute

// What becomes of a login of a user who has as many sessions as there may be.
const (
	reject      = "reject"
	evictOldest = "evict_oldest"
)

// provider is nil for a realm without one.
func (l *loader) provider(d declared) *realm.Provider {
	p, at := d.section.Provider, d.at.With("oauth2_provider")
	if p == nil {
		return nil
	}
	l.grantTypes(at.With("grant_types"), p.GrantTypes)
	l.scopes(at.With("default_scopes"), p.DefaultScopes)
	l.lifetime(at.With("access_token_lifetime"), p.AccessTokenLifetime)
	l.lifetime(at.With("refresh_token_lifetime"), p.RefreshTokenLifetime)
	l.lifetime(at.With("refresh_token_max_lifetime"), p.RefreshTokenMaxLifetime)
	between(l, at.With("refresh_token_grace_period"), p.RefreshTokenGracePeriod, 0, maxGrace)
	between(l, at.With("max_sessions_per_user"), p.MaxSessions, 0, realm.MaxGrantLimit)
	l.oneOf(at.With("when_max_sessions"), p.WhenMaxSessions, reject, evictOldest)
	if p.IssueRefreshToken && !slices.Contains(p.GrantTypes, realm.GrantRefresh) {
		l.Warn(at.With("issue_refresh_token"), "clients get refresh tokens, but grant_types lacks refresh_token: "+
			"nobody can use them")
	}
	return &realm.Provider{
		GrantTypes:                         p.GrantTypes,
		PasswordGrantAuthenticationService: p.Service,
		DefaultScopes:                      p.DefaultScopes,
		AccessTokenLifetime:                p.AccessTokenLifetime,
		RefreshTokenLifetime:               p.RefreshTokenLifetime,
		RefreshTokenMaxLifetime:            p.RefreshTokenMaxLifetime,
		RefreshTokenGracePeriod:            p.RefreshTokenGracePeriod,
		IssueRefreshToken:                  p.IssueRefreshToken,
		IssueRefreshTokenOnRefresh:         p.IssueRefreshTokenOnRefresh,
		TokenInfo:                          bool(p.TokenInfo),
		GrantLimit:                         realm.GrantLimit{Most: p.MaxSessions, EvictOldest: p.WhenMaxSessions == evictOldest},
	}
}

func (l *loader) grantTypes(at strict.Path, types []string) {
	for i, t := range types {
		l.oneOf(at.At(i), t, realm.GrantPassword, realm.GrantRefresh)
	}
	l.once(at, types)
}

// scopes checks the characters (RFC 6749 section 3.3) and the number of scopes.
func (l *loader) scopes(at strict.Path, scopes []string) {
	for i, s := range scopes {
		if !validScope(s) {
			l.Bad(at.At(i), `is not a scope: one word of printable ASCII without spaces, '"' and '\'`)
		}
	}
	if len(scopes) > realm.MaxScopes {
		l.Report(at, "has %d scopes; there may be %d", len(scopes), realm.MaxScopes)
	}
	l.once(at, scopes)
}

func validScope(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// once refuses what stands in a list twice.
func (l *loader) once(at strict.Path, list []string) {
	for i, s := range list {
		if slices.Contains(list[:i], s) {
			l.Bad(at.At(i), "is here twice")
		}
	}
}
