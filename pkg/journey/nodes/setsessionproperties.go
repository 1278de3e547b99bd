package nodes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ropcd/ropcd/pkg/journey"
)

// SetSessionProperties puts fixed properties into the grant, for introspection to show below `session`. Every client that
// may introspect the token sees them, so they must not be secret. They count only if the journey succeeds; a node that sets
// one again replaces it.
type SetSessionProperties struct {
	// Properties are at most 16 keys with their values. A key is 1 to 64 printable ASCII characters without spaces, and no key that introspection
	// has itself; a value is at most 256 bytes.
	Properties map[string]string `yaml:"properties" reference:"required"`
}

// The bounds keep the record of a grant and the answer about it small: both are handled with every token.
const (
	maxProperties    = 16
	maxPropertyKey   = 64
	maxPropertyValue = 256
)

// introspected are the keys of an introspection answer (RFC 7662 section 2.2, RFC 8705 section 3.2, and AM's). A
// property of such a name would look like one of them to whoever flattens the answer.
var introspected = []string{
	"active", "scope", "client_id", "username", "token_type", "exp", "iat", "nbf", "sub", "aud", "iss", "jti", "cnf",
	"realm", "expires_in", "subname", "user_id", "auth_level", "auth_time", "authGrantId", "auditTrackingId", "journey",
	"session",
}

// Outcomes is "outcome" alone.
func (*SetSessionProperties) Outcomes() []string { return []string{outcomeOnly} }

// Open fails without properties, for too many, and for one that is out of bounds.
func (p *SetSessionProperties) Open(journey.Env) (journey.Node, error) {
	switch {
	case len(p.Properties) == 0:
		return nil, errors.New("properties: give at least one")
	case len(p.Properties) > maxProperties:
		return nil, fmt.Errorf("properties: %d are too many, at most %d", len(p.Properties), maxProperties)
	}
	for _, key := range slices.Sorted(maps.Keys(p.Properties)) {
		if err := checkProperty(key, p.Properties[key]); err != nil {
			return nil, fmt.Errorf("properties: %w", err)
		}
	}
	return sessionProperties(maps.Clone(p.Properties)), nil
}

// checkProperty does not repeat the value: it may come from a variable.
func checkProperty(key, value string) error {
	switch {
	case key == "" || len(key) > maxPropertyKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("the key %.99q is not 1 to %d printable ASCII characters without spaces", key, maxPropertyKey)
	case slices.Contains(introspected, key):
		return fmt.Errorf("the key %q belongs to introspection", key)
	case len(value) > maxPropertyValue || !utf8.ValidString(value):
		return fmt.Errorf("the value of %q is not at most %d bytes of UTF-8", key, maxPropertyValue)
	}
	return nil
}

type sessionProperties map[string]string

func (p sessionProperties) Run(_ context.Context, s *journey.State) (string, error) {
	for key, value := range p {
		s.SetProperty(key, value)
	}
	return outcomeOnly, nil
}
