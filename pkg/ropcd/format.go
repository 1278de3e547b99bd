package ropcd

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
)

// visible is a value for a cell of a table: nothing in it moves the cursor or hides.
func visible(v any) string {
	text := ""
	switch v := v.(type) {
	case nil:
	case string:
		text = v
	case []string:
		text = strings.Join(v, " ")
	case bool:
		text = map[bool]string{true: "yes", false: "no"}[v]
	case *bool:
		text = "inherit"
		if v != nil {
			text = map[bool]string{true: "yes", false: "no"}[*v]
		}
	case *time.Time:
		if v != nil {
			text = v.Local().Format(time.RFC3339)
		}
	case time.Time:
		text = v.Local().Format(time.RFC3339)
	case map[string]string:
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, k+"="+v[k])
		}
		text = strings.Join(pairs, " ")
	default:
		text = fmt.Sprint(v)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		text = strconv.Quote(text)
	}
	if text == "" {
		return "-"
	}
	return text
}

// pairs writes an object for people, a key a line.
func pairs(w io.Writer, keysAndValues ...any) {
	for i := 0; i < len(keysAndValues); i += 2 {
		fmt.Fprintf(w, "%s\t%s\n", keysAndValues[i], visible(keysAndValues[i+1]))
	}
}

// once shows a generated secret, which is shown nowhere else.
func once(w io.Writer, secret string) {
	if secret != "" {
		fmt.Fprintf(w, "secret\t%s  (shown this once)\n", secret)
	}
}

func warn(w io.Writer, warnings []string) {
	for _, text := range warnings {
		fmt.Fprintf(w, "ropcd: warning: %s\n", text)
	}
}

func showClient(w io.Writer, c admin.Client) {
	pairs(w, "id", c.ID, "realm", c.Realm, "enabled", c.Enabled, "public", c.Public, "static", c.Static, "has_secret", c.HasSecret,
		"previous_secret_until", c.PreviousSecretUntil,
		"grant_types", c.GrantTypes, "scopes", c.Scopes, "default_scopes", c.DefaultScopes,
		"token_endpoint_auth_method", c.TokenEndpointAuthMethod, "allowed_journeys", c.AllowedJourneys,
		"allow_public_password_grant", c.AllowPublicPasswordGrant, "trust_end_user_ip", c.TrustEndUserIP,
		"access_token_lifetime", c.AccessTokenLifetime, "refresh_token_lifetime", c.RefreshTokenLifetime,
		"issue_refresh_token", c.IssueRefreshToken, "issue_refresh_token_on_refresh", c.IssueRefreshTokenOnRefresh,
		"created", c.Created)
}

func showUser(w io.Writer, u admin.User) {
	expires := visible(u.Expires)
	if u.Expires == nil {
		expires = "never"
	}
	pairs(w, "username", u.Username, "id", u.ID, "realm", u.Realm, "enabled", u.Enabled, "has_password", u.HasPassword,
		"password_set", u.PasswordSet, "source", u.Source, "logins", u.Logins,
		"second_factor", u.SecondFactor,
		"expires", expires, "attributes", u.Attributes, "locked_until", lockedUntil(u), "failures", u.Failures,
		"last_login", u.LastLogin, "created", u.Created)
}

// showPlaces writes a line for each place that a user is known from.
func showPlaces(w io.Writer, places []admin.Place) {
	pairs(w, "known_places", len(places))
	for _, p := range places {
		from := "not named by a session"
		if p.ClientID != "" {
			from = p.ClientID + " at " + p.Network
		}
		text := fmt.Sprintf("%s, last login %s, %d failures", from, visible(p.LastLogin), p.Failures)
		switch {
		case p.Stopped:
			text += ", until unlocked by an administrator"
		case p.LockedUntil != nil:
			text += ", locked until " + visible(p.LockedUntil)
		}
		pairs(w, "place", text)
	}
}

// lockedUntil is when a user may try again.
func lockedUntil(u admin.User) any {
	if u.Stopped {
		return "unlocked by an administrator"
	}
	return u.LockedUntil
}

// showEvent writes what is there of an audit event.
func showEvent(w io.Writer, e audit.Event) {
	pairs(w, "time", e.Time, "event", e.Event, "outcome", e.Outcome)
	for _, kv := range [][2]string{
		{"reason", e.Reason}, {"realm", e.Realm}, {"client_id", e.ClientID}, {"username", e.Username}, {"sub", e.Subject},
		{"journey", e.Journey}, {"journey_rule", e.JourneyRule}, {"node", e.Node},
		{"trail", trailText(e)}, {"run_outcome", e.RunOutcome}, {"run_reason", e.RunReason}, {"address", e.Address},
		{"request_id", e.RequestID}, {"grant_id", e.GrantID}, {"evicted", strings.Join(e.Evicted, " ")},
	} {
		if kv[1] != "" {
			pairs(w, kv[0], kv[1])
		}
	}
	if e.Event == audit.EventAlarm {
		pairs(w, "count", e.Count)
	}
	if e.Grants > 0 {
		pairs(w, "grants", e.Grants)
	}
}

// trailText is a trail in one line: node:outcome, with the journey before it where that is an inner one.
func trailText(e audit.Event) string {
	var steps []string
	for _, s := range e.Trail {
		step := s.Node + ":" + cmp.Or(s.Outcome, audit.Fault)
		if s.Journey != e.Journey {
			step = s.Journey + "/" + step
		}
		steps = append(steps, step)
	}
	return strings.Join(steps, ", ")
}

func showRealm(w io.Writer, r admin.Realm) {
	pairs(w, "realm", r.Realm, "active", r.Active, "issuer", r.Issuer, "aliases", r.Aliases,
		"organization_authentication_configuration", r.Default,
		"lockout", lockoutText(r.Lockout), "journeys", r.Journeys, "clients", r.Clients)
	p := r.Provider
	if p == nil {
		pairs(w, "oauth2_provider", "none: the realm has no endpoints")
		return
	}
	pairs(w, "grant_types", p.GrantTypes, "password_grant_authentication_service", p.Journey, "default_scopes", p.DefaultScopes,
		"access_token_lifetime", p.AccessTokenLifetime, "refresh_token_lifetime", p.RefreshTokenLifetime,
		"refresh_token_max_lifetime", p.RefreshTokenMaxLifetime, "refresh_token_grace_period", p.RefreshTokenGracePeriod,
		"issue_refresh_token", p.IssueRefreshToken, "issue_refresh_token_on_refresh", p.IssueRefreshTokenOnRefresh,
		"tokeninfo", p.TokenInfo, "max_sessions_per_user", sessionsText(p))
}

// sessionsText is a limit of sessions, with what happens there.
func sessionsText(p *admin.Provider) string {
	if p.MaxSessions == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%d, then %s", p.MaxSessions, p.WhenMaxSessions)
}

// lockoutText is a lockout policy as a sentence.
func lockoutText(l admin.Lockout) string {
	text := "off"
	if l.Threshold > 0 {
		text = fmt.Sprintf("for %s after %d failures within %s, doubling up to %s", l.Duration, l.Threshold, l.Window, l.MaxDuration)
	}
	if l.StopAfter > 0 {
		text += fmt.Sprintf("; until unlocked after %d in a row", l.StopAfter)
	}
	return text
}
