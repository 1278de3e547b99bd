package ropc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

// step is a node type whose Run is given.
type step struct {
	run func(ctx context.Context, s *journey.State) (string, error)
}

func (step) Outcomes() []string                       { return []string{"true", "false"} }
func (step) ReadsPassword() bool                      { return true }
func (step) ReadsSeed() bool                          { return true }
func (step) Parameters() []string                     { return []string{"totp"} }
func (step) Verifies() []string                       { return []string{"true"} } // or so it says
func (s step) Open(journey.Env) (journey.Node, error) { return s, nil }
func (s step) Run(ctx context.Context, st *journey.State) (string, error) {
	return s.run(ctx, st)
}

var errNode = errors.New("a directory is down")

// verify asks for the password and then says something else.
func verify(outcome string, err error) func(context.Context, *journey.State) (string, error) {
	return func(ctx context.Context, s *journey.State) (string, error) {
		if _, fault := s.Verify(ctx); fault != nil {
			return "", fault
		}
		return outcome, err
	}
}

// journeys are the ways of logging in that the tests use.
func journeys(t testing.TB) *journey.Set {
	t.Helper()
	types := nodes.Table()
	for name, run := range map[string]func(context.Context, *journey.State) (string, error){
		"FaultBefore": func(context.Context, *journey.State) (string, error) { return "", errNode },
		"FaultAfter":  verify("", errNode),
		"RefuseAfter": verify("false", nil),
		"AllowAfter":  verify("true", nil),
		"Blind":       func(context.Context, *journey.State) (string, error) { return "true", nil },
		"Enrich": func(_ context.Context, s *journey.State) (string, error) {
			s.SetAuthLevel(7)
			s.SetProperty("tier", "gold")
			return "true", nil
		},
		"Directory": askDirectory,
		"Migrate":   func(_ context.Context, s *journey.State) (string, error) { s.MigrateCredential(); return "true", nil },
		"Count":     func(_ context.Context, s *journey.State) (string, error) { s.CountLogin(); return "true", nil },
		"Disable":   func(_ context.Context, s *journey.State) (string, error) { s.SetEnabled(false); return "false", nil },
		"Enable":    func(_ context.Context, s *journey.State) (string, error) { s.SetEnabled(true); return "false", nil },
		"Code":      askCode,
	} {
		types[name] = func() journey.Settings { return step{run} }
	}
	collect := func(to string) journey.NodeDefinition {
		return journey.NodeDefinition{Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": to, "no_credentials": "failure"}}
	}
	node := func(kind, yes, no string) journey.NodeDefinition {
		return journey.NodeDefinition{Type: kind, Outcomes: map[string]string{"true": yes, "false": no}}
	}
	one := func(kind string) journey.Definition {
		return journey.Definition{Enabled: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{
			"collect": collect("one"), "one": node(kind, "success", "failure"),
		}}
	}
	check := map[string]journey.NodeDefinition{
		"collect": collect("check"), "check": node("DataStoreDecision", "enrich", "failure"), "enrich": node("Enrich", "success", "failure"),
	}
	active := map[string]journey.NodeDefinition{
		"collect": collect("active"), "active": node("AccountActiveDecision", "check", "failure"), "check": node("DataStoreDecision", "success", "failure"),
	}
	chain := func(kinds ...string) journey.Definition {
		all := map[string]journey.NodeDefinition{"collect": collect("0")}
		for i, kind := range kinds {
			next := fmt.Sprint(i + 1)
			if i == len(kinds)-1 {
				next = "success"
			}
			all[fmt.Sprint(i)] = node(kind, next, "failure")
		}
		return journey.Definition{Enabled: true, Entry: "collect", Nodes: all}
	}
	either := chain("Directory", "Migrate")
	either.Nodes["0"] = node("Directory", "1", "local")
	either.Nodes["local"] = node("DataStoreDecision", "success", "failure")
	disable := chain("DataStoreDecision", "Disable")
	disable.Nodes["0"] = node("DataStoreDecision", "success", "1")
	last := chain("DataStoreDecision", "Disable")
	last.Nodes["1"] = node("Disable", "failure", "success")
	enable := chain("Directory", "Enable")
	enable.Nodes["0"] = node("Directory", "1", "1")
	set, problems := journey.Build(map[string]journey.Definition{
		"Directory": chain("Directory"), "Migrate": chain("Directory", "Migrate"), "Either": either, "Disable": disable, "LastTime": last, "Enable": enable,
		"Plain": chain("DataStoreDecision"), "Count": chain("DataStoreDecision", "Count"), "Code": chain("DataStoreDecision", "Code"), "CodeFault": chain("DataStoreDecision", "Code", "FaultBefore"),
		"Check": {Enabled: true, Entry: "collect", Nodes: check}, "Active": {Enabled: true, Entry: "collect", Nodes: active},
		"Off": {Entry: "collect", Nodes: check}, "Inner": {Enabled: true, InnerOnly: true, Entry: "collect", Nodes: check},
		"FaultBefore": one("FaultBefore"), "FaultAfter": one("FaultAfter"), "RefuseAfter": one("RefuseAfter"), "AllowAfter": one("AllowAfter"),
		"Blind": one("Blind"),
		"Open":  {Enabled: true, AllowUnverified: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{"collect": collect("success")}},
		"Talk": {Enabled: true, Entry: "talk", Nodes: map[string]journey.NodeDefinition{
			"talk": {Type: "MessageNode", Outcomes: map[string]string{"true": "success", "false": "failure"}},
		}},
	}, types, journey.Env{})
	for _, p := range problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	return set
}

// evaluations counts what passwords are compared with which hash.
type evaluations struct {
	mu   sync.Mutex
	list []string // "password|hash"
	hook func()   // inside of a comparison; nil: nothing
}

// count tells the comparisons of a guess with an owner's hash, and those of any kind.
func (e *evaluations) count() (guesses, all int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.list {
		if !strings.HasPrefix(x, "no password|") && strings.HasSuffix(x, "of-right") {
			guesses++
		}
	}
	return guesses, len(e.list)
}

// cheap is a password hash that costs nothing. Every owner's password is "right".
type cheap struct {
	prefix string
	seen   *evaluations
}

func (c cheap) Name() string                         { return c.prefix }
func (c cheap) Matches(encoded string) bool          { return strings.HasPrefix(encoded, c.prefix) }
func (c cheap) Check(string) error                   { return nil }
func (c cheap) Current(encoded string) bool          { return c.Matches(encoded) }
func (c cheap) Hash(password []byte) (string, error) { return c.prefix + "of-" + string(password), nil }
func (c cheap) Verify(password []byte, encoded string) (bool, error) {
	c.seen.mu.Lock()
	c.seen.list = append(c.seen.list, string(password)+"|"+encoded)
	hook := c.seen.hook
	c.seen.mu.Unlock()
	if hook != nil {
		hook()
	}
	return encoded == c.prefix+"of-"+string(password), nil
}
