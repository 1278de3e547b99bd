package provider

import (
	"fmt"
	"strings"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
)

// Realms is one snapshot of all realms. Immutable.
type Realms struct {
	byKey   map[string]*ropc.Realm
	byAlias map[string]*ropc.Realm
	static  map[clientKey]*realm.Client
	list    []*ropc.Realm
}

type clientKey struct{ realm, id string }

// Source is a realm with its journeys, as configured.
type Source struct {
	Realm    *realm.Realm
	Journeys *journey.Set
}

// NewRealms derives the keys of every realm and makes the snapshot. Names and aliases must be unique.
func NewRealms(secrets *token.Secrets, sources []Source) (*Realms, error) {
	s := &Realms{
		byKey: map[string]*ropc.Realm{}, byAlias: map[string]*ropc.Realm{}, static: map[clientKey]*realm.Client{},
	}
	for _, src := range sources {
		key := src.Realm.Path.Key()
		keys, err := secrets.For(key)
		if err != nil {
			return nil, fmt.Errorf("keys of realm %s: %w", src.Realm.Path, err)
		}
		r := &ropc.Realm{Realm: src.Realm, Journeys: src.Journeys, Keys: keys}
		if _, taken := s.byKey[key]; taken {
			return nil, fmt.Errorf("realm %s is there twice", src.Realm.Path)
		}
		s.byKey[key] = r
		s.list = append(s.list, r)
		for _, alias := range src.Realm.Aliases {
			host := hostname(alias)
			if _, taken := s.byAlias[host]; taken {
				return nil, fmt.Errorf("alias %s is there twice", alias)
			}
			s.byAlias[host] = r
		}
		for _, c := range src.Realm.Clients {
			s.static[clientKey{key, c.ID}] = c
		}
	}
	return s, nil
}

// Realm finds a realm, active or not, by its key.
func (s *Realms) Realm(key string) (*ropc.Realm, bool) {
	r, ok := s.byKey[key]
	return r, ok
}

// Alias finds the realm that lists a host name, whose port does not matter.
func (s *Realms) Alias(host string) (*ropc.Realm, bool) {
	r, ok := s.byAlias[hostname(host)]
	return r, ok
}

// hostname is a host in the one form in which aliases are compared: lower case, no port, no dot at the end.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// All are the realms in the order of the configuration.
func (s *Realms) All() []*ropc.Realm { return s.list }

// Static is a client of config.yaml.
func (s *Realms) Static(realmKey, id string) (*realm.Client, bool) {
	c, ok := s.static[clientKey{realmKey, id}]
	return c, ok
}
