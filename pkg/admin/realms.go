package admin

import (
	"context"
	"iter"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// Realm is a realm as administrators see it, with the keys of config.yaml.
type Realm struct {
	Realm    string    `json:"realm"`
	Active   bool      `json:"active"` // of its own and of every parent
	Issuer   string    `json:"issuer"`
	Aliases  []string  `json:"aliases"`
	Default  string    `json:"organization_authentication_configuration"`
	Lockout  Lockout   `json:"lockout"`
	Provider *Provider `json:"oauth2_provider"` // null: the realm has no endpoints
	Journeys []string  `json:"journeys"`
	Clients  []string  `json:"clients"` // the static ones
}

// Lockout is the budget of wrong passwords.
type Lockout struct {
	Threshold   int      `json:"threshold"`
	Window      Lifetime `json:"window"`
	Duration    Lifetime `json:"duration"`
	MaxDuration Lifetime `json:"max_duration"`
	StopAfter   int      `json:"stop_after"`
}

// Provider is the OAuth2 provider of a realm.
type Provider struct {
	GrantTypes                 []string `json:"grant_types"`
	Journey                    string   `json:"password_grant_authentication_service"`
	DefaultScopes              []string `json:"default_scopes"`
	AccessTokenLifetime        Lifetime `json:"access_token_lifetime"`
	RefreshTokenLifetime       Lifetime `json:"refresh_token_lifetime"`
	RefreshTokenMaxLifetime    Lifetime `json:"refresh_token_max_lifetime"`
	RefreshTokenGracePeriod    string   `json:"refresh_token_grace_period"`
	IssueRefreshToken          bool     `json:"issue_refresh_token"`
	IssueRefreshTokenOnRefresh bool     `json:"issue_refresh_token_on_refresh"`
	TokenInfo                  string   `json:"tokeninfo"`
	MaxSessions                int      `json:"max_sessions_per_user"`
	WhenMaxSessions            string   `json:"when_max_sessions"`
}

func (a *api) listRealms(context.Context, Nothing) iter.Seq2[Realm, error] {
	return func(yield func(Realm, error) bool) {
		for _, r := range a.Provider.Current().All() {
			if !yield(describeRealm(r), nil) {
				return
			}
		}
	}
}

func (a *api) showRealm(_ context.Context, in InRealm) (Realm, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return Realm{}, err
	}
	return describeRealm(r), nil
}

func describeRealm(r *ropc.Realm) Realm {
	l := r.Lockout
	out := Realm{
		Realm: string(r.Path), Active: r.Active, Issuer: r.Issuer, Aliases: filled(r.Aliases),
		Default:  r.OrganizationAuthenticationConfiguration,
		Lockout:  Lockout{l.Threshold, Lifetime(l.Window), Lifetime(l.Duration), Lifetime(l.MaxDuration), l.StopAfter},
		Journeys: filled(r.Journeys.Names()), Clients: []string{},
	}
	for _, c := range r.Clients {
		out.Clients = append(out.Clients, c.ID)
	}
	if r.Provider != nil {
		out.Provider = describeProvider(*r.Provider)
	}
	return out
}

func describeProvider(p realm.Provider) *Provider {
	return &Provider{
		GrantTypes: filled(p.GrantTypes), Journey: p.PasswordGrantAuthenticationService, DefaultScopes: filled(p.DefaultScopes),
		AccessTokenLifetime: Lifetime(p.AccessTokenLifetime), RefreshTokenLifetime: Lifetime(p.RefreshTokenLifetime),
		RefreshTokenMaxLifetime: Lifetime(p.RefreshTokenMaxLifetime), RefreshTokenGracePeriod: p.RefreshTokenGracePeriod.String(),
		IssueRefreshToken: p.IssueRefreshToken, IssueRefreshTokenOnRefresh: p.IssueRefreshTokenOnRefresh,
		TokenInfo:   map[bool]string{true: "on", false: "off"}[p.TokenInfo],
		MaxSessions: p.GrantLimit.Most, WhenMaxSessions: map[bool]string{true: "evict_oldest", false: "reject"}[p.GrantLimit.EvictOldest],
	}
}

