package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
)

// baseURL is that of the harness, except where a test says otherwise.
const baseURL = "https://as.example"

var both = []string{realm.GrantPassword, realm.GrantRefresh}

// secretOf is the secret of a client: another one in each realm, with every character that the encodings disagree on.
func secretOf(key, id string) string { return "s:e%cr+t &" + key + " " + id }

// passwordOf is the password of all owners of a realm.
func passwordOf(key string) string { return "correct horse; of " + key }

// declared is a realm of the harness as config.yaml would make it.
func declared(path realm.Path) *realm.Realm {
	return &realm.Realm{
		Path: path, Active: true, Issuer: baseURL + "/oauth2/" + path.LongForm(),
		Authentication: realm.Authentication{
			OrganizationAuthenticationConfiguration: "PasswordGrant",
			Lockout:                                 realm.Lockout{Threshold: 5, Window: 15 * time.Minute, Duration: 30 * time.Second, MaxDuration: 15 * time.Minute, StopAfter: 100},
		},
		Provider: &realm.Provider{
			GrantTypes: both, AccessTokenLifetime: time.Hour, RefreshTokenLifetime: 7 * 24 * time.Hour,
			RefreshTokenMaxLifetime: realm.Never, RefreshTokenGracePeriod: 10 * time.Second,
			IssueRefreshToken: true, IssueRefreshTokenOnRefresh: true, TokenInfo: true,
		},
		Clients: []*realm.Client{confidential(path.Key(), "app")},
	}
}

func confidential(key, id string) *realm.Client {
	return &realm.Client{
		Realm: key, ID: id, SecretHash: password.HashSecret(key, id, secretOf(key, id)), Enabled: true, Static: true,
		GrantTypes: both, Scopes: []string{"write", "read", "mail"}, DefaultScopes: []string{"write"},
		TokenEndpointAuthMethod: realm.AuthAny,
	}
}

// with is a confidential client that differs.
func with(key, id string, change func(c *realm.Client)) *realm.Client {
	c := confidential(key, id)
	change(c)
	return c
}

// alphaClients are the clients of the realm in which most tests take place.
func alphaClients(key string) []*realm.Client {
	list := []*realm.Client{
		confidential(key, "app"),
		confidential(key, "other"),
		confidential(key, "my:app"),
		confidential(key, "50%"),
		confidential(key, "a+b"),
		confidential(key, "with space"),
		with(key, "basic", func(c *realm.Client) { c.TokenEndpointAuthMethod = realm.AuthBasic }),
		with(key, "post", func(c *realm.Client) { c.TokenEndpointAuthMethod = realm.AuthPost }),
		with(key, "off", func(c *realm.Client) { c.Enabled = false }),
		with(key, "once", func(c *realm.Client) { c.GrantTypes = []string{realm.GrantPassword} }),
		with(key, "picky", func(c *realm.Client) { c.AllowedJourneys = []string{"Gold"} }),
		with(key, "bare", func(c *realm.Client) { c.DefaultScopes = nil }),
		with(key, "reader", func(c *realm.Client) { c.Scopes = []string{realm.ScopeIntrospectRealm} }),
		with(key, "auditor", func(c *realm.Client) { c.Scopes = []string{realm.ScopeIntrospectAnyRealm} }),
		with(key, "steady", func(c *realm.Client) { c.IssueRefreshTokenOnRefresh = new(bool) }),
		with(key, "single", func(c *realm.Client) { c.IssueRefreshToken = new(bool) }),
		with(key, "forever", func(c *realm.Client) {
			c.AccessTokenLifetime, c.RefreshTokenLifetime = realm.Never, realm.Never
		}),
	}
	for _, id := range []string{"open", "shut"} {
		list = append(list, with(key, id, func(c *realm.Client) {
			c.Public, c.SecretHash, c.AllowPublicPasswordGrant = true, "", id == "open"
		}))
	}
	return list
}

