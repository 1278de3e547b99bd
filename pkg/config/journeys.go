package config

import (
	"slices"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

// journeys builds the journeys of a realm and checks its defaults.
func (l *loader) journeys(d declared) (*journey.Set, map[string]journey.Definition) {
	definitions := make(map[string]journey.Definition, len(d.section.Journeys))
	for name, j := range d.section.Journeys {
		definitions[name] = journey.Definition{
			Enabled: j.Enabled, InnerOnly: j.InnerOnly, AllowUnverified: j.Unverified, Entry: j.Entry, Nodes: nodes(j.Nodes),
		}
	}
	set, problems := journey.Build(definitions, l.opts.Types, l.nodeEnv())
	for _, p := range problems {
		l.journeyProblem(d.at.With("journeys").With(p.Path...), p)
	}
	l.defaults(d, set)
	return set, definitions
}

func nodes(sections map[string]nodeSection) map[string]journey.NodeDefinition {
	out := make(map[string]journey.NodeDefinition, len(sections))
	for id, s := range sections {
		out[id] = node(s)
	}
	return out
}

func node(s nodeSection) journey.NodeDefinition {
	def := journey.NodeDefinition{Type: s.Type, Outcomes: s.Outcomes, Next: s.Next}
	if !s.Settings.IsZero() {
		def.Settings = s.Settings.Decode
	}
	for _, inner := range s.Nodes {
		def.Nodes = append(def.Nodes, node(inner))
	}
	return def
}

// journeyProblem puts a problem of package journey in its place. Settings that can't be decoded are reported already,
// key by key, and what could not be decoded is not missing.
func (l *loader) journeyProblem(at strict.Path, p journey.Problem) {
	switch {
	case at[len(at)-1] == "settings" && p.Message == strict.ErrReported.Error(), l.BrokenIn(at):
	case p.Warning:
		l.Warn(at, "%s", p.Message)
	default:
		l.Report(at, "%s", p.Message)
	}
}

// defaults checks the journeys that are named for requests that name none. A realm without a provider has no requests,
// and without the password grant needs no journey.
func (l *loader) defaults(d declared, set *journey.Set) {
	provider, organization := "", d.section.Authentication.Organization
	needed := false
	if p := d.section.Provider; p != nil {
		provider, needed = p.Service, slices.Contains(p.GrantTypes, realm.GrantPassword)
	}
	if !needed && provider == "" && organization == "" {
		return
	}
	places := map[string]strict.Path{
		string(journey.RuleProvider): d.at.With("oauth2_provider", "password_grant_authentication_service"),
		string(journey.RuleRealm):    d.at.With("authentication", "organization_authentication_configuration"),
	}
	for _, p := range set.CheckDefaults(provider, organization) {
		l.journeyProblem(places[p.Path[0]], p)
	}
}