// filled is a list that JSON shows as [] and not as null.
func filled(list []string) []string { return append([]string{}, list...) }

// Journey is a journey as administrators see it.
type Journey struct {
	Name        string          `json:"name"`
	Realm       string          `json:"realm"`
	Enabled     bool            `json:"enabled"`
	InnerOnly   bool            `json:"inner_only"`
	Unverified  bool            `json:"allow_unverified"`
	Interactive string          `json:"interactive"` // the node that needs its user; empty: headless
	UsedBy      []string        `json:"used_by"`     // the rules of the realm that name it
	Entry       string          `json:"entry"`
	Nodes       map[string]Node `json:"nodes"`
	Parameters  []string        `json:"parameters"` // of a request, beyond user name and password
}

// Node is a node of a journey.
type Node struct {
	Type     string            `json:"type"`
	Outcomes map[string]string `json:"outcomes,omitempty"`
	Next     string            `json:"next,omitempty"`
	Nodes    []string          `json:"nodes,omitempty"` // the types of a page's collectors
	Inner    string            `json:"inner,omitempty"` // the journey that it runs
	// Interactive reports whether the node needs its user, itself or in the journey that it runs.
	Interactive bool `json:"interactive,omitempty"`
}

// JourneyRef names a journey.
type JourneyRef struct {
	InRealm
	Name string `json:"name"`
}

func (a *api) listJourneys(_ context.Context, in InRealm) iter.Seq2[Journey, error] {
	return func(yield func(Journey, error) bool) {
		r, err := a.realm(in.Realm)
		if err != nil {
			yield(Journey{}, err)
			return
		}
		for _, name := range r.Journeys.Names() {
			j, _ := r.Journeys.Journey(name)
			if !yield(describeJourney(r, j), nil) {
				return
			}
		}
	}
}

func (a *api) showJourney(_ context.Context, in JourneyRef) (Journey, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return Journey{}, err
	}
	j, ok := r.Journeys.Journey(in.Name)
	if !ok {
		return Journey{}, refuse(CodeNotFound, "there is no journey %q in realm %s", in.Name, r.Path)
	}
	return describeJourney(r, j), nil
}

func describeJourney(r *ropc.Realm, j *journey.Journey) Journey {
	d := j.Definition()
	out := Journey{
		Name: j.Name(), Realm: string(r.Path), Enabled: j.Enabled(), InnerOnly: j.InnerOnly(), Interactive: j.Interactive(),
		Unverified: d.AllowUnverified, UsedBy: []string{}, Entry: d.Entry, Nodes: map[string]Node{}, Parameters: filled(j.Parameters()),
	}
	if r.Provider != nil {
		if name, rule := journey.Select("", r.Provider.PasswordGrantAuthenticationService, ""); name == j.Name() {
			out.UsedBy = append(out.UsedBy, string(rule))
		}
	}
	if name, rule := journey.Select("", "", r.OrganizationAuthenticationConfiguration); name == j.Name() {
		out.UsedBy = append(out.UsedBy, string(rule))
	}
	for id := range d.Nodes {
		out.Nodes[id] = describeNode(r.Journeys, j, id)
	}
	return out
}

func describeNode(all *journey.Set, j *journey.Journey, id string) Node {
	d := j.Definition().Nodes[id]
	out := Node{Type: d.Type, Outcomes: d.Outcomes, Next: d.Next, Inner: j.Inner(id), Interactive: j.InteractiveNode(id)}
	for _, collector := range d.Nodes {
		out.Nodes = append(out.Nodes, collector.Type)
	}
	if inner, ok := all.Journey(out.Inner); ok && inner.Interactive() != "" {
		out.Interactive = true
	}
	return out
}
