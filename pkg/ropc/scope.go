package ropc

import (
	"slices"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/storage"
)

// defaultScoper is the optional interface of a fosite.Client that has default scopes.
type defaultScoper interface{ DefaultScope() []string }

// scopes is what the request may have (RFC 6749 section 3.3): all that it asks for, or nothing of it. Asking for none
// means the client's defaults, else the realm's, as far as the client may have them.
func scopes(s *Site, c fosite.Client, requested []string) ([]string, error) {
	if len(requested) > storage.MaxScopes {
		return nil, ErrUnknownScope
	}
	allowed := c.GetScopes()
	if len(requested) > 0 {
		if !subset(requested, allowed) {
			return nil, ErrUnknownScope
		}
		return requested, nil
	}
	granted := intersect(defaults(s, c), allowed)
	if len(granted) == 0 || len(granted) > storage.MaxScopes {
		return nil, ErrNoScope
	}
	return granted, nil
}

func defaults(s *Site, c fosite.Client) []string {
	if d, ok := c.(defaultScoper); ok && len(d.DefaultScope()) > 0 {
		return d.DefaultScope()
	}
	if p := s.provider(); p != nil {
		return p.DefaultScopes
	}
	return nil
}

func subset(of, all []string) bool {
	for _, s := range of {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}

// intersect is what of list is in all, in list's order, each once.
func intersect(list, all []string) []string {
	var out []string
	for _, s := range list {
		if slices.Contains(all, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
