package nodes_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// builtin is a line for each node type: its settings, its outcomes, and what it declares.
var builtin = []struct {
	name     string
	outcomes []string
	password bool
	collects bool
}{
	{"AccountActiveDecision", []string{"true", "false"}, false, false},
	{"AccountLockout", []string{"outcome"}, false, false},
	{"AttributeDecision", []string{"true", "false"}, false, false},
	{"AuthLevelDecision", []string{"true", "false"}, false, false},
	{"ClientDecision", []string{"true", "false"}, false, false},
	{"CommonPasswordDecision", []string{"true", "false"}, true, false},
	{"DataStoreDecision", []string{"true", "false"}, true, false},
	{"HTTPDecision", []string{"true", "false", "locked", "expired"}, true, false},
	{"IdentityStoreDecision", []string{"true", "false", "locked", "expired"}, true, false},
	{"IncrementLoginCount", []string{"outcome"}, false, false},
	{"InnerTreeEvaluator", []string{"true", "false"}, false, false},
	{"LDAPDecision", []string{"true", "false", "locked", "expired"}, true, false},
	{"LoginCountDecision", []string{"true", "false"}, false, false},
	{"MigrateCredential", []string{"outcome"}, false, false},
	{"ModifyAuthLevel", []string{"outcome"}, false, false},
	{"NetworkDecision", []string{"true", "false"}, false, false},
	{"OATHTokenVerifier", []string{"success", "failure", "not_registered"}, false, false},
	{"PageNode", []string{"outcome"}, false, false},
	{"PasswordCollector", []string{"outcome"}, false, true},
	{"PasswordExpiryDecision", []string{"true", "false"}, false, false},
	{"RetryLimitDecision", []string{"retry", "reject"}, false, false},
	{"ScopeDecision", []string{"true", "false"}, false, false},
	{"ScriptedDecision", nil, false, false},
	{"SetSessionProperties", []string{"outcome"}, false, false},
	{"UsernameCollector", []string{"outcome"}, false, true},
	{"ZeroPageLoginCollector", []string{"has_credentials", "no_credentials"}, false, false},
}

// parameters are those that node types read unless their settings say otherwise.
var parameters = map[string][]string{"OATHTokenVerifier": {"totp"}}

// builds is journey.Build for journeys that are not about credentials: those may succeed without one, and nobody is warned.
func builds(defs map[string]journey.Definition, types journey.Types, env journey.Env) (*journey.Set, []journey.Problem) {
	for name, def := range defs {
		def.AllowUnverified = true
		defs[name] = def
	}
	set, problems := journey.Build(defs, types, env)
	return set, slices.DeleteFunc(problems, func(p journey.Problem) bool {
		return p.Warning
	})
}

func TestTable(t *testing.T) {
	rest := nodes.Table()
	for _, tt := range builtin {
		factory, ok := rest[tt.name]
		if !ok {
			t.Errorf("%s is not in the table", tt.name)
			continue
		}
		delete(rest, tt.name)
		s := factory()
		if diff := cmp.Diff(tt.outcomes, s.Outcomes()); diff != "" {
			t.Errorf("outcomes of %s (-want +got):\n%s", tt.name, diff)
		}
		p, ok := s.(journey.PasswordReader)
		if reads := ok && p.ReadsPassword(); reads != tt.password {
			t.Errorf("%s reads the password: %t", tt.name, reads)
		}
		c, ok := s.(journey.Collector)
		if collects := ok && c.Collects(); collects != tt.collects {
			t.Errorf("%s collects: %t", tt.name, collects)
		}
		var reads []string
		if p, ok := s.(journey.ParameterReader); ok {
			reads = p.Parameters()
		}
		if diff := cmp.Diff(parameters[tt.name], reads); diff != "" {
			t.Errorf("parameters of %s (-want +got):\n%s", tt.name, diff)
		}
		r, ok := s.(journey.SeedReader)
		if seed := ok && r.ReadsSeed(); seed != (tt.name == "OATHTokenVerifier") {
			t.Errorf("%s reads the seed: %t", tt.name, seed)
		}
	}
	for name, factory := range rest {
		if s, ok := factory().(journey.Interactive); !ok || !s.Interactive() {
			t.Errorf("%s is neither listed in this test nor interactive", name)
		}
	}
	nodes.Table()["DataStoreDecision"] = nil
	if nodes.Table()["DataStoreDecision"] == nil {
		t.Error("callers share one table")
	}
}

// node is a journey "main" of one node "it", whose first outcome is success, after the collectors if it needs them.
type node struct {
	Type     string
	Settings string // YAML, in flow style
	Next     bool
	Outcomes []string // the first leads to success
	Page     []string
}

