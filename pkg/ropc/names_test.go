package ropc_test

import (
	"testing"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// Spellings of one name share one account of attempts and one lock: an alias does not double the guesses.
func TestSpellingsOfANameShareOneAccount(t *testing.T) {
	for _, tc := range []struct {
		name, account string
		spellings     []string
	}{
		{"an owner", "alice", []string{"alice", "Alice", "ALICE", "ａｌｉｃｅ", "ＡＬＩＣＥ"}},
		{"accents", "éva", []string{"éva", "e\u0301va", "ÉVA", "E\u0301VA", "Éva"}},
		{"a stranger", "", []string{"nobody", "Nobody", "NOBODY", "ｎｏｂｏｄｙ", "nObOdY"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			if tc.account != "" {
				s.owner(t, tc.account)
				for _, spelling := range tc.spellings {
					got, err := s.as(t, spelling, "right")
					if err != nil || got.trace.Username != tc.account {
						t.Fatalf("%q: %v, %v", spelling, got.trace, err)
					}
				}
			}
			for _, spelling := range tc.spellings {
				got, err := s.as(t, spelling, "wrong")
				refused(t, spelling, err, ropc.ErrInvalidGrant)
				if got.trace.Reason == audit.Locked {
					t.Errorf("%q: locked already", spelling)
				}
			}
			for _, spelling := range tc.spellings {
				got, err := s.as(t, spelling, "right")
				refused(t, spelling, err, ropc.ErrInvalidGrant)
				if got.trace.Reason != audit.Locked {
					t.Errorf("%q: %q", spelling, got.trace.Reason)
				}
			}
		})
	}
}

// What can be nobody's name is counted, locked and answered like a name that is nobody's.
func TestNamesThatCanBeNobodysAreCountedAlike(t *testing.T) {
	long := string(make([]byte, 4096))
	for _, name := range []string{"a b", " ", "alice\x00", "\u202eecila", "\xff", "ſ", "{alpha}:x y", long} {
		s := newSite(t)
		for range lockout.Threshold {
			got, err := s.as(t, name, "wrong")
			refused(t, name, err, ropc.ErrInvalidGrant)
			if got.trace.Reason != audit.UnknownUser {
				t.Fatalf("%q: reason %q", name, got.trace.Reason)
			}
		}
		got, err := s.as(t, name, "wrong")
		refused(t, name, err, ropc.ErrInvalidGrant)
		if _, all := s.hashes.count(); got.trace.Reason != audit.Locked || all != lockout.Threshold+1 {
			t.Errorf("%q: reason %q after %d hashes", name, got.trace.Reason, all)
		}
		if got.trace.Username != name[:min(len(name), 256)] {
			t.Errorf("%q is audited as %q", name, got.trace.Username)
		}
	}
}

// The account of an impossible name is one that no possible name has.
func TestImpossibleNamesTouchNobodysAccount(t *testing.T) {
	s := newSite(t)
	for range lockout.Threshold + 1 {
		for _, name := range []string{"demo ", " demo", "demo\n", "de\u00admo", "demo\u200b"} {
			_, err := s.as(t, name, "right")
			refused(t, name, err, ropc.ErrInvalidGrant)
		}
	}
	if got := s.user(t, "demo").Login.Failures; got != 0 {
		t.Errorf("%d failures", got)
	}
	if _, err := s.as(t, "demo", "right"); err != nil {
		t.Error(err)
	}
}
