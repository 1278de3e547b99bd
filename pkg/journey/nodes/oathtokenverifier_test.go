package nodes_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

// seed20, seed32 and seed64 are those of RFC 6238 appendix B.
var (
	seed20 = "12345678901234567890"
	seed32 = "12345678901234567890123456789012"
	seed64 = "1234567890123456789012345678901234567890123456789012345678901234"
)

// oath is a login with a one-time code, for a node that is reached with any password.
type oath struct {
	settings string
	code     string
	seed     string
	now      time.Time
	user     *realm.User
	change   func(in *journey.Input)
}

func (o oath) run(t *testing.T) (outcome string, result journey.Result, err error) {
	t.Helper()
	n := node{Type: "OATHTokenVerifier", Settings: o.settings, Outcomes: []string{"success", "failure", "not_registered"}}
	s, problems := set(t, n)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", o.settings, problems)
	}
	in := journey.Input{
		Username: "demo", Password: "any", User: o.user, Now: o.now,
		Parameters: url.Values{"totp": {o.code}},
		Verify:     func(context.Context, string) (bool, error) { return false, nil },
		Seed:       func() ([]byte, error) { return []byte(o.seed), nil },
	}
	if o.change != nil {
		o.change(&in)
	}
	j, _ := s.Journey("main")
	result, err = j.Run(t.Context(), in)
	for _, step := range result.Trail {
		if step.Node == "it" {
			outcome = step.Outcome
		}
	}
	return outcome, result, err
}