func (n node) definition() journey.NodeDefinition {
	def := journey.NodeDefinition{Type: n.Type, Outcomes: map[string]string{}}
	if n.Settings != "" {
		def.Settings = func(into any) error {
			d := yaml.NewDecoder(strings.NewReader(n.Settings))
			d.KnownFields(true)
			if err := d.Decode(into); err != nil {
				return errors.New(strings.Join(strings.Fields(err.Error()), " "))
			}
			return nil
		}
	}
	for i, outcome := range n.Outcomes {
		def.Outcomes[outcome] = map[bool]string{true: journey.Success, false: journey.Failure}[i == 0]
	}
	if n.Next {
		def.Next = "check"
	}
	for _, kind := range n.Page {
		def.Nodes = append(def.Nodes, journey.NodeDefinition{Type: kind})
	}
	return def
}

var (
	check   = journey.NodeDefinition{Type: "DataStoreDecision", Outcomes: map[string]string{"true": "success", "false": "failure"}}
	collect = journey.NodeDefinition{Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": "it", "no_credentials": "it"}}
	page    = journey.NodeDefinition{Type: "PageNode", Next: "it", Nodes: []journey.NodeDefinition{{Type: "UsernameCollector"}}}
	sub     = journey.Definition{Enabled: true, InnerOnly: true, Entry: "check", Nodes: map[string]journey.NodeDefinition{"check": check}}
)

func set(t *testing.T, n node) (*journey.Set, []journey.Problem) {
	t.Helper()
	main := journey.Definition{Enabled: true, Entry: "it", Nodes: map[string]journey.NodeDefinition{"it": n.definition()}}
	switch {
	case n.Next && n.Type == "PasswordCollector":
		main.Entry, main.Nodes["user"], main.Nodes["check"] = "user", page, check
	case n.Next:
		main.Nodes["check"] = check
	case n.Type != "ZeroPageLoginCollector":
		main.Entry, main.Nodes["collect"] = "collect", collect
	}
	return builds(map[string]journey.Definition{"main": main, "sub": sub}, nodes.Table(), journey.Env{})
}

var (
	zeroPage  = node{Type: "ZeroPageLoginCollector", Outcomes: []string{"has_credentials", "no_credentials"}}
	dataStore = node{Type: "DataStoreDecision", Outcomes: []string{"true", "false"}}
	active    = node{Type: "AccountActiveDecision", Outcomes: []string{"true", "false"}}
	inner     = node{Type: "InnerTreeEvaluator", Outcomes: []string{"true", "false"}, Settings: `{"tree":"sub"}`}
	both      = node{Type: "PageNode", Next: true, Page: []string{"UsernameCollector", "PasswordCollector"}}
	nameOnly  = node{Type: "PageNode", Next: true, Page: []string{"UsernameCollector"}}
	username  = node{Type: "UsernameCollector", Next: true}
	password  = node{Type: "PasswordCollector", Next: true}

	owner    = realm.User{Enabled: true}
	disabled = realm.User{Enabled: false}
	expired  = realm.User{Enabled: true, Expires: now}
	expiring = realm.User{Enabled: true, Expires: now.Add(1)}
)

func TestNodes(t *testing.T) {
	for _, tt := range []struct {
		name               string
		node               node
		username, password string
		user               *realm.User
		outcome            string
		reason             string // empty: success
		verified           bool
	}{
		{"zero page, both", zeroPage, "demo", "right", &owner, "has_credentials", "", false},
		{"zero page, no name", zeroPage, "", "right", &owner, "no_credentials", "journey_failed", false},
		{"zero page, no password", zeroPage, "demo", "", &owner, "no_credentials", "journey_failed", false},
		{"data store, right", dataStore, "demo", "right", &owner, "true", "", true},
		{"data store, wrong", dataStore, "demo", "wrong", &owner, "false", "wrong_password", false},
		{"data store, none", dataStore, "demo", "", &owner, "false", "wrong_password", false},
		{"data store, unknown", dataStore, "demo", "right", nil, "false", "unknown_user", false},
		{"data store, disabled", dataStore, "demo", "right", &disabled, "false", "disabled", false},
		{"data store, expired", dataStore, "demo", "right", &expired, "false", "expired", false},
		{"active", active, "demo", "wrong", &owner, "true", "", false},
		{"active for a moment", active, "demo", "wrong", &expiring, "true", "", false},
		{"active, unknown", active, "demo", "right", nil, "false", "unknown_user", false},
		{"active, disabled", active, "demo", "right", &disabled, "false", "disabled", false},
		{"active, expired", active, "demo", "right", &expired, "false", "expired", false},
		{"inner, right", inner, "demo", "right", &owner, "true", "", true},
		{"inner, wrong", inner, "demo", "wrong", &owner, "false", "wrong_password", false},
		{"page of both", both, "demo", "right", &owner, "outcome", "", true},
		{"page of both, wrong", both, "demo", "wrong", &owner, "outcome", "wrong_password", false},
		{"page of the name", nameOnly, "demo", "right", &owner, "outcome", "wrong_password", false},
		{"name without password", username, "demo", "right", &owner, "outcome", "wrong_password", false},
		{"name and password", password, "demo", "right", &owner, "outcome", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, problems := set(t, tt.node)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			j, _ := s.Journey("main")
			got, err := j.Run(t.Context(), journey.Input{
				Username: tt.username, Password: tt.password, User: tt.user, Now: now,
				Verify: func(_ context.Context, password string) (bool, error) {
					return password == "right" && tt.user != nil && tt.user.Enabled && !tt.user.Expired(now), nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(got.Trail, func(s journey.Step) bool { return s.Node == "it" })
			if at < 0 || got.Trail[at].Outcome != tt.outcome {
				t.Errorf("trail %+v, want the outcome %q", got.Trail, tt.outcome)
			}
			if got.Success != (tt.reason == "") || got.Reason != tt.reason || got.Verified != tt.verified {
				t.Errorf("success %t, reason %q, verified %t; want reason %q, verified %t", got.Success, got.Reason, got.Verified, tt.reason, tt.verified)
			}
		})
	}
}

func TestNodesReturnFaults(t *testing.T) {
	down := errors.New("down")
	for _, n := range []node{dataStore, identityStore, inner, both} {
		s, problems := set(t, n)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		j, _ := s.Journey("main")
		got, err := j.Run(t.Context(), journey.Input{
			Username: "demo", Password: "right", User: &owner, Now: now,
			Verify: func(context.Context, string) (bool, error) { return true, down },
		})
		if !errors.Is(err, down) || got.Success || got.Verified {
			t.Errorf("%s: %+v, %v", n.Type, got, err)
		}
	}
}

func TestInnerTreeEvaluatorNeedsATree(t *testing.T) {
	for settings, want := range map[string]string{
		``:               "tree: name the journey to run",
		`{}`:             "tree: name the journey to run",
		`{"tree":"sup"}`: `there is no journey "sup", did you mean "sub"?`,
		`{"node":"sub"}`: `yaml: unmarshal errors: line 1: field node not found in type nodes.InnerTreeEvaluator`,
	} {
		_, problems := set(t, node{Type: "InnerTreeEvaluator", Outcomes: []string{"true", "false"}, Settings: settings})
		if !slices.ContainsFunc(problems, func(p journey.Problem) bool { return p.Message == want }) {
			t.Errorf("%s: problems %v, want %q", settings, problems, want)
		}
	}
}

// Every interactive type loads alone and on a page, with whatever settings and outcomes, and names the node.
func TestInteractiveTypesLoadAndNeverRun(t *testing.T) {
	types := nodes.Table()
	for _, tt := range builtin {
		delete(types, tt.name)
	}
	for _, known := range []string{
		"ChoiceCollector", "MessageNode", "EmailSuspendNode", "PushSender", "PushAuthenticationSenderNode",
		"WebAuthnAuthenticationNode", "WebAuthnRegistrationNode", "DeviceProfileCollectorNode", "KbaCreateNode",
		"ConsentNode", "TermsAndConditionsDecision", "AttributeCollector",
	} {
		if types[known] == nil {
			t.Errorf("%s is unknown", known)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		for _, n := range []node{
			{Type: name, Settings: `{"choices":["a","b"]}`, Outcomes: []string{"a", "b"}},
			{Type: "PageNode", Page: []string{"UsernameCollector", name}, Outcomes: []string{"outcome"}},
		} {
			s, problems := set(t, n)
			if len(problems) > 0 {
				t.Errorf("%s: %v", name, problems)
				continue
			}
			j, _ := s.Journey("main")
			if j.Interactive() != "it" {
				t.Errorf("%s: interactive node %q", name, j.Interactive())
			}
			if _, err := j.Run(t.Context(), journey.Input{}); !errors.Is(err, journey.ErrInteractive) {
				t.Errorf("%s runs: %v", name, err)
			}
		}
	}
}

// BenchmarkTwoNodes is the journey of nearly every request, without the hashing.
func BenchmarkTwoNodes(b *testing.B) {
	s, problems := builds(map[string]journey.Definition{"main": {
		Enabled: true, Entry: "collect",
		Nodes: map[string]journey.NodeDefinition{
			"collect": {Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": "check", "no_credentials": "failure"}},
			"check":   check,
		},
	}}, nodes.Table(), journey.Env{})
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	j, _ := s.Journey("main")
	in := journey.Input{
		Username: "demo", Password: "right", User: &owner, Now: now,
		Verify: func(context.Context, string) (bool, error) { return true, nil },
	}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := j.Run(b.Context(), in); err != nil || !r.Success {
			b.Fatal(r, err)
		}
	}
}
