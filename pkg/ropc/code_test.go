package ropc_test

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/pkg/token"
)

// askCode takes the seed for the code of step 42, and the seed with "+" for that of step 43.
func askCode(_ context.Context, s *journey.State) (string, error) {
	code, _ := s.Parameter("totp")
	judged, err := s.VerifyCode(code, func(seed []byte) (uint64, bool) {
		switch code {
		case string(seed):
			return 42, true
		case string(seed) + "+":
			return 43, true
		}
		return 0, false
	})
	if judged != journey.CodeRight {
		s.SetReason(journey.ReasonWrongCode)
		return "false", err
	}
	return "true", err
}

func (s *site) seeds(t *testing.T, secrets ...string) *token.Sealer {
	t.Helper()
	var list [][]byte
	for _, secret := range secrets {
		list = append(list, bytes.Repeat([]byte(secret), token.MinSecret))
	}
	all, err := token.NewSecrets(list...)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := all.Sealer("test")
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

// enrolled is an owner with the seed "123456".
func enrolled(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.change(t, "demo", func(u *realm.User) { u.Seed = s.seeds(t, "a").Seal(u.Realm, u.ID, []byte("123456")) })
	return s
}

func (s *site) withCode(t testing.TB, name, secret, code, chain string) (reply, error) {
	t.Helper()
	return s.ask(t, passwordForm("username", name, "password", secret, "totp", code, "auth_chain", chain))
}

func TestCodeIsGoodOnce(t *testing.T) {
	s := enrolled(t)
	if _, err := s.withCode(t, "demo", "right", "123456", "Code"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, code string }{{"again", "123456"}, {"wrong", "123450"}, {"none", ""}} {
		got, err := s.withCode(t, "demo", "right", tc.code, "Code")
		refused(t, tc.name, err, ropc.ErrInvalidGrant)
		if got.trace.Reason != audit.WrongCode {
			t.Errorf("%s: reason %q", tc.name, got.trace.Reason)
		}
	}
	if got := s.user(t, "demo").Login; got.Failures != 3 || got.CodeStep != 42 {
		t.Errorf("account %+v", got)
	}
	if _, err := s.withCode(t, "demo", "right", "123456+", "Code"); err != nil {
		t.Error(err)
	}
	_, err := s.withCode(t, "demo", "right", "123456", "Code")
	refused(t, "an older one", err, ropc.ErrInvalidGrant)
	s.settled(t, "demo")
}

// The attack: one code, many requests at once.
func TestParallelUsesOfACodeGiveOneGrant(t *testing.T) {
	s := enrolled(t)
	s.realm.Lockout.Threshold = 1000
	var wg sync.WaitGroup
	var granted atomic.Int32
	for range 30 {
		wg.Go(func() {
			if _, err := s.withCode(t, "demo", "right", "123456", "Code"); err == nil {
				granted.Add(1)
			}
		})
	}
	wg.Wait()
	grants, err := s.GrantsOf(t.Context(), "/alpha", "demo")
	if granted.Load() != 1 || len(grants) != 1 || err != nil {
		t.Errorf("%d tokens, %d grants, %v", granted.Load(), len(grants), err)
	}
	s.settled(t, "demo")
}

// The attack: guessing codes with a known password. Each guess is charged, also when a fault follows it.
func TestGuessesOfACodeAreCharged(t *testing.T) {
	for _, chain := range []string{"Code", "CodeFault"} {
		s := enrolled(t)
		for range 5 {
			_, err := s.withCode(t, "demo", "right", "000000", chain)
			refused(t, chain, err, ropc.ErrInvalidGrant)
		}
		got, err := s.withCode(t, "demo", "right", "123456", chain)
		refused(t, chain+", locked", err, ropc.ErrInvalidGrant)
		if got.trace.Reason != audit.Locked {
			t.Errorf("%s: reason %q", chain, got.trace.Reason)
		}
	}
	s := enrolled(t)
	for range 4 { // and logins in between, where no code is asked for, forgive none
		_, err := s.withCode(t, "demo", "right", "000000", "Code")
		refused(t, "wrong code", err, ropc.ErrInvalidGrant)
		if _, err := s.ask(t, passwordForm("username", "demo", "password", "right")); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.withCode(t, "demo", "right", "000000", "Code")
	refused(t, "the fifth", err, ropc.ErrInvalidGrant)
	if got, err := s.withCode(t, "demo", "right", "123456", "Code"); err == nil || got.trace.Reason != audit.Locked {
		t.Errorf("after five guesses: %v %+v", err, got.trace)
	}
	// A right code before a fault charges nobody, and is not used up.
	s = enrolled(t)
	_, err = s.withCode(t, "demo", "right", "123456", "CodeFault")
	refused(t, "fault", err, ropc.ErrInternal)
	if got := s.user(t, "demo").Login; got.Failures != 0 || got.CodeStep != 0 {
		t.Errorf("account %+v", got)
	}
}

func TestNobodyHasASeedByChance(t *testing.T) {
	s := enrolled(t)
	s.owner(t, "plain")
	_, err := s.withCode(t, "plain", "right", "123456", "Code")
	refused(t, "no seed", err, ropc.ErrInvalidGrant)
	// A seed that was moved from another owner's record opens nothing.
	s.change(t, "plain", func(u *realm.User) { u.Seed = s.user(t, "demo").Seed })
	_, err = s.withCode(t, "plain", "right", "123456", "Code")
	refused(t, "another's seed", err, ropc.ErrInternal)
}

// When the system secrets rotate, a login seals the seed anew.
func TestSeedIsSealedAnew(t *testing.T) {
	s := enrolled(t)
	l, _ := s.login.(*ropc.Login)
	l.Seeds = s.seeds(t, "b", "a")
	if _, err := s.withCode(t, "demo", "right", "123456", "Code"); err != nil {
		t.Fatal(err)
	}
	l.Seeds = s.seeds(t, "b")
	if _, err := s.withCode(t, "demo", "right", "123456+", "Code"); err != nil {
		t.Errorf("the old secret is still needed: %v", err)
	}
}
