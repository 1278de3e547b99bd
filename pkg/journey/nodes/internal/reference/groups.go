package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ropcd/ropcd/pkg/journey"
)

// group is node types that are looked for together, in the order in which they are shown.
type group struct {
	title string
	types []string
}

var groups = []group{
	{"Nodes that collect", []string{
		"ZeroPageLoginCollector", "UsernameCollector", "PasswordCollector", "PageNode",
	}},
	{"Nodes that decide on credentials", []string{
		"DataStoreDecision", "IdentityStoreDecision", "LDAPDecision", "HTTPDecision",
	}},
	{"Nodes that decide on the rest", []string{
		"AccountActiveDecision", "PasswordExpiryDecision", "CommonPasswordDecision", "AttributeDecision", "ClientDecision",
		"ScopeDecision", "NetworkDecision", "AuthLevelDecision", "LoginCountDecision", "ScriptedDecision", "RetryLimitDecision",
	}},
	{"Nodes that judge a second factor", []string{
		"OATHTokenVerifier",
	}},
	{"Nodes that act", []string{
		"InnerTreeEvaluator", "ModifyAuthLevel", "SetSessionProperties", "IncrementLoginCount", "MigrateCredential",
		"AccountLockout",
	}},
}

// place finds each type's group. A type in none or in two is an error, a name that is no type is skipped.
func place(groups []group, types journey.Types) ([]group, error) {
	rest := maps.Clone(types)
	var placed []group
	for _, g := range groups {
		there := group{title: g.title}
		for _, name := range g.types {
			if _, ok := types[name]; !ok {
				continue
			}
			if _, ok := rest[name]; !ok {
				return nil, fmt.Errorf("%s is in two groups", name)
			}
			delete(rest, name)
			there.types = append(there.types, name)
		}
		if len(there.types) > 0 {
			placed = append(placed, there)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		if s, ok := types[name]().(journey.Interactive); !ok || !s.Interactive() {
			return nil, fmt.Errorf("%s is in no group of internal/reference/groups.go", name)
		}
	}
	return placed, nil
}
