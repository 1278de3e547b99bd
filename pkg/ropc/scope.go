package ropc

import (
	"errors"

	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/realm"
)

// defaultScoper is the optional interface of a fosite.Client that has default scopes.
type defaultScoper interface{ DefaultScope() []string }

// scopes is what the request may have; see [realm.ScopeRule].
func scopes(s *Site, c fosite.Client, requested []string) ([]string, error) {
	rule := realm.ScopeRule{Allowed: c.GetScopes()}
	if d, ok := c.(defaultScoper); ok {
		rule.ClientDefaults = d.DefaultScope()
	}
	if p := s.provider(); p != nil {
		rule.RealmDefaults = p.DefaultScopes
	}
	granted, err := rule.Grant(requested)
	switch {
	case errors.Is(err, realm.ErrNoScope):
		return nil, ErrNoScope
	case err != nil:
		return nil, ErrUnknownScope
	}
	return granted, nil
}
