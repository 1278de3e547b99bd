package password_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/password"
)

func set(tb testing.TB, h ...password.Hasher) *password.Set {
	tb.Helper()
	s, err := password.NewSet(h[0], h[1:]...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func mustHash(tb testing.TB, h interface{ Hash([]byte) (string, error) }, typed string) string {
	tb.Helper()
	encoded, err := h.Hash([]byte(typed))
	if err != nil {
		tb.Fatal(err)
	}
	return encoded
}

const (
	composed   = "p\u00e4sswort"  // ä
	decomposed = "pa\u0308sswort" // a and two dots
)

func TestSetKnowsHashesMadeElsewhere(t *testing.T) {
	s := set(t, hashers...)
	for _, v := range vectors(t) {
		ok, rehash, err := s.Verify(v.password, v.encoded)
		if !ok || err != nil {
			t.Errorf("Verify(%s) = %t, %v", v.encoded, ok, err)
		}
		if ok, again, err := s.Verify(v.password, rehash); !ok || again != "" || err != nil {
			t.Errorf("the new form %q of %s: %t, %q, %v", rehash, v.encoded, ok, again, err)
		}
		if ok, rehash, err := s.Verify(v.password+".", v.encoded); ok || rehash != "" || err != nil {
			t.Errorf("wrong password for %s: %t, %q, %v", v.encoded, ok, rehash, err)
		}
	}
}

func TestOwnHashesCountOpaqueStringImportedOnesTheBytes(t *testing.T) {
	h := password.PBKDF2{Iterations: 1}
	s := set(t, h)
	own, err := s.Hash(decomposed)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(own, "{o}$pbkdf2-sha256$1$") {
		t.Errorf("own hash is %s", own)
	}
	tests := []struct {
		name, encoded, typed string
		want                 bool
	}{
		{"own, same keys", own, decomposed, true},
		{"own, other keyboard", own, composed, true},
		{"own, other case", own, strings.ToUpper(composed), false},
		{"own, space kept", own, composed + " ", false},
		{"imported, same bytes", mustHash(t, h, decomposed), decomposed, true},
		{"imported, other bytes", mustHash(t, h, decomposed), composed, false},
		{"imported with a tab", mustHash(t, h, "a\tb"), "a\tb", true},
		{"own prefix lost", strings.TrimPrefix(own, "{o}"), decomposed, false},
		{"own prefix lost, composed", strings.TrimPrefix(own, "{o}"), composed, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if ok, _, err := s.Verify(tt.typed, tt.encoded); ok != tt.want || err != nil {
				t.Errorf("Verify = %t, %v, want %t", ok, err, tt.want)
			}
		})
	}
}

func TestOpaqueStringMapsSpacesOnly(t *testing.T) {
	s := set(t, hashers...)
	own, err := s.Hash("a b")
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]bool{"a\u00a0b": true, "a b": true, "ab": false, "a  b": false} {
		if ok, _, err := s.Verify(typed, own); ok != want || err != nil {
			t.Errorf("Verify(%q) = %t, %v, want %t", typed, ok, err, want)
		}
	}
}

