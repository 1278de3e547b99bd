package journey_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
)

var errDown = errors.New("down")

// The journey asks three times, once inside another one; the password is right from the second time on.
func TestVerifyIsAskedOnceARun(t *testing.T) {
	set := build(t, `
main entry=collect
  collect Collect next=first
  first Check yes=failure no=second
  second Check yes=failure no=third
  third Inner yes=failure no=last settings=sub
  last Ask yes=success no=failure
sub inner entry=check
  check Check yes=success no=failure`, nil)
	for run := range 2 {
		calls := 0
		in := attempt(&calls)
		in.Verify = func(context.Context, string) (bool, error) { calls++; return calls > 1, nil }
		got, err := mainOf(t, set).Run(t.Context(), in)
		if err != nil || calls != 1 || got.Verified || !got.Evaluated || len(got.Trail) != 6 {
			t.Errorf("run %d: %d calls, %+v, %v", run, calls, got, err)
		}
	}
}

// source is an outside source made of functions.
type source struct {
	name  string
	check func(username, password string) (journey.Answer, error)
	spent *int // refusals without asking
	own   bool // it says yes for owners that it made, only
}

func (s source) Name() string   { return s.name }
func (s source) LinksAny() bool { return !s.own }

func (s source) Check(_ context.Context, username, password string) (journey.Answer, error) {
	return s.check(username, password)
}

func (s source) Refuse(context.Context) error {
	*s.spent++
	return nil
}

func TestVerifyWithAsksEachSourceOnce(t *testing.T) {
	var asked []string
	calls := 0
	set := build(t, `
main entry=collect
  collect Collect next=check
  check Check yes=success no=failure`, map[string]runFunc{"Check": func(ctx context.Context, s *journey.State) (string, error) {
		for _, name := range []string{"ldap://a", "ldap://b", "ldap://a", "ldap://b"} {
			a, err := s.VerifyWith(ctx, source{name: name, check: func(username, password string) (journey.Answer, error) {
				asked = append(asked, name)
				if username != "demo" || password != canary {
					t.Errorf("asked about %q, %q", username, password)
				}
				return journey.Answer{Right: name == "ldap://b", Attributes: map[string]string{"mail": "a@" + name}}, nil
			}})
			if err != nil || a.Right != (name == "ldap://b") {
				t.Errorf("%s: %+v, %v", name, a, err)
			}
		}
		if _, err := s.VerifyWith(ctx, source{}); err == nil {
			t.Error("a source without a name")
		}
		return "yes", nil
	}})
	in, away := attempt(&calls), 0
	in.Away = func(wait func()) {
		away++
		wait()
		if len(asked) != away {
			t.Errorf("away %d times, asked %v", away, asked)
		}
	}
	got, err := mainOf(t, set).Run(t.Context(), in)
	if err != nil || !got.Success || !got.Verified || calls != 0 {
		t.Errorf("%+v, %v, %d calls", got, err, calls)
	}
	if diff := cmp.Diff([]string{"ldap://a", "ldap://b"}, asked); diff != "" {
		t.Error("asked (-want +got):\n" + diff)
	}
	if got.Source != "ldap://b" || got.Attributes["mail"] != "a@ldap://b" {
		t.Errorf("source %q, attributes %v: only who said yes may vouch", got.Source, got.Attributes)
	}
}

// A fault is neither yes nor no, and is not asked again.
func TestVerifyFaultIsNoAnswer(t *testing.T) {
	calls := 0
	in := attempt(&calls)
	in.Verify = func(context.Context, string) (bool, error) { calls++; return true, errDown }
	set := build(t, simple, map[string]runFunc{"Check": func(ctx context.Context, s *journey.State) (string, error) {
		if ok, err := s.Verify(ctx); ok || !errors.Is(err, errDown) {
			t.Errorf("Verify = %t, %v", ok, err)
		}
		return check(ctx, s)
	}})
	got, err := mainOf(t, set).Run(t.Context(), in)
	if !errors.Is(err, errDown) || got.Verified || got.Evaluated || got.Success || calls != 1 {
		t.Errorf("%+v, %v, %d calls", got, err, calls)
	}
	in.Verify = nil
	if _, err := mainOf(t, build(t, simple, nil)).Run(t.Context(), in); err == nil {
		t.Error("no fault without Verify")
	}
}

// A right password takes back what an earlier source said, but not the refusal of a later node.
func TestVerifyTakesBackTheReason(t *testing.T) {
	calls := 0
	set := build(t, `
main entry=collect
  collect Collect next=check
  check Check yes=ask no=failure
  ask Ask yes=success no=failure`, map[string]runFunc{
		"Check": func(ctx context.Context, s *journey.State) (string, error) {
			s.SetReason(journey.ReasonWrongPassword)
			return check(ctx, s)
		},
		"Ask": func(context.Context, *journey.State) (string, error) { return "no", nil },
	})
	got, err := mainOf(t, set).Run(t.Context(), attempt(&calls))
	if err != nil || got.Reason != journey.ReasonFailed || !got.Verified || got.Success {
		t.Errorf("%+v, %v", got, err)
	}
}

