package nodes_test

import (
	"context"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/pkg/journey"
)

func TestRetryLimitDecision(t *testing.T) {
	for settings, want := range map[string]int{``: 3, `{}`: 3, `{"limit":1}`: 1, `{"limit":2}`: 2, `{"limit":100}`: 100} {
		limit := node{Type: "RetryLimitDecision", Settings: settings}.definition()
		limit.Outcomes = map[string]string{"retry": "collect", "reject": "failure"}
		again := check
		again.Outcomes = map[string]string{"true": "success", "false": "it"}
		from := collect
		from.Outcomes = map[string]string{"has_credentials": "check", "no_credentials": "check"}
		s, problems := build(map[string]journey.NodeDefinition{"collect": from, "check": again, "it": limit}, "collect")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		j, _ := s.Journey("main")
		for range 2 { // the count starts anew with each run
			calls, retried := 0, 0
			got, err := j.Run(t.Context(), journey.Input{
				Username: "demo", Password: "wrong", User: &owner, Now: now,
				Verify: func(context.Context, string) (bool, error) { calls++; return calls > 1, nil },
			})
			if err != nil || got.Success || got.Reason != "wrong_password" || calls != 1 {
				t.Errorf("%s: %+v, %v, %d calls", settings, got, err, calls)
			}
			for _, step := range got.Trail {
				if step.Outcome == "retry" {
					retried++
				}
			}
			if last := got.Trail[len(got.Trail)-1]; retried != want || last.Outcome != "reject" {
				t.Errorf("%s: %d retries, the last step %+v", settings, retried, last)
			}
		}
	}
}

// The widest loop that the highest limit allows: it ends with a decision, not with the step bound's fault.
func TestRetryLimitDecisionStaysWithinTheStepBound(t *testing.T) {
	limit := node{Type: "RetryLimitDecision", Settings: `{"limit":100}`}.definition()
	limit.Outcomes = map[string]string{"retry": "a", "reject": "success"}
	all := map[string]journey.NodeDefinition{"it": limit}
	for i := range 8 {
		next := string(rune('b' + i))
		if i == 7 {
			next = "it"
		}
		all[string(rune('a'+i))] = journey.NodeDefinition{Type: "UsernameCollector", Next: next}
	}
	s, problems := build(all, "a")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	if got, err := j.Run(t.Context(), journey.Input{}); err != nil || !got.Success {
		t.Errorf("%d steps, %v", len(got.Trail), err)
	}
}

func TestRetryLimitDecisionAloneBoundsALoop(t *testing.T) {
	loop := func(kind string, outcomes ...string) []journey.Problem {
		def := journey.NodeDefinition{Type: kind, Outcomes: map[string]string{outcomes[0]: "it", outcomes[1]: "success"}}
		_, problems := build(map[string]journey.NodeDefinition{"it": def}, "it")
		return problems
	}
	if problems := loop("RetryLimitDecision", "retry", "reject"); len(problems) > 0 {
		t.Error(problems)
	}
	if p := loop("AccountActiveDecision", "true", "false"); len(p) != 1 || !strings.Contains(p[0].Message, "a loop that no node bounds") {
		t.Error(p)
	}
}

func TestRetryLimitDecisionRefusesWrongSettings(t *testing.T) {
	refuses(t, "RetryLimitDecision", map[string]string{
		`{"limit":0}`:   "limit: must be from 1 to 100",
		`{"limit":-1}`:  "limit: must be from 1 to 100",
		`{"limit":101}`: "limit: must be from 1 to 100",
	})
}
