package journey_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
)

// around runs a journey in which a node that may do nothing (Ask) stands before and after collection and the check.
func around(t *testing.T, in journey.Input, act runFunc) journey.Result {
	t.Helper()
	set := build(t, `
main entry=before
  before Ask yes=collect no=failure
  collect Collect next=between
  between Ask yes=check no=failure
  check Check yes=after no=after
  after Ask yes=success no=failure`, map[string]runFunc{"Ask": act})
	result, err := mainOf(t, set).Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// The attack: a node that declares nothing tries every door to the secrets.
func TestStateHidesSecretsFromNodesThatDoNotDeclareThem(t *testing.T) {
	calls, visits := 0, 0
	in := attempt(&calls)
	in.Parameters = url.Values{"password": {canary}, "code": {canary}, "client_secret": {canary}}
	in.User.Attributes = map[string]string{"mail": "demo@example.com"}
	in.User.Seed = []byte("sealed")
	in.Seed = func() ([]byte, error) { return []byte(canary), nil }
	around(t, in, func(ctx context.Context, s *journey.State) (string, error) {
		visits++
		if p, ok := s.Password(); ok || p != "" {
			t.Errorf("visit %d: the password is open", visits)
		}
		for name := range in.Parameters {
			if v, ok := s.Parameter(name); ok || v != "" {
				t.Errorf("visit %d: the parameter %q is open", visits, name)
			}
		}
		if ok, err := s.Verify(ctx); ok || err == nil {
			t.Errorf("visit %d: Verify = %t, %v", visits, ok, err)
		}
		answer, err := s.VerifyWith(ctx, source{name: "mine", check: func(_, password string) (journey.Answer, error) {
			t.Errorf("visit %d: VerifyWith gave %q", visits, password)
			return journey.Answer{Right: true}, nil
		}})
		if answer.Right || err == nil {
			t.Errorf("visit %d: VerifyWith = %+v, %v", visits, answer, err)
		}
		if code, err := s.VerifyCode("123456", func(seed []byte) (uint64, bool) {
			t.Errorf("visit %d: VerifyCode gave the seed %q", visits, seed)
			return 1, true
		}); code == journey.CodeRight || err == nil {
			t.Errorf("visit %d: VerifyCode = %v, %v", visits, code, err)
		}
		if s.CollectPassword(); s.User() != nil && (s.User().PasswordHash != "" || s.User().Seed != nil) || s.Client().SecretHash != "" || s.Client().PreviousSecretHash != "" {
			t.Errorf("visit %d: a hash or a seed is open", visits)
		}
		for _, text := range []string{fmt.Sprintf("%+v", s.User()), fmt.Sprintf("%+v", s.Client())} {
			if strings.Contains(text, "$hash$") || strings.Contains(text, canary) {
				t.Errorf("visit %d: a secret in %s", visits, text)
			}
		}
		if u := s.User(); u != nil {
			u.Enabled, u.Attributes["mail"] = false, "changed"
		}
		s.Client().ID = "changed"
		return "yes", nil
	})
	if visits != 3 || calls != 1 {
		t.Errorf("%d visits, %d calls", visits, calls)
	}
	if !in.User.Enabled || in.User.Attributes["mail"] != "demo@example.com" || in.User.PasswordHash != "$hash$" || string(in.User.Seed) != "sealed" || in.Client.ID != "batch" || in.Client.SecretHash != "$hash$" {
		t.Error("a node changed the input")
	}
}

// A page has no rights of its own, and its collectors only their own: the rights must also come back after them.
func TestStateRightsEndWithTheNode(t *testing.T) {
	calls := 0
	in := attempt(&calls)
	in.Parameters = url.Values{"page": {"p"}, "code": {"c"}, "hint": {""}}
	got := map[string]string{}
	look := func(at string, outcome string) runFunc {
		return func(_ context.Context, s *journey.State) (string, error) {
			for _, name := range []string{"page", "code", "hint"} {
				if v, ok := s.Parameter(name); ok {
					got[at] += name + "=" + v + " "
				}
			}
			if _, ok := s.Password(); ok {
				got[at] += "password "
			}
			return outcome, nil
		}
	}
	set := build(t, `
main entry=page
  page Page next=code nodes=CodePage,Collect
  code Code yes=inner no=failure
  inner Inner yes=ask no=failure settings=sub
  ask Ask yes=success no=failure
sub entry=check
  check Check yes=success no=failure`, map[string]runFunc{
		"CodePage": look("CodePage", "outcome"), "Code": look("Code", "yes"),
		"Check": look("Check", "yes"), "Ask": look("Ask", "yes"),
		"Inner": look("Inner, after its journey", "yes"),
	})
	if _, err := mainOf(t, set).Run(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"CodePage": "page=p ", "Code": "code=c ", "Check": "password "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
}

// A State that a node keeps is empty after the run.
func TestStateIsEmptyAfterTheRun(t *testing.T) {
	calls := 0
	var kept *journey.State
	set := build(t, simple, map[string]runFunc{"Check": func(ctx context.Context, s *journey.State) (string, error) {
		kept = s
		if p, ok := s.Password(); !ok || p != canary {
			t.Errorf("Password = %q, %t in a node that declares it", p, ok)
		}
		return check(ctx, s)
	}})
	got, err := mainOf(t, set).Run(t.Context(), attempt(&calls))
	if err != nil || !got.Success {
		t.Fatal(got, err)
	}
	if _, ok := kept.Password(); ok {
		t.Error("the password is open")
	}
	if _, err := kept.Verify(t.Context()); err == nil || calls != 1 {
		t.Errorf("Verify: error %v, %d calls", err, calls)
	}
	if text := fmt.Sprintf("%+v", kept); strings.Contains(text, canary) {
		t.Error("the password is still there")
	}
	if _, ok := kept.Username(); ok || kept.User() != nil || kept.Client() != nil || kept.Visits() != 0 {
		t.Error("the State is not empty")
	}
}

func TestStateTellsALockToPasswordReadersOnly(t *testing.T) {
	for _, locked := range []bool{true, false} {
		var asked, checked []bool
		calls := 0
		set := build(t, `
main entry=ask
  ask Ask yes=check no=failure
  check Check yes=inner no=inner
  inner Inner yes=success no=failure settings=sub
sub entry=ask
  ask Ask yes=success no=failure`, map[string]runFunc{
			"Ask": func(_ context.Context, s *journey.State) (string, error) {
				asked = append(asked, s.Locked())
				return "yes", nil
			},
			"Check": func(_ context.Context, s *journey.State) (string, error) {
				checked = append(checked, s.Locked())
				return "yes", nil
			},
		})
		in := attempt(&calls)
		in.Locked = locked
		if _, err := mainOf(t, set).Run(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]bool{{false, false}, {locked}}, [][]bool{asked, checked}); diff != "" {
			t.Error("(-want +got):\n" + diff)
		}
	}
}

func TestStateKnowsTheNameOnceCollected(t *testing.T) {
	calls, visits := 0, 0
	in := attempt(&calls)
	in.Scopes, in.Address = []string{"write"}, "192.0.2.1"
	around(t, in, func(_ context.Context, s *journey.State) (string, error) {
		visits++
		name, ok := s.Username()
		if want := visits > 1; ok != want || (name == "demo") != want || (s.User() != nil) != want {
			t.Errorf("visit %d: Username = %q, %t", visits, name, ok)
		}
		if s.Realm() != "/alpha" || s.Address() != "192.0.2.1" || !s.Now().Equal(in.Now) || s.Client().ID != "batch" || s.Scopes()[0] != "write" {
			t.Errorf("visit %d: the surroundings are wrong", visits)
		}
		s.Scopes()[0] = "changed"
		return "yes", nil
	})
	if in.Scopes[0] != "write" {
		t.Error("a node changed the scopes")
	}
}

func TestStateVisitsCountTheRunningNode(t *testing.T) {
	var visits []int
	calls := 0
	set := build(t, `
main entry=a
  a Pass next=b
  b Limit yes=a no=success`, map[string]runFunc{"Limit": func(_ context.Context, s *journey.State) (string, error) {
		visits = append(visits, s.Visits())
		return map[bool]string{true: "yes", false: "no"}[s.Visits() < 3], nil
	}})
	if _, err := mainOf(t, set).Run(t.Context(), attempt(&calls)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, visits); diff != "" {
		t.Error("(-want +got):\n" + diff)
	}
}

func TestStateReasons(t *testing.T) {
	for _, tt := range []struct {
		set  []string
		want string
	}{
		{nil, "journey_failed"},
		{[]string{"wrong_password"}, "wrong_password"},
		{[]string{"disabled", "unknown_user"}, "unknown_user"},
		{[]string{"locked"}, "locked"},
		{[]string{"expired"}, "expired"},
		{[]string{"user " + canary}, "journey_failed"},
		{[]string{"expired", "user " + canary}, "journey_failed"},
	} {
		calls := 0
		set := build(t, "main entry=a\n a Ask yes=success no=failure", map[string]runFunc{
			"Ask": func(_ context.Context, s *journey.State) (string, error) {
				for _, r := range tt.set {
					s.SetReason(r)
				}
				return "no", nil
			},
		})
		got, err := mainOf(t, set).Run(t.Context(), attempt(&calls))
		if err != nil || got.Reason != tt.want {
			t.Errorf("%q: reason %q, %v; want %q", tt.set, got.Reason, err, tt.want)
		}
	}
}