func TestUsableIsWhatCanBeRight(t *testing.T) {
	for _, tt := range unusable {
		if got := password.Usable(tt.password); got != tt.own {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
	if !password.Usable(strings.Repeat("x", password.MaxPassword)) {
		t.Error("the longest is not")
	}
}

var unusable = []struct {
	name, password string
	own            bool // refused for own hashes only
}{
	{"empty", "", false},
	{"1025 bytes", strings.Repeat("x", password.MaxPassword+1), false},
	{"a megabyte", strings.Repeat("x", 1<<20), false},
	{"NUL", "secret\x00", false},
	{"NUL alone", "\x00", false},
	{"not UTF-8", "secret\xff", false},
	{"surrogate", "\xed\xa0\x80", false},
	{"tab", "sec\tret", true},
	{"line end", "secret\n", true},
	{"zero width space", "secret\u200b", true},
	{"unassigned", "secret\u0378", true},
	{"private use", "secret\ue000", true},
}

func TestUnusablePasswordsAreWrong(t *testing.T) {
	for _, preferred := range hashers {
		s := set(t, preferred)
		own, err := s.Hash("secret")
		if err != nil {
			t.Fatal(err)
		}
		// The placeholder's hash: what an unusable password is replaced with.
		for _, encoded := range []string{own, mustHash(t, preferred, "secret"), mustHash(t, preferred, "no password"), "{o}" + mustHash(t, preferred, "no password")} {
			for _, tt := range unusable {
				if ok, rehash, err := s.Verify(tt.password, encoded); ok || rehash != "" || err != nil {
					t.Errorf("%s: Verify(%s) = %t, %q, %v", tt.name, encoded, ok, rehash, err)
				}
			}
		}
		for _, tt := range unusable {
			if _, err := s.Hash(tt.password); !errors.Is(err, password.ErrPassword) {
				t.Errorf("%s: Hash: %v", tt.name, err)
			}
		}
	}
	if _, err := set(t, password.Bcrypt{Cost: 4}).Hash(strings.Repeat("x", 73)); !errors.Is(err, password.ErrPassword) {
		t.Errorf("bcrypt: Hash of 73 bytes: %v", err)
	}
}

func TestLongestPasswordIsUsable(t *testing.T) {
	s := set(t, hashers...)
	for _, longest := range []string{"1", strings.Repeat("x", password.MaxPassword), strings.Repeat("ä", password.MaxPassword/2)} {
		own, err := s.Hash(longest)
		if err != nil {
			t.Fatal(err)
		}
		if ok, _, err := s.Verify(longest, own); !ok || err != nil {
			t.Errorf("Verify of %d bytes = %t, %v", len(longest), ok, err)
		}
	}
}

// watched is a hasher that notes what it is asked to compute.
type watched struct {
	password.Hasher
	calls *[]string
}

func (w watched) Verify(p []byte, encoded string) (bool, error) {
	*w.calls = append(*w.calls, w.Name()+" verify")
	return w.Hasher.Verify(p, encoded)
}

func (w watched) Hash(p []byte) (string, error) {
	*w.calls = append(*w.calls, w.Name()+" hash")
	return w.Hasher.Hash(p)
}

func TestWorkDoesNotDependOnTheAnswer(t *testing.T) {
	preferred, old := password.PBKDF2{Iterations: 1}, password.Bcrypt{Cost: 4}
	var calls []string
	s := set(t, watched{preferred, &calls}, watched{old, &calls})
	tests := []struct {
		name, encoded string
		want          []string
	}{
		{"own", "{o}" + mustHash(t, preferred, "secret"), []string{"pbkdf2 verify"}},
		{"own, older parameters", "{o}" + mustHash(t, password.PBKDF2{Iterations: 2}, "secret"), []string{"pbkdf2 verify", "pbkdf2 hash"}},
		{"own, other algorithm", "{o}" + mustHash(t, old, "secret"), []string{"bcrypt verify", "pbkdf2 hash"}},
		{"imported and current", mustHash(t, preferred, "secret"), []string{"pbkdf2 verify"}},
		{"imported", mustHash(t, old, "secret"), []string{"bcrypt verify", "pbkdf2 hash"}},
		{"imported, older parameters", mustHash(t, password.PBKDF2{Iterations: 2}, "secret"), []string{"pbkdf2 verify", "pbkdf2 hash"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			typed := []string{"secret", "Secret", decomposed}
			for _, u := range unusable {
				typed = append(typed, u.password)
			}
			for _, p := range typed {
				calls = nil
				ok, rehash, err := s.Verify(p, tt.encoded)
				if ok != (p == "secret") || err != nil || !ok && rehash != "" {
					t.Errorf("Verify(%.20q) = %t, %q, %v", p, ok, rehash, err)
				}
				if diff := cmp.Diff(tt.want, calls); diff != "" {
					t.Errorf("work for %.20q (-want +got):\n%s", p, diff)
				}
			}
		})
	}
	for _, p := range []string{"secret", "", "tab\t", strings.Repeat("x", 2000)} {
		calls = nil
		s.Decoy(p)
		if diff := cmp.Diff([]string{"pbkdf2 verify"}, calls); diff != "" {
			t.Errorf("decoy for %.20q (-want +got):\n%s", p, diff)
		}
	}
}

func TestVerifyRenewsWhatIsNotCurrent(t *testing.T) {
	preferred, old := password.PBKDF2{Iterations: 1}, password.Bcrypt{Cost: 4}
	s := set(t, preferred, old)
	imported := mustHash(t, preferred, "secret")
	tests := []struct {
		name, typed, encoded string
		renewed              bool
	}{
		{"own and current", "secret", "{o}" + imported, false},
		{"own, older parameters", "secret", "{o}" + mustHash(t, password.PBKDF2{Iterations: 2}, "secret"), true},
		{"own, other algorithm", "secret", "{o}" + mustHash(t, old, "secret"), true},
		{"imported, other algorithm", "secret", mustHash(t, old, "secret"), true},
		{"imported, current, other spelling", decomposed, mustHash(t, preferred, decomposed), false},
		{"imported, OpaqueString refuses it", "a\tb", mustHash(t, old, "a\tb"), false},
		{"imported, current, OpaqueString refuses it", "a\tb", mustHash(t, preferred, "a\tb"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ok, rehash, err := s.Verify(tt.typed, tt.encoded)
			if !ok || err != nil {
				t.Fatalf("Verify = %t, %v", ok, err)
			}
			if (rehash != "") != tt.renewed {
				t.Fatalf("rehash is %q", rehash)
			}
			if rehash == "" {
				return
			}
			if !strings.HasPrefix(rehash, "{o}$pbkdf2-sha256$1$") || rehash == "{o}"+tt.encoded {
				t.Errorf("rehash is %s", rehash)
			}
			if ok, again, err := s.Verify(tt.typed, rehash); !ok || again != "" || err != nil {
				t.Errorf("the new form: %t, %q, %v", ok, again, err)
			}
		})
	}
	if _, rehash, _ := s.Verify("secret", imported); rehash != "{o}"+imported {
		t.Errorf("current import was not adopted as it is: %q", rehash)
	}
	long := strings.Repeat("x", 73)
	if ok, rehash, err := set(t, old, preferred).Verify(long, mustHash(t, preferred, long)); !ok || rehash != "" || err != nil {
		t.Errorf("password that bcrypt can't take: %t, %q, %v", ok, rehash, err)
	}
}

func TestDecoyIsNobodysPassword(t *testing.T) {
	var calls []string
	spy := verdicts{watched{password.PBKDF2{Iterations: 1}, &calls}, new([]bool)}
	s := set(t, spy)
	for _, p := range []string{"no password", "", "\x00", "secret"} {
		s.Decoy(p)
	}
	if diff := cmp.Diff([]bool{false, false, false, false}, *spy.seen); diff != "" {
		t.Error(diff)
	}
}

// verdicts notes what Verify answered.
type verdicts struct {
	password.Hasher
	seen *[]bool
}

func (v verdicts) Verify(p []byte, encoded string) (bool, error) {
	ok, err := v.Hasher.Verify(p, encoded)
	*v.seen = append(*v.seen, ok)
	return ok, err
}

// stranger makes hashes that it does not recognise.
type stranger struct{ password.PBKDF2 }

func (stranger) Current(string) bool { return false }

func TestNewSetRefuses(t *testing.T) {
	h := password.PBKDF2{Iterations: 1}
	tests := []struct {
		name    string
		hashers []password.Hasher
	}{
		{"nil", []password.Hasher{nil}},
		{"nil among the others", []password.Hasher{h, nil}},
		{"one name twice", []password.Hasher{h, password.PBKDF2{Iterations: 2}}},
		{"parameters out of bounds", []password.Hasher{password.Bcrypt{Cost: 31}}},
		{"not its own hash", []password.Hasher{stranger{h}}},
	}
	for _, tt := range tests {
		if s, err := password.NewSet(tt.hashers[0], tt.hashers[1:]...); err == nil || s != nil {
			t.Errorf("%s: NewSet = %v, %v", tt.name, s, err)
		}
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	s := set(t, hashers...)
	encoded := strings.Replace(mustHash(t, hashers[0], "canary"), "m=8", "m=9999999", 1)
	_, _, err := s.Verify("canary", encoded)
	if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), encoded[40:]) {
		t.Errorf("error is %v", err)
	}
}

func TestSetIsSafeForConcurrentUse(t *testing.T) {
	s := set(t, hashers...)
	own, err := s.Hash(composed)
	if err != nil {
		t.Fatal(err)
	}
	old := mustHash(t, password.Bcrypt{Cost: 4}, decomposed)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				s.Decoy(composed)
				if ok, _, err := s.Verify(decomposed, own); !ok || err != nil {
					t.Errorf("own: %t, %v", ok, err)
				}
				if ok, _, err := s.Verify(decomposed, old); !ok || err != nil {
					t.Errorf("imported: %t, %v", ok, err)
				}
			}
		})
	}
	wg.Wait()
}