// A refusal before the password was compared costs a comparison all the same.
func TestRunSpendsTheWorkOfARefusal(t *testing.T) {
	const early = `
main entry=collect
  collect Collect next=early
  early Ask yes=check no=failure
  check Check yes=success no=failure`
	for _, tt := range []struct {
		name, text, answer, password string
		calls                        int
		want                         journey.Result
	}{
		{"refused early", early, "no", canary, 1, journey.Result{Evaluated: true, Reason: "journey_failed"}},
		{"refused by the check", early, "yes", "guess", 1, journey.Result{Evaluated: true, Reason: "journey_failed"}},
		{"success", early, "yes", canary, 1, journey.Result{Evaluated: true, Verified: true, Success: true}},
		{"nothing to compare", early, "no", "", 0, journey.Result{Reason: "journey_failed"}},
		{"nobody reads it", "main entry=a\n a Ask yes=success no=failure", "no", canary, 0, journey.Result{Reason: "journey_failed"}},
		{"read inside only", "main entry=a\n a Ask yes=b no=failure\n b Inner yes=success no=failure settings=sub\nsub entry=c\n c Check yes=success no=failure", "no", canary, 1, journey.Result{Evaluated: true, Reason: "journey_failed"}},
		{"success that asked nobody", "main entry=a\n a Ask yes=success no=b\n b Check yes=success no=failure", "yes", canary, 0, journey.Result{Success: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			in := attempt(&calls)
			in.Password = tt.password
			set := build(t, tt.text, map[string]runFunc{
				"Ask": func(context.Context, *journey.State) (string, error) { return tt.answer, nil },
			})
			got, err := mainOf(t, set).Run(t.Context(), in)
			if err != nil || calls != tt.calls {
				t.Errorf("%d calls, %v; want %d", calls, err, tt.calls)
			}
			got.Trail = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}

	calls := 0
	in := attempt(&calls)
	in.Verify = func(context.Context, string) (bool, error) { return false, errDown }
	set := build(t, early, map[string]runFunc{
		"Ask": func(context.Context, *journey.State) (string, error) { return "no", nil },
	})
	if _, err := mainOf(t, set).Run(t.Context(), in); !errors.Is(err, errDown) {
		t.Errorf("error %v, want %v: a fault here must look as it does for a wrong password", err, errDown)
	}
}

// A locked attempt must not be guessed against any source, whatever the journey looks like.
func TestRunOfALockedAttemptAsksNoOtherSource(t *testing.T) {
	spent := 0
	set := build(t, `
main entry=collect
  collect Collect next=check
  check Check yes=success no=ask
  ask Ask yes=success no=failure`, map[string]runFunc{"Check": func(ctx context.Context, s *journey.State) (string, error) {
		a, err := s.VerifyWith(ctx, source{name: "ldap://a", spent: &spent, check: func(string, string) (journey.Answer, error) {
			t.Error("the directory was asked")
			return journey.Answer{Right: true}, nil
		}})
		if a.Right || a.Reason != journey.ReasonLocked || err != nil {
			t.Errorf("VerifyWith = %+v, %v", a, err)
		}
		return check(ctx, s)
	}})
	calls := 0
	in := attempt(&calls)
	in.Locked = true
	got, err := mainOf(t, set).Run(t.Context(), in)
	if err != nil || got.Success || got.Verified || got.Reason != journey.ReasonLocked || calls != 1 || spent != 1 {
		t.Errorf("%+v, %v, %d calls, %d refusals", got, err, calls, spent)
	}
}

// The attack: two people of one name in two places. A yes for one must not open the other's account.
func TestVerifyWithKeepsToItsOwnOwners(t *testing.T) {
	for _, tt := range []struct {
		made string // who made the owner
		own  bool
		want bool
	}{
		{"ldap://a", true, true},
		{"ldap://b", true, false},
		{"", true, false}, // an administrator
		{"ldap://b", false, true},
		{"", false, true},
	} {
		set := build(t, simple, map[string]runFunc{"Check": func(ctx context.Context, s *journey.State) (string, error) {
			a, err := s.VerifyWith(ctx, source{name: "ldap://a", own: tt.own, check: func(string, string) (journey.Answer, error) {
				return journey.Answer{Right: true, Attributes: map[string]string{"mail": "other@example.com"}}, nil
			}})
			if !a.Right {
				s.SetReason(a.Reason)
			}
			return map[bool]string{true: "yes", false: "no"}[a.Right], err
		}})
		calls := 0
		in := attempt(&calls)
		in.User.Source = tt.made
		got, err := mainOf(t, set).Run(t.Context(), in)
		if err != nil || got.Success != tt.want || got.Verified != tt.want || !got.Evaluated || (got.Source != "") != tt.want || (got.Attributes != nil) != tt.want {
			t.Errorf("%+v: %+v, %v", tt, got, err)
		}
		if !tt.want && got.Reason != journey.ReasonOtherSource {
			t.Errorf("%+v: reason %q", tt, got.Reason)
		}
	}
}

// The attack: hang up as soon as a yes would have come. The evaluation goes on, and counts.
func TestVerifyWithIsNotStoppedByItsCaller(t *testing.T) {
	for _, fault := range []error{nil, errDown, fmt.Errorf("late: %w", journey.ErrSent)} {
		ctx, cancel := context.WithCancel(t.Context())
		set := build(t, simple, map[string]runFunc{"Check": func(ctx context.Context, s *journey.State) (string, error) {
			_, err := s.VerifyWith(ctx, &hearing{cancel: cancel, err: fault})
			return "no", err
		}})
		calls := 0
		in := attempt(&calls)
		got, err := mainOf(t, set).Run(ctx, in)
		if evaluated := fault != errDown; got.Evaluated != evaluated || got.Verified { //nolint:errorlint // it is the very error
			t.Errorf("%v: %+v, %v", fault, got, err)
		}
	}
}

// hearing is a source whose caller hangs up while it is asked.
type hearing struct {
	cancel func()
	err    error
}

func (*hearing) Name() string                 { return "ldap://a" }
func (*hearing) Refuse(context.Context) error { return nil }
func (h *hearing) Check(ctx context.Context, _, _ string) (journey.Answer, error) {
	h.cancel()
	return journey.Answer{}, errors.Join(ctx.Err(), h.err)
}
