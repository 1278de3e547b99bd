package admin_test

import (
	"context"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
)

// slow is a node that takes longer than a client's request has.
type slow struct{}

func (slow) Outcomes() []string { return []string{"done"} }

func (slow) Open(journey.Env) (journey.Node, error) { return slow{}, nil }

func (slow) Run(ctx context.Context, _ *journey.State) (string, error) {
	end, ok := ctx.Deadline()
	if ok && time.Until(end) <= journey.RequestTime {
		return "", context.DeadlineExceeded
	}
	return "done", nil
}

func slowJourneys(t *testing.T) *journey.Set {
	t.Helper()
	types := nodes.Table()
	types["Slow"] = func() journey.Settings { return slow{} }
	set, problems := journey.Build(map[string]journey.Definition{"PasswordGrant": {
		Enabled: true, Entry: "collect",
		Nodes: map[string]journey.NodeDefinition{
			"collect": {Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": "check", "no_credentials": "failure"}},
			"check":   {Type: "DataStoreDecision", Outcomes: map[string]string{"true": "slow", "false": "failure"}},
			"slow":    {Type: "Slow", Outcomes: map[string]string{"done": "success"}},
		},
	}}, types, journey.Env{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return set
}

func trial(name, password string) admin.JourneyTrial {
	return admin.JourneyTrial{
		ExplainQuery: admin.ExplainQuery{InRealm: alpha, ClientID: "batch", Scopes: []string{"write"}, Username: name}, Password: password,
	}
}

// A trial has the deadline of a client's request, and ends in the fault that a client would get.
func TestTrialHasTheDeadlineOfARequest(t *testing.T) {
	s := newServer(t)
	s.provider.Swap(realms(t, slowJourneys(t)))
	s.user("demo")
	run := do[admin.Explanation](s, "journey/try", trial("demo", userPassword)).Run
	if run == nil || run.Outcome != audit.Fault || run.Reason != audit.Store || run.Error == "" {
		t.Errorf("the run: %+v", run)
	}
}

// The event of a trial tells how the run ended; the verb was done, whatever came of it.
func TestTrialIsAuditedWithItsEnd(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	for _, tc := range []struct{ password, outcome, reason string }{
		{userPassword, audit.Success, ""},
		{"not the password", audit.Denied, audit.WrongPassword},
	} {
		do[admin.Explanation](s, "journey/try", trial("demo", tc.password))
		events := s.events()
		got := events[len(events)-1]
		if got.Reason != "journey_try" || got.Outcome != audit.Success || got.RunOutcome != tc.outcome || got.RunReason != tc.reason {
			t.Errorf("event %+v, want a run that ended in %s %s", got, tc.outcome, tc.reason)
		}
		if got.Username != "demo" || got.Node != "check" || len(got.Trail) != 2 {
			t.Errorf("event %+v", got)
		}
	}
}
