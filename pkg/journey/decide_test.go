package journey_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

func TestDecide(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	verified, led := journey.Result{Success: true, Verified: true}, journey.Result{Success: true}
	vouched := journey.Result{Success: true, Verified: true, Source: "ldap://a"}
	strict := mainOf(t, build(t, "main entry=a strict\n a Check yes=success no=failure", nil))
	open := mainOf(t, build(t, "main entry=a\n a Pass next=success", nil))
	fine := &realm.User{Enabled: true}
	for _, tt := range []struct {
		name   string
		j      *journey.Journey
		in     journey.Input
		result journey.Result
		want   string
	}{
		{"verified", strict, journey.Input{User: fine}, verified, ""},
		{"success proves nothing", strict, journey.Input{User: fine}, led, "journey_failed"},
		{"verified, but refused", strict, journey.Input{User: fine}, journey.Result{Verified: true, Reason: "wrong_code"}, "wrong_code"},
		{"unverified and allowed", open, journey.Input{User: fine}, led, ""},
		{"unverified and nobody", open, journey.Input{}, led, "unknown_user"},
		{"unverified and disabled", open, journey.Input{User: &realm.User{}}, led, "disabled"},
		{"disabled by the run itself", strict, journey.Input{User: fine}, journey.Result{Success: true, Verified: true, Enabled: new(bool)}, "disabled"},
		{"nobody", strict, journey.Input{}, verified, "unknown_user"},
		{"vouched for", strict, journey.Input{}, vouched, ""},
		{"vouched for, and disabled here", strict, journey.Input{User: &realm.User{}}, vouched, "disabled"},
		{"vouched for, and expired here", strict, journey.Input{User: &realm.User{Enabled: true, Expires: now}}, vouched, "expired"},
		{"expires later", strict, journey.Input{User: &realm.User{Enabled: true, Expires: now.Add(1)}}, verified, ""},
		{"locked", strict, journey.Input{User: fine, Locked: true}, verified, "locked"},
		{"locked and vouched for", strict, journey.Input{Locked: true}, vouched, "locked"},
	} {
		tt.in.Now = now
		if got := tt.j.Decide(tt.in, tt.result); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What a run leaves behind: all of it after a success, the state of the account alone after a refusal.
func TestEffects(t *testing.T) {
	calls, logins := 0, []int(nil)
	spent := 0
	for _, outcome := range []string{"yes", "no"} {
		j := mainOf(t, build(t, `
main entry=before strict
  before Ask yes=collect no=failure
  collect Collect next=check
  check Check yes=ask no=failure
  ask Ask yes=success no=failure`, map[string]runFunc{
			"Check": func(ctx context.Context, s *journey.State) (string, error) {
				_, err := s.VerifyWith(ctx, source{name: "ldap://a", spent: &spent, check: func(string, string) (journey.Answer, error) {
					return journey.Answer{Right: true, Attributes: map[string]string{"mail": "demo@example.com"}}, nil
				}})
				return "yes", err
			},
			"Ask": func(_ context.Context, s *journey.State) (string, error) {
				if s.User() == nil {
					s.SetEnabled(false)   // nobody yet
					s.MigrateCredential() // nothing verified yet
					return "yes", nil
				}
				logins = append(logins, s.Logins())
				s.CountLogin()
				s.CountLogin()
				logins = append(logins, s.Logins())
				s.SetEnabled(true)
				s.SetEnabled(false)
				s.MigrateCredential()
				return outcome, nil
			},
		}))
		in := attempt(&calls)
		in.User.Login.Logins = 7
		got, err := j.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		off := false
		want := journey.Result{Success: true, Verified: true, Evaluated: true, Enabled: &off, Source: "ldap://a",
			Attributes: map[string]string{"mail": "demo@example.com"}, Migrate: true, CountLogin: true}
		if outcome == "no" {
			want = journey.Result{Verified: true, Evaluated: true, Enabled: &off, Reason: "journey_failed"}
		}
		got.Trail = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", outcome, diff)
		}
	}
	if diff := cmp.Diff([]int{7, 8, 7, 8}, logins); diff != "" {
		t.Error("logins (-want +got):\n" + diff)
	}
}

// A local password is no reason to keep it anew.
func TestMigrateNeedsAnOutsideSource(t *testing.T) {
	calls := 0
	j := mainOf(t, build(t, simple, map[string]runFunc{"Check": func(ctx context.Context, s *journey.State) (string, error) {
		_, err := s.Verify(ctx)
		s.MigrateCredential()
		return "yes", err
	}}))
	if got, err := j.Run(t.Context(), attempt(&calls)); err != nil || got.Migrate || got.Source != "" {
		t.Errorf("%+v, %v", got, err)
	}
}
