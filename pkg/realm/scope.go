package realm

import (
	"errors"
	"slices"
	"strings"
)

// MaxScopes is how many scopes a request may ask for and a grant may have: tokens have 64 bits for them.
const MaxScopes = 64

// Why a request can't have scopes. Their texts are not for clients.
var (
	ErrUnknownScope = errors.New("a scope that the client may not have")
	ErrNoScope      = errors.New("no scope is asked for, and there is no default")
)

// SplitScope is the scopes that a parameter asks for (RFC 6749 section 3.3), in their order: runs of spaces count as one,
// repetitions collapse. It is what fosite makes of the parameter.
func SplitScope(parameter string) []string {
	var out []string
	for word := range strings.SplitSeq(parameter, " ") {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

// ScopeRule is what decides about the scopes of a request.
type ScopeRule struct {
	Allowed        []string // what the client may have
	ClientDefaults []string // for requests that ask for none
	RealmDefaults  []string // where the client has no defaults
}

// Grant is what a request may have (RFC 6749 section 3.3): all that it asks for, or nothing of it ([ErrUnknownScope]).
// Asking for none means the client's defaults, else the realm's, as far as the client may have them; [ErrNoScope] if that
// leaves none.
func (r ScopeRule) Grant(requested []string) ([]string, error) {
	if len(requested) > MaxScopes {
		return nil, ErrUnknownScope
	}
	if len(requested) > 0 {
		for _, s := range requested {
			if !slices.Contains(r.Allowed, s) {
				return nil, ErrUnknownScope
			}
		}
		return requested, nil
	}
	defaults := r.RealmDefaults
	if len(r.ClientDefaults) > 0 {
		defaults = r.ClientDefaults
	}
	granted := LimitScopes(defaults, r.Allowed)
	if len(granted) == 0 || len(granted) > MaxScopes {
		return nil, ErrNoScope
	}
	return granted, nil
}

// LimitScopes is what of scopes is allowed, in the order of scopes, each once.
func LimitScopes(scopes, allowed []string) []string {
	var out []string
	for _, s := range scopes {
		if slices.Contains(allowed, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
