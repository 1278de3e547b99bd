package journey_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

const canary = "correct horse battery staple"

// attempt is an input whose password is right, with a count of how often it was compared.
func attempt(calls *int) journey.Input {
	return journey.Input{
		Realm: "/alpha", Username: "demo", Password: canary,
		User:   &realm.User{ID: "1", Username: "demo", Enabled: true, PasswordHash: "$hash$", Seed: []byte("sealed")},
		Client: &realm.Client{ID: "batch", SecretHash: "$hash$", PreviousSecretHash: "$hash$"},
		Verify: func(_ context.Context, password string) (bool, error) {
			*calls++
			return password == canary, nil
		},
		Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

const simple = `
main entry=collect
  collect Collect next=check
  check Check yes=success no=failure`

var noTimes = cmpopts.IgnoreFields(journey.Step{}, "Duration")

func TestRunTellsWhatHappened(t *testing.T) {
	trail := func(outcome string) []journey.Step {
		return []journey.Step{
			{Journey: "main", Node: "collect", Type: "Collect", Outcome: "outcome"},
			{Journey: "main", Node: "check", Type: "Check", Outcome: outcome},
		}
	}
	for _, tt := range []struct {
		name, password string
		locked         bool
		want           journey.Result
	}{
		{"right", canary, false, journey.Result{Success: true, Verified: true, Evaluated: true, Trail: trail("yes")}},
		{"wrong", "guess", false, journey.Result{Evaluated: true, Reason: "journey_failed", Trail: trail("no")}},
		{"missing", "", false, journey.Result{Reason: "journey_failed", Trail: trail("no")}},
		{"right, but locked", canary, true, journey.Result{Evaluated: true, Reason: "locked", Trail: trail("no")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			in := attempt(&calls)
			in.Password, in.Locked = tt.password, tt.locked
			got, err := mainOf(t, build(t, simple, nil)).Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, noTimes); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}
}

func TestRunEndsWithAFault(t *testing.T) {
	boom := errors.New("the store is down")
	for _, tt := range []struct {
		name, text, run string
		act             runFunc
		want            string
		is              error
		steps           int
	}{
		{
			"step bound", "main entry=a\n a Limit yes=a no=success", "Limit", nil,
			`journey "main": more than 1000 steps`, nil, journey.MaxSteps,
		},
		{
			"step bound over inner journeys", "main entry=a\n a Inner yes=success no=b settings=sub\n b Limit yes=a no=failure\nsub entry=c\n c Ask yes=failure no=success", "", nil,
			`journey "main": node "a": inner journey "sub": more than 1000 steps`, nil, journey.MaxSteps,
		},
		{
			"undeclared outcome", "main entry=a\n a Ask yes=success no=failure", "Ask",
			func(context.Context, *journey.State) (string, error) { return "maybe " + canary, nil },
			`journey "main": node "a": an outcome that its type does not declare`, nil, 1,
		},
		{
			"the end is no outcome", "main entry=a\n a Ask yes=success no=failure", "Ask",
			func(context.Context, *journey.State) (string, error) { return "success", nil },
			`journey "main": node "a": an outcome that its type does not declare`, nil, 1,
		},
		{
			"error", "main entry=a\n a Ask yes=success no=failure", "Ask",
			func(context.Context, *journey.State) (string, error) { return "yes", boom },
			`journey "main": node "a": the store is down`, boom, 1,
		},
		{
			"error inside", "main entry=a\n a Inner yes=success no=failure settings=sub\nsub entry=b\n b Ask yes=success no=failure", "Ask",
			func(context.Context, *journey.State) (string, error) { return "", boom },
			`journey "main": node "a": inner journey "sub": node "b": the store is down`, boom, 2,
		},
		{
			"panic", "main entry=a\n a Ask yes=success no=failure", "Ask",
			func(context.Context, *journey.State) (string, error) { panic(canary) },
			`journey "main": node "a": panic of string at run_test.go:LINE`, nil, 1,
		},
		{
			"panic of the runtime", "main entry=a\n a Page next=success nodes=Collect", "Collect",
			func(context.Context, *journey.State) (string, error) {
				var m map[string]int
				m[canary]++ //nolint:staticcheck // it is meant to panic
				return "", nil
			},
			`journey "main": node "a": panic of runtime.plainError at run_test.go:LINE`, nil, 1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			got, err := mainOf(t, build(t, tt.text, map[string]runFunc{tt.run: tt.act})).Run(t.Context(), attempt(&calls))
			if err == nil {
				t.Fatal("no error")
			}
			text := err.Error()
			if file, line, ok := strings.Cut(text, ".go:"); ok && strings.Trim(line, "0123456789") == "" {
				text = file + ".go:LINE"
			}
			if text != tt.want {
				t.Errorf("error %q, want %q", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("the error does not wrap %v", tt.is)
			}
			if got.Success || got.Verified || got.Reason != "" || len(got.Trail) != tt.steps || calls > 0 {
				t.Errorf("success %t, verified %t, reason %q, %d steps, %d calls", got.Success, got.Verified, got.Reason, len(got.Trail), calls)
			}
		})
	}
}

func TestRunStopsBetweenNodesWhenTheCallerIsGone(t *testing.T) {
	for _, text := range []string{
		"main entry=collect\n collect Collect next=check\n check Check yes=success no=failure",
		"main entry=in\n in Inner yes=check no=failure settings=sub\n check Check yes=success no=failure\nsub entry=collect\n collect Collect next=success",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		set := build(t, text, map[string]runFunc{
			"Collect": func(context.Context, *journey.State) (string, error) { cancel(); return "outcome", nil },
		})
		calls := 0
		got, err := mainOf(t, set).Run(ctx, attempt(&calls))
		if !errors.Is(err, context.Canceled) || got.Success || calls > 0 {
			t.Errorf("error %v, %d calls", err, calls)
		}
	}
}

func TestRunRefusesInteractiveJourneys(t *testing.T) {
	calls := 0
	set := build(t, "main entry=a\n a Choose red=success", nil)
	if _, err := mainOf(t, set).Run(t.Context(), attempt(&calls)); !errors.Is(err, journey.ErrInteractive) {
		t.Errorf("error %v, want %v", err, journey.ErrInteractive)
	}
}

func TestRunKeepsInnerStepsAfterTheirNode(t *testing.T) {
	calls := 0
	set := build(t, `
main entry=a
  a Inner yes=b no=failure settings=sub
  b Pass next=success
sub inner entry=c
  c Page next=d nodes=Collect
  d Check yes=success no=failure`, nil)
	got, err := mainOf(t, set).Run(t.Context(), attempt(&calls))
	if err != nil {
		t.Fatal(err)
	}
	want := []journey.Step{
		{Journey: "main", Node: "a", Type: "Inner", Outcome: "yes"},
		{Journey: "sub", Node: "c", Type: "Page", Outcome: "outcome"},
		{Journey: "sub", Node: "d", Type: "Check", Outcome: "yes"},
		{Journey: "main", Node: "b", Type: "Pass", Outcome: "outcome"},
	}
	if diff := cmp.Diff(want, got.Trail, noTimes); diff != "" || !got.Success || !got.Verified {
		t.Errorf("success %t, verified %t (-want +got):\n%s", got.Success, got.Verified, diff)
	}
}

func TestRunKeepsLevelAndPropertiesOfASuccessOnly(t *testing.T) {
	for _, outcome := range []string{"yes", "no"} {
		calls := 0
		set := build(t, "main entry=a\n a Ask yes=success no=failure", map[string]runFunc{
			"Ask": func(_ context.Context, s *journey.State) (string, error) {
				s.SetAuthLevel(7)
				s.SetProperty("department", "sales")
				s.SetReason(journey.ReasonExpired)
				return outcome, nil
			},
		})
		got, err := mainOf(t, set).Run(t.Context(), attempt(&calls))
		if err != nil {
			t.Fatal(err)
		}
		want := journey.Result{Success: true, AuthLevel: 7, Properties: map[string]string{"department": "sales"}}
		if outcome == "no" {
			want = journey.Result{Reason: "expired"}
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(journey.Result{}, "Trail")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", outcome, diff)
		}
	}
}
