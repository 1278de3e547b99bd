package journey_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/ropcd/ropcd/pkg/journey"
)

const withCode = `
main entry=collect strict
  collect Collect next=check
  check Check yes=code no=failure
  code Totp yes=success no=failure`

// totp judges the parameter "code": the seed is the code, and its step is 42.
func totp(t *testing.T, want ...journey.Code) runFunc {
	return func(_ context.Context, s *journey.State) (string, error) {
		code, _ := s.Parameter("code")
		got, err := s.VerifyCode(code, func(seed []byte) (uint64, bool) { return 42, string(seed) == code })
		if err != nil {
			return "", err
		}
		if len(want) > 0 && got != want[0] {
			t.Errorf("judged %v, want %v", got, want[0])
		}
		if got != journey.CodeRight {
			s.SetReason(journey.ReasonWrongCode)
			return "no", nil
		}
		return "yes", nil
	}
}

func codeAttempt(code string) journey.Input {
	calls := 0
	in := attempt(&calls)
	in.Parameters = url.Values{"code": {code}}
	in.Seed = func() ([]byte, error) { return []byte("123456"), nil }
	return in
}

func TestVerifyCodeJudges(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(in *journey.Input)
		want   journey.Code
		step   uint64
		wrong  bool
	}{
		{"right", nil, journey.CodeRight, 42, false},
		{"wrong", func(in *journey.Input) { in.Parameters.Set("code", "123457") }, journey.CodeWrong, 0, true},
		{"missing", func(in *journey.Input) { in.Parameters = nil }, journey.CodeWrong, 0, true},
		{"used before", func(in *journey.Input) { in.User.Login.CodeStep = 42 }, journey.CodeUsed, 0, true},
		{"older than one that was used", func(in *journey.Input) { in.User.Login.CodeStep = 43 }, journey.CodeUsed, 0, true},
		{"newer than the last", func(in *journey.Input) { in.User.Login.CodeStep = 41 }, journey.CodeRight, 42, false},
		{"no seed", func(in *journey.Input) { in.Seed = func() ([]byte, error) { return nil, nil } }, journey.CodeNone, 0, false},
		{"no seeds at all", func(in *journey.Input) { in.Seed = nil }, journey.CodeNone, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := codeAttempt("123456")
			if tt.change != nil {
				tt.change(&in)
			}
			j := mainOf(t, build(t, withCode, map[string]runFunc{"Totp": totp(t, tt.want)}))
			got, err := j.Run(t.Context(), in)
			if err != nil || got.CodeStep != tt.step || got.WrongCode != tt.wrong || got.Success != (tt.want == journey.CodeRight) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// A locked attempt, and one of nobody, learn nothing of a code, and use none up.
func TestVerifyCodeOfALockedAttemptIsWrong(t *testing.T) {
	const first = "main entry=collect\n collect Collect next=code\n code Totp yes=success no=failure"
	in := codeAttempt("123456")
	in.Locked = true
	j := mainOf(t, build(t, first, map[string]runFunc{"Totp": totp(t, journey.CodeWrong)}))
	if got, err := j.Run(t.Context(), in); err != nil || got.CodeStep != 0 || got.Success {
		t.Errorf("locked: %+v, %v", got, err)
	}
	in = codeAttempt("123456")
	in.User = nil
	j = mainOf(t, build(t, first, map[string]runFunc{"Totp": totp(t, journey.CodeNone)}))
	if got, err := j.Run(t.Context(), in); err != nil || got.CodeStep != 0 || got.Success {
		t.Errorf("nobody: %+v, %v", got, err)
	}
}

// The attack: a journey that asks again and again must not let a request try more than one code.
func TestVerifyCodeIsJudgedOnceARun(t *testing.T) {
	tries := 0
	j := mainOf(t, build(t, withCode, map[string]runFunc{"Totp": func(_ context.Context, s *journey.State) (string, error) {
		for _, code := range []string{"000000", "123456"} {
			got, err := s.VerifyCode(code, func(seed []byte) (uint64, bool) {
				tries++
				return 42, string(seed) == code
			})
			if err != nil || got != journey.CodeWrong {
				t.Errorf("%s: %v, %v", code, got, err)
			}
		}
		return "no", nil
	}}))
	if got, err := j.Run(t.Context(), codeAttempt("")); err != nil || !got.WrongCode || tries != 1 {
		t.Errorf("%+v, %v, %d tries", got, err, tries)
	}
}

// A fault of the seed is neither yes nor no.
func TestVerifyCodeFault(t *testing.T) {
	in := codeAttempt("123456")
	in.Seed = func() ([]byte, error) { return nil, errDown }
	j := mainOf(t, build(t, withCode, map[string]runFunc{"Totp": totp(t)}))
	if got, err := j.Run(t.Context(), in); err == nil || got.WrongCode || got.CodeStep != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// A rehearsal touches neither source nor seed, and a test that says nothing is not passed.
func TestRehearsalStandsInForWhatIsOutside(t *testing.T) {
	spent := 0
	outside := source{name: "ldap://a", spent: &spent, check: func(string, string) (journey.Answer, error) {
		t.Error("the directory was asked")
		return journey.Answer{}, nil
	}}
	j := mainOf(t, build(t, withCode, map[string]runFunc{
		"Check": func(ctx context.Context, s *journey.State) (string, error) {
			a, err := s.VerifyWith(ctx, outside)
			return map[bool]string{true: "yes", false: "no"}[a.Right], err
		},
		"Totp": totp(t),
	}))
	for _, tt := range []struct {
		name      string
		rehearsal journey.Rehearsal
		success   bool
		fault     bool
	}{
		{"all is right", journey.Rehearsal{Sources: map[string]journey.Answer{"check": {Right: true}}, Code: "123456"}, true, false},
		{"wrong password", journey.Rehearsal{Sources: map[string]journey.Answer{"check": {}}, Code: "123456"}, false, false},
		{"wrong code", journey.Rehearsal{Sources: map[string]journey.Answer{"check": {Right: true}}, Code: "654321"}, false, false},
		{"no seed", journey.Rehearsal{Sources: map[string]journey.Answer{"check": {Right: true}}}, false, false},
		{"nothing said", journey.Rehearsal{Code: "123456"}, false, true},
	} {
		in := codeAttempt("123456")
		in.Seed = func() ([]byte, error) { t.Error("the seed was opened"); return nil, nil }
		in.Rehearsal = &tt.rehearsal
		locked := in
		locked.Locked = true
		if got, err := j.Run(t.Context(), locked); err != nil || got.Success || got.Reason != journey.ReasonLocked || spent != 0 {
			t.Errorf("%s, locked: %+v, %v, %d refusals", tt.name, got, err, spent)
		}
		got, err := j.Run(t.Context(), in)
		if got.Success != tt.success || (err != nil) != tt.fault {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}
