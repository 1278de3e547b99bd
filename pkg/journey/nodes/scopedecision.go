package nodes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ropcd/ropcd/pkg/journey"
)

// ScopeDecision compares the scopes of the token that is requested, the defaults if none were named, with a list. With
// `match: any` it finds the requests that need more, with `match: all` those that want no more than the list.
type ScopeDecision struct {
	// Scopes is the list; scopes are compared with case (RFC 6749 section 3.3).
	Scopes []string `yaml:"scopes" reference:"required"`
	// Match is how many of the requested scopes must be listed: "any" (at least one, the default) or "all".
	Match string `yaml:"match"`
}

// Outcomes are "true" (any, or all, of the requested scopes are listed) and "false" (also if there are none).
func (*ScopeDecision) Outcomes() []string { return []string{outcomeTrue, outcomeFalse} }

const (
	matchAny = "any"
	matchAll = "all"
)

// Open fails without scopes, for one that can't be a scope, and for an unknown match.
func (d *ScopeDecision) Open(journey.Env) (journey.Node, error) {
	if err := checkList("scopes", d.Scopes); err != nil {
		return nil, err
	}
	if at := slices.IndexFunc(d.Scopes, func(s string) bool { return strings.ContainsFunc(s, notInScope) }); at >= 0 {
		return nil, fmt.Errorf("scopes[%d]: %q is not one scope", at, d.Scopes[at])
	}
	if d.Match != "" && d.Match != matchAny && d.Match != matchAll {
		return nil, fmt.Errorf("match: must be any or all, not %q", d.Match)
	}
	return scopeIn{listed: slices.Clone(d.Scopes), all: d.Match == matchAll}, nil
}

// notInScope is what RFC 6749 section 3.3 keeps out of a scope.
func notInScope(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

type scopeIn struct {
	listed []string
	all    bool
}

func (n scopeIn) Run(_ context.Context, s *journey.State) (string, error) {
	requested, found := s.Scopes(), 0
	for _, scope := range requested {
		if slices.Contains(n.listed, scope) {
			found++
		}
	}
	return decision(found > 0 && (!n.all || found == len(requested))), nil
}
