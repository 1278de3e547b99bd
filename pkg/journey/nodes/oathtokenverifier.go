package nodes

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/ropcd/ropcd/pkg/journey"
)

// OATHTokenVerifier judges the one-time code of the owner's authenticator (TOTP, RFC 6238), which comes as one more
// parameter of the request. AM's OathTokenVerifierNode asks for it on a page: that one is known as interactive, and never
// runs here.
//
// Digits, period and algorithm must be those that the owner was enrolled with; the owner's record holds the seed alone.
// It is a second factor: that a code was right verifies nobody, so it stands behind the comparison of the password.
type OATHTokenVerifier struct {
	// Digits is how many a code has, 6 or 8; 6 if it is left out.
	Digits int `yaml:"digits"`
	// Period is how long the authenticator shows a code, from 15s to 5m in whole seconds; 30s if it is left out.
	Period time.Duration `yaml:"period"`
	// Algorithm is SHA1, SHA256 or SHA512; SHA1 if it is left out, which is all that many authenticators know. Nothing
	// that is known of SHA-1 weakens it here.
	Algorithm string `yaml:"algorithm"`
	// Drift is how many periods before and after the present one count as well, from 0 to 10; 1 if it is left out. Each
	// of them makes a guess twice as likely to hit.
	Drift int `yaml:"drift"`
	// Parameter is the name of the request's parameter, "totp" if it is left out.
	Parameter string `yaml:"parameter"`
}

// NewOATHTokenVerifier is what is left out: every setting with its default. Owners are enrolled with it too, unless it is
// said otherwise.
func NewOATHTokenVerifier() *OATHTokenVerifier {
	return &OATHTokenVerifier{
		Digits: int(otp.DigitsSix), Period: 30 * time.Second, Algorithm: "SHA1", Drift: 1, Parameter: "totp",
	}
}

const (
	outcomeSuccess       = "success"
	outcomeFailure       = "failure"
	outcomeNotRegistered = "not_registered"

	minPeriod, maxPeriod = 15 * time.Second, 5 * time.Minute
	maxDrift             = 10
)

var (
	oathAlgorithms = map[string]otp.Algorithm{
		"SHA1": otp.AlgorithmSHA1, "SHA256": otp.AlgorithmSHA256, "SHA512": otp.AlgorithmSHA512,
	}
	parameterName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

// Outcomes are "success" (the code is right), "failure" (wrong, missing, or used before) and "not_registered" (the owner
// has no seed, or there is no such owner).
func (*OATHTokenVerifier) Outcomes() []string {
	return []string{outcomeSuccess, outcomeFailure, outcomeNotRegistered}
}

// ReadsSeed is true: it computes the codes from it.
func (*OATHTokenVerifier) ReadsSeed() bool { return true }

// Parameters is the one that the code comes in.
func (v *OATHTokenVerifier) Parameters() []string { return []string{v.Parameter} }

// Open fails for a setting out of range.
func (v *OATHTokenVerifier) Open(journey.Env) (journey.Node, error) {
	if err := v.CheckCodes(); err != nil {
		return nil, err
	}
	switch {
	case v.Drift < 0 || v.Drift > maxDrift:
		return nil, fmt.Errorf("drift: must be from 0 to %d", maxDrift)
	case !parameterName.MatchString(v.Parameter):
		return nil, errors.New("parameter: must be 1 to 64 letters, digits and any of _ . -")
	}
	return oathToken{
		parameter: v.Parameter, period: int64(v.Period / time.Second), drift: int64(v.Drift),
		codes: hotp.ValidateOpts{Digits: otp.Digits(v.Digits), Algorithm: oathAlgorithms[v.Algorithm]},
	}, nil
}

// CheckCodes reports what is wrong with digits, period and algorithm, which the authenticator has to share.
func (v *OATHTokenVerifier) CheckCodes() error {
	_, known := oathAlgorithms[v.Algorithm]
	switch {
	case v.Digits != int(otp.DigitsSix) && v.Digits != int(otp.DigitsEight):
		return errors.New("digits: must be 6 or 8")
	case v.Period < minPeriod || v.Period > maxPeriod || v.Period%time.Second != 0:
		return errors.New("period: must be from 15s to 5m, in whole seconds")
	case !known:
		return errors.New("algorithm: must be SHA1, SHA256 or SHA512")
	}
	return nil
}

type oathToken struct {
	parameter     string
	period, drift int64
	codes         hotp.ValidateOpts
}

func (o oathToken) Run(_ context.Context, s *journey.State) (string, error) {
	text, _ := s.Parameter(o.parameter)
	code := strings.ReplaceAll(text, " ", "") // people type "123 456"
	var fault error
	judged, err := s.VerifyCode(code, func(seed []byte) (begin uint64, ok bool) {
		begin, fault = o.find(seed, code, s.Now().Unix())
		return begin, begin > 0
	})
	switch {
	case err != nil:
		return "", err
	case fault != nil:
		return "", fault
	}
	switch judged {
	case journey.CodeRight:
		return outcomeSuccess, nil
	case journey.CodeNone:
		if s.User() == nil {
			s.SetReason(journey.ReasonUnknownUser)
		}
		return outcomeNotRegistered, nil
	case journey.CodeUsed:
		s.SetReason(journey.ReasonCodeUsed)
	case journey.CodeWrong:
		s.SetReason(journey.ReasonWrongCode)
		if code == "" {
			s.SetReason(journey.ReasonNoCode)
		}
	}
	return outcomeFailure, nil
}

// find is the second at which the time step of the code begins, or 0 if the code is of none that counts now. The second
// stands for the step's number, so that what was used stays comparable when the period changes. If two steps have the
// same code by chance it is the later one, so that the code is used up for both.
//
// All steps are computed and compared, wherever the code is found: the time tells nothing.
func (o oathToken) find(seed []byte, code string, now int64) (begin uint64, err error) {
	secret := base32.StdEncoding.EncodeToString(seed)
	present := now / o.period
	for step := max(present-o.drift, 1); step <= present+o.drift; step++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), o.codes)
		if err != nil {
			return 0, fmt.Errorf("compute one-time code: %w", err)
		}
		found := -uint64(subtle.ConstantTimeCompare([]byte(want), []byte(code))) // all bits, or none
		begin = begin&^found | uint64(step*o.period)&found
	}
	return begin, nil
}