// allRealms are the realms of the harness, each with what sets it apart.
func allRealms() []*realm.Realm {
	change := func(path realm.Path, change func(r *realm.Realm)) *realm.Realm {
		r := declared(path)
		change(r)
		return r
	}
	return []*realm.Realm{
		declared(realm.Root),
		change("/alpha", func(r *realm.Realm) { r.Clients = alphaClients("/alpha") }),
		change("/beta", func(r *realm.Realm) { r.Clients = alphaClients("/beta") }),
		declared("/alpha/emea"),
		declared("/Gamma"),
		change("/closed", func(r *realm.Realm) { r.Active = false }),
		change("/closed/child", func(r *realm.Realm) { r.Active = false }), // as its parent is
		change("/bare", func(r *realm.Realm) { r.Provider = nil }),
		change("/hosted", func(r *realm.Realm) { r.Aliases = []string{"id.example", "[2001:db8::1]"} }),
		change("/web", func(r *realm.Realm) { r.CORS = []string{"https://app.example"} }),
		change("/service", func(r *realm.Realm) { r.Provider.PasswordGrantAuthenticationService = "Gold" }),
		change("/once", func(r *realm.Realm) { r.Provider.GrantTypes = []string{realm.GrantPassword} }),
		change("/later", func(r *realm.Realm) {
			r.Provider.GrantTypes = []string{realm.GrantRefresh}
			r.Clients[0].GrantTypes = nil
		}),
		change("/quiet", func(r *realm.Realm) { r.Provider.TokenInfo = false }),
		change("/unset", func(r *realm.Realm) { r.OrganizationAuthenticationConfiguration = "[Empty]" }),
		change("/nograce", func(r *realm.Realm) { r.Provider.RefreshTokenGracePeriod = 0 }),
		change("/short", func(r *realm.Realm) { r.Provider.RefreshTokenMaxLifetime = 90 * time.Minute }),
		change("/limited", func(r *realm.Realm) {
			r.Limits = realm.Limits{
				Address: realm.Limit{Requests: 2, Per: time.Minute}, Client: realm.Limit{Requests: 5, Per: time.Minute},
				UserClient: realm.Limit{Requests: 2, Per: time.Minute},
			}
			r.Clients = append(alphaClients("/limited"), with("/limited", "reporter", func(c *realm.Client) { c.TrustEndUserIP = "X-End-User" }))
		}),
		change("/watched", func(r *realm.Realm) {
			r.Limits.Alarms = realm.Alarms{Owners: 2, Grants: 5, DeniedPercent: 50}
			r.Clients = append(alphaClients("/watched"), with("/watched", "reporter", func(c *realm.Client) { c.TrustEndUserIP = "X-End-User" }))
		}),
		change("/named", func(r *realm.Realm) { r.Issuer = "https://id.example" }),
		change("/named2", func(r *realm.Realm) { r.Issuer = "https://id2.example" }),
	}
}

// journeys are those of every realm.
func journeys(t testing.TB) *journey.Set {
	t.Helper()
	login := func(extra ...journey.NodeDefinition) journey.Definition {
		d := journey.Definition{Enabled: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{
			"collect": {Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": "check", "no_credentials": "failure"}},
			"check":   {Type: "DataStoreDecision", Outcomes: map[string]string{"true": "success", "false": "failure"}},
		}}
		for _, n := range extra {
			d.Nodes["check"] = journey.NodeDefinition{Type: "DataStoreDecision", Outcomes: map[string]string{"true": "extra", "false": "failure"}}
			d.Nodes["extra"] = n
		}
		return d
	}
	disabled, inner := login(), login()
	disabled.Enabled, inner.InnerOnly = false, true
	set, problems := journey.Build(map[string]journey.Definition{
		"PasswordGrant": login(),
		"Disabled":      disabled,
		"Inner":         inner,
		"Gold":          login(journey.NodeDefinition{Type: "gold", Outcomes: map[string]string{"right": "success", "wrong": "failure"}}),
		"Broken":        login(journey.NodeDefinition{Type: "broken", Next: "success"}),
		"Panics":        login(journey.NodeDefinition{Type: "panics", Next: "success"}),
		"Asks":          login(journey.NodeDefinition{Type: "ChoiceCollectorNode", Outcomes: map[string]string{"yes": "success"}}),
	}, types(), journey.Env{})
	for _, p := range problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	return set
}

// node is a node type of the tests: it is its own settings.
type node struct {
	outcomes, parameters []string
	run                  func(s *journey.State) (string, error)
}

func (n node) Outcomes() []string                                      { return n.outcomes }
func (n node) Parameters() []string                                    { return n.parameters }
func (n node) Open(journey.Env) (journey.Node, error)                  { return n, nil }
func (n node) Run(_ context.Context, s *journey.State) (string, error) { return n.run(s) }

func types() journey.Types {
	all := nodes.Table()
	// gold wants a one-time code, and then gives the session a property and a level.
	all["gold"] = func() journey.Settings {
		return &node{outcomes: []string{"right", "wrong"}, parameters: []string{"totp"}, run: func(s *journey.State) (string, error) {
			if code, _ := s.Parameter("totp"); code != "123456" {
				return "wrong", nil
			}
			s.SetAuthLevel(5)
			s.SetProperty("tier", "gold")
			return "right", nil
		}}
	}
	all["broken"] = func() journey.Settings {
		return &node{outcomes: []string{"outcome"}, run: func(*journey.State) (string, error) { return "", errors.New("the directory is down") }}
	}
	all["panics"] = func() journey.Settings {
		return &node{outcomes: []string{"outcome"}, run: func(*journey.State) (string, error) { panic("canary-in-a-panic") }}
	}
	return all
}

// sources are the realms with their journeys.
func sources(t testing.TB) []provider.Source {
	t.Helper()
	set := journeys(t)
	var list []provider.Source
	for _, r := range allRealms() {
		list = append(list, provider.Source{Realm: r, Journeys: set})
	}
	return list
}