// codeOf is the code of a time step, by the library.
func codeOf(t *testing.T, step int64) string {
	t.Helper()
	code, err := hotp.GenerateCodeCustom("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestOATHTokenVerifierKnowsTheCodesOfRFC6238(t *testing.T) {
	for _, tt := range []struct {
		unix                 int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for algorithm, vector := range map[string][2]string{
			"SHA1": {seed20, tt.sha1}, "SHA256": {seed32, tt.sha256}, "SHA512": {seed64, tt.sha512},
		} {
			o := oath{
				settings: fmt.Sprintf(`{"digits":8,"algorithm":%q,"drift":0}`, algorithm),
				seed:     vector[0], code: vector[1], now: time.Unix(tt.unix, 0), user: &owner,
			}
			outcome, result, err := o.run(t)
			if err != nil || outcome != "success" || result.CodeStep != uint64(tt.unix/30*30) || result.WrongCode || result.Verified {
				t.Errorf("%s at %d: %s, %+v, %v", algorithm, tt.unix, outcome, result, err)
			}
			for i := range o.code { // every digit counts
				wrong := []byte(vector[1])
				wrong[i] = '0' + (wrong[i]-'0'+1)%10
				o.code = string(wrong)
				if outcome, result, err := o.run(t); err != nil || outcome != "failure" || !result.WrongCode || result.CodeStep != 0 {
					t.Errorf("%s at %d, %s: %s, %+v, %v", algorithm, tt.unix, wrong, outcome, result, err)
				}
			}
		}
	}
}

func TestOATHTokenVerifierOutcomes(t *testing.T) {
	const at = 1111111111
	right := codeOf(t, at/30)
	for _, tt := range []struct {
		name, want, reason string
		o                  oath
	}{
		{"right", "success", "", oath{code: right}},
		{"right in groups", "success", "", oath{code: " " + right[:3] + " " + right[3:] + " "}},
		{"wrong", "failure", "wrong_code", oath{code: "000000"}},
		{"missing", "failure", "no_code", oath{}},
		{"only spaces", "failure", "no_code", oath{code: "      "}},
		{"a digit less", "failure", "wrong_code", oath{code: right[:5]}},
		{"a digit more", "failure", "wrong_code", oath{code: right + "0"}},
		{"in tabs", "failure", "wrong_code", oath{code: right[:3] + "\t" + right[3:]}},
		{"signed", "failure", "wrong_code", oath{code: "+" + right[1:]}},
		{"Arabic-Indic digits", "failure", "wrong_code", oath{code: "٠٥٠٤٧١"}},
		{"huge", "failure", "wrong_code", oath{code: strings.Repeat("1", 1<<20)}},
		{"no seed", "not_registered", "journey_failed", oath{code: right, change: func(in *journey.Input) { in.Seed = nil }}},
		{"an empty seed", "not_registered", "journey_failed", oath{code: right, change: func(in *journey.Input) {
			in.Seed = func() ([]byte, error) { return nil, nil }
		}}},
		{"nobody", "not_registered", "unknown_user", oath{code: right, change: func(in *journey.Input) { in.User = nil }}},
		{"no seed and no code", "not_registered", "journey_failed", oath{change: func(in *journey.Input) { in.Seed = nil }}},
		{"of another seed", "failure", "wrong_code", oath{code: right, seed: seed32}},
		{"in another parameter", "failure", "no_code", oath{code: right, settings: `{"parameter":"otp"}`}},
		{"in a parameter of its own", "success", "", oath{settings: `{"parameter":"otp"}`, change: func(in *journey.Input) {
			in.Parameters = url.Values{"otp": {right}}
		}}},
		{"locked", "failure", "locked", oath{code: right, change: func(in *journey.Input) { in.Locked = true }}},
		{"rehearsed in groups", "success", "", oath{code: "123 456", change: func(in *journey.Input) {
			in.Rehearsal = &journey.Rehearsal{Code: "123456"}
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.now, tt.o.user = time.Unix(at, 0), &owner
			if tt.o.seed == "" {
				tt.o.seed = seed20
			}
			outcome, result, err := tt.o.run(t)
			if err != nil || outcome != tt.want || result.Reason != tt.reason || result.Success != (tt.want == "success") {
				t.Errorf("%s, %+v, %v; want %s, reason %q", outcome, result, err, tt.want, tt.reason)
			}
			if result.WrongCode != (tt.want == "failure") || result.Verified {
				t.Errorf("wrong code %t, verified %t", result.WrongCode, result.Verified)
			}
		})
	}
}

// A code counts from the first second of its step, less the drift, to the last one, plus the drift.
func TestOATHTokenVerifierDrift(t *testing.T) {
	const step, begin = 41152263, 41152263 * 30
	for drift := range int64(11) {
		for _, tt := range []struct {
			unix int64
			good bool
		}{
			{begin - drift*30 - 1, false},
			{begin - drift*30, true},
			{begin, true},
			{begin + 29, true},
			{begin + drift*30 + 29, true},
			{begin + drift*30 + 30, false},
		} {
			o := oath{
				settings: fmt.Sprintf(`{"drift":%d}`, drift), code: codeOf(t, step), seed: seed20, now: time.Unix(tt.unix, 999_999_999),
				user: &owner,
			}
			outcome, result, err := o.run(t)
			if want := map[bool]uint64{true: begin}[tt.good]; err != nil || (outcome == "success") != tt.good || result.CodeStep != want {
				t.Errorf("drift %d, %d s from its begin: %s, %d, %v", drift, tt.unix-begin, outcome, result.CodeStep, err)
			}
		}
	}
}

func TestOATHTokenVerifierPeriod(t *testing.T) {
	for _, period := range []time.Duration{15 * time.Second, 59 * time.Second, 5 * time.Minute} {
		seconds := int64(period / time.Second)
		now := time.Unix(1111111111, 0)
		step := now.Unix() / seconds
		o := oath{
			settings: fmt.Sprintf(`{"period":%s,"drift":0}`, period), code: codeOf(t, step), seed: seed20, now: now, user: &owner,
		}
		if outcome, result, err := o.run(t); err != nil || outcome != "success" || result.CodeStep != uint64(step*seconds) {
			t.Errorf("%s: %s, %+v, %v", period, outcome, result, err)
		}
	}
}

// The attack: who sees a code being used uses it again, or one that came before it.
func TestOATHTokenVerifierTakesACodeOnce(t *testing.T) {
	const present, begin = 41152263, 41152263 * 30
	for _, tt := range []struct {
		name       string
		code, used int64
		want       string
	}{
		{"first", present, 0, "success"},
		{"the same again", present, begin, "failure"},
		{"an older one", present - 1, begin, "failure"},
		{"the present one after one that was ahead", present, begin + 30, "failure"},
		{"the next one", present + 1, begin, "success"},
		{"the present one after an older one", present, begin - 30, "success"},
	} {
		o := oath{
			code: codeOf(t, tt.code), seed: seed20, now: time.Unix(begin, 0),
			user: &realm.User{Enabled: true, Login: realm.Login{CodeStep: uint64(tt.used)}},
		}
		if outcome, result, err := o.run(t); err != nil || outcome != tt.want || (result.CodeStep > 0) != (tt.want == "success") {
			t.Errorf("%s: %s, %+v, %v", tt.name, outcome, result, err)
		}
	}
}

// What was used with a short period does not outlaw the codes of a longer one for decades.
func TestOATHTokenVerifierCodesOutliveAChangeOfThePeriod(t *testing.T) {
	const now = 1111111111
	user := realm.User{Enabled: true}
	for i, seconds := range []int64{15, 300, 15, 30} {
		at := int64(now + i*600)
		o := oath{
			settings: fmt.Sprintf(`{"period":%ds}`, seconds), code: codeOf(t, at/seconds), seed: seed20,
			now: time.Unix(at, 0), user: &user,
		}
		outcome, result, err := o.run(t)
		if err != nil || outcome != "success" {
			t.Fatalf("%d s: %s, %+v, %v", seconds, outcome, result, err)
		}
		user.Login.CodeStep = result.CodeStep
	}
}

// Two steps with one code by chance: it is used up for the later one as well.
func TestOATHTokenVerifierTakesTheLaterOfTwoSteps(t *testing.T) {
	seen := map[string]int64{}
	for step := int64(1); ; step++ {
		code := codeOf(t, step)
		first, twice := seen[code]
		seen[code] = step
		if !twice || step-first > 20 { // the widest drift reaches both of 20 apart
			continue
		}
		o := oath{
			settings: `{"drift":10}`, code: code, seed: seed20, now: time.Unix((first+step)/2*30, 0), user: &owner,
		}
		outcome, result, err := o.run(t)
		if err != nil || outcome != "success" || result.CodeStep != uint64(step*30) {
			t.Errorf("steps %d and %d: %s, %+v, %v", first, step, outcome, result, err)
		}
		return
	}
}

// At the beginning of time there are no steps before: nothing is negative, and step 0 is none.
func TestOATHTokenVerifierNearTheEpoch(t *testing.T) {
	for _, tt := range []struct {
		unix, step int64
		want       string
	}{{0, 0, "failure"}, {0, -1, "failure"}, {29, 1, "success"}, {30, 1, "success"}, {59, 0, "failure"}, {-3600, 1, "failure"}} {
		o := oath{code: codeOf(t, tt.step), seed: seed20, now: time.Unix(tt.unix, 0), user: &owner}
		if outcome, result, err := o.run(t); err != nil || outcome != tt.want {
			t.Errorf("%d: %s, %+v, %v", tt.unix, outcome, result, err)
		}
	}
}

func TestOATHTokenVerifierReturnsFaults(t *testing.T) {
	down := errors.New("down")
	o := oath{code: "123456", now: now, user: &owner, change: func(in *journey.Input) {
		in.Seed = func() ([]byte, error) { return nil, down }
	}}
	if outcome, result, err := o.run(t); !errors.Is(err, down) || outcome != "" || result.WrongCode {
		t.Errorf("%s, %+v, %v", outcome, result, err)
	}
}

func TestOATHTokenVerifierRefusesWrongSettings(t *testing.T) {
	const (
		digits    = "digits: must be 6 or 8"
		period    = "period: must be from 15s to 5m, in whole seconds"
		algorithm = "algorithm: must be SHA1, SHA256 or SHA512"
		drift     = "drift: must be from 0 to 10"
		parameter = "parameter: must be 1 to 64 letters, digits and any of _ . -"
	)
	refuses(t, "OATHTokenVerifier", map[string]string{
		`{"digits":0}`:         digits,
		`{"digits":7}`:         digits,
		`{"digits":-6}`:        digits,
		`{"period":0s}`:        period,
		`{"period":14s}`:       period,
		`{"period":301s}`:      period,
		`{"period":30500ms}`:   period,
		`{"algorithm":""}`:     algorithm,
		`{"algorithm":"MD5"}`:  algorithm,
		`{"algorithm":"sha1"}`: algorithm,
		`{"drift":-1}`:         drift,
		`{"drift":11}`:         drift,
		`{"parameter":""}`:     parameter,
		`{"parameter":"a b"}`:  parameter,
		`{"parameter":"` + strings.Repeat("a", 65) + `"}`: parameter,
		`{"parameter":"password"}`:                        `the parameter "password" belongs to the protocol`,
		`{"parameter":"client_secret"}`:                   `the parameter "client_secret" belongs to the protocol`,
	})
}

// Whatever stands in the parameter: only the very digits of the code are right.
func FuzzOATHTokenVerifierCode(f *testing.F) {
	for _, seed := range []string{"", "050471", "050 471", " 0 5 0 4 7 1 ", "050471\x00", "050-471", "050\u00a0471", "０５０４７１", "14050471", "-50471"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := oath{code: text, settings: `{"drift":0}`, seed: seed20, now: time.Unix(1111111111, 0), user: &owner}
		want := "failure"
		if strings.ReplaceAll(text, " ", "") == "050471" {
			want = "success"
		}
		if outcome, result, err := o.run(t); err != nil || outcome != want {
			t.Errorf("%q: %s, %+v, %v", text, outcome, result, err)
		}
	})
}
