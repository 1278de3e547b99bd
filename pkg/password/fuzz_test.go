package password_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ropcd/ropcd/pkg/password"
)

// cheap finds parameters that cost next to nothing to compute; decoders get
// the others too.
var cheap = regexp.MustCompile(`^(\$argon2id\$v=19\$m=\d{1,2},t=\d,p=\d\$|\$2.\$04\$|\$scrypt\$ln=\d,r=\d,p=\d\$|\$pbkdf2[^$]*\$\d{1,3}\$)`)

func fuzzHasher(f *testing.F, h password.Hasher) {
	for _, v := range vectors(f) {
		if v.algorithm == h.Name() {
			f.Add(v.password, v.encoded)
		}
	}
	f.Fuzz(func(t *testing.T, typed, encoded string) {
		err := h.Check(encoded)
		if err == nil && !h.Matches(encoded) {
			t.Fatalf("%q is in order but not matched", encoded)
		}
		if err != nil && (!errors.Is(err, password.ErrHash) || h.Current(encoded)) {
			t.Fatalf("Check(%q): %v, current %t", encoded, err, h.Current(encoded))
		}
		if err == nil && (!cheap.MatchString(encoded) || len(typed) > 100) {
			return
		}
		ok, verr := h.Verify([]byte(typed), encoded)
		if (verr == nil) != (err == nil) || ok && err != nil {
			t.Fatalf("Verify(%q) = %t, %v; Check: %v", encoded, ok, verr, err)
		}
		if !ok {
			return
		}
		// The right password: one spelling, and every byte counts.
		for _, changed := range []string{encoded + "\n", encoded[:len(encoded)-1], strings.ToUpper(encoded)} {
			if ok, _ := h.Verify([]byte(typed), changed); ok && changed != encoded {
				t.Fatalf("%q verifies like %q", changed, encoded)
			}
		}
		if ok, _ := h.Verify([]byte(typed+"\x00"), encoded); ok && h.Name() == "bcrypt" {
			t.Fatalf("a password with NUL verifies with %q", encoded)
		}
	})
}

func FuzzVerifyArgon2id(f *testing.F) { fuzzHasher(f, password.Argon2id{}) }
func FuzzVerifyBcrypt(f *testing.F)   { fuzzHasher(f, password.Bcrypt{}) }
func FuzzVerifyScrypt(f *testing.F)   { fuzzHasher(f, password.Scrypt{}) }
func FuzzVerifyPBKDF2(f *testing.F)   { fuzzHasher(f, password.PBKDF2{}) }

// FuzzSet types and stores anything: what Hash takes Verify knows, and nothing
// else is right.
func FuzzSet(f *testing.F) {
	for _, p := range []string{"secret", composed, decomposed, "", "\x00", "a\tb", "\xff", "\u2126", "a\u00a0b", "\U0001f600", strings.Repeat("\u0301", 40)} {
		f.Add(p, "$pbkdf2-sha256$1$")
	}
	s := set(f, password.PBKDF2{Iterations: 1})
	f.Fuzz(func(t *testing.T, typed, encoded string) {
		if s.Check(encoded) == nil && !cheap.MatchString(strings.TrimPrefix(encoded, "{o}")) {
			return
		}
		if ok, rehash, err := s.Verify(typed, encoded); ok && (err != nil || s.Check(encoded) != nil) || !ok && rehash != "" {
			t.Fatalf("Verify(%q, %q) = %t, %q, %v", typed, encoded, ok, rehash, err)
		}
		own, err := s.Hash(typed)
		if err != nil {
			if !errors.Is(err, password.ErrPassword) || own != "" {
				t.Fatalf("Hash(%q) = %q, %v", typed, own, err)
			}
			return
		}
		if typed == "" || len(typed) > password.MaxPassword || !utf8.ValidString(typed) || strings.Contains(typed, "\x00") {
			t.Fatalf("Hash took %q", typed)
		}
		if ok, rehash, err := s.Verify(typed, own); !ok || rehash != "" || err != nil {
			t.Fatalf("Verify(%q, %q) = %t, %q, %v", typed, own, ok, rehash, err)
		}
		if ok, _, err := s.Verify(typed+"x", own); ok || err != nil {
			t.Fatalf("Verify(%q + x, %q) = %t, %v", typed, own, ok, err)
		}
	})
}
