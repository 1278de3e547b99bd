package password_test

import (
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
)

// Tiny parameters: these tests are about correctness.
var hashers = []password.Hasher{
	password.Argon2id{Memory: 8, Iterations: 1, Parallelism: 1},
	password.Bcrypt{Cost: 4},
	password.Scrypt{LogN: 1, BlockSize: 1, Parallelism: 1},
	password.PBKDF2{Iterations: 1},
}

type vector struct{ algorithm, password, encoded string }

func vectors(tb testing.TB) []vector {
	tb.Helper()
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var all []vector
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			tb.Fatalf("malformed vector %q", line)
		}
		all = append(all, vector{f[0], f[1], f[2]})
	}
	return all
}

func hasher(tb testing.TB, name string) password.Hasher {
	tb.Helper()
	for _, h := range hashers {
		if h.Name() == name {
			return h
		}
	}
	tb.Fatalf("no hasher %q", name)
	return nil
}

func TestHashersVerifyHashesMadeElsewhere(t *testing.T) {
	for _, v := range vectors(t) {
		h := hasher(t, v.algorithm)
		for _, other := range hashers {
			if got := other.Matches(v.encoded); got != (other == h) {
				t.Errorf("%s matches %s: %t", other.Name(), v.encoded, got)
			}
		}
		if err := h.Check(v.encoded); err != nil {
			t.Errorf("Check(%s): %v", v.encoded, err)
		}
		if ok, err := h.Verify([]byte(v.password), v.encoded); !ok || err != nil {
			t.Errorf("Verify(%q, %s) = %t, %v", v.password, v.encoded, ok, err)
		}
		if ok, err := h.Verify([]byte(v.password+"."), v.encoded); ok || err != nil {
			t.Errorf("Verify(%q + dot, %s) = %t, %v", v.password, v.encoded, ok, err)
		}
	}
}

func TestHashersVerifyTheirOwnHashes(t *testing.T) {
	for _, h := range append(hashers, password.PBKDF2{Digest: "sha512", Iterations: 2}) {
		first, err := h.Hash([]byte("secret"))
		if err != nil {
			t.Fatalf("%s: %v", h.Name(), err)
		}
		second, _ := h.Hash([]byte("secret"))
		if first == second {
			t.Errorf("%s: two hashes are equal: the salt is not fresh", h.Name())
		}
		if ok, err := h.Verify([]byte("secret"), first); !ok || err != nil {
			t.Errorf("%s: right password: %t, %v", h.Name(), ok, err)
		}
		if ok, err := h.Verify([]byte("Secret"), first); ok || err != nil {
			t.Errorf("%s: wrong password: %t, %v", h.Name(), ok, err)
		}
		if !h.Matches(first) || !h.Current(first) || h.Check(first) != nil {
			t.Errorf("%s: does not know %s", h.Name(), first)
		}
	}
}

func TestCurrentTellsOtherParameters(t *testing.T) {
	tests := []struct{ made, now password.Hasher }{
		{password.Argon2id{Memory: 8, Iterations: 1}, password.Argon2id{Memory: 9, Iterations: 1}},
		{password.Argon2id{Memory: 8, Iterations: 1}, password.Argon2id{Memory: 8, Iterations: 2}},
		{password.Argon2id{Memory: 16, Iterations: 1}, password.Argon2id{Memory: 16, Iterations: 1, Parallelism: 2}},
		{password.Bcrypt{Cost: 4}, password.Bcrypt{Cost: 5}},
		{password.Bcrypt{Cost: 4}, password.Bcrypt{}},
		{password.Scrypt{LogN: 1, BlockSize: 1}, password.Scrypt{LogN: 2, BlockSize: 1}},
		{password.Scrypt{LogN: 1, BlockSize: 1}, password.Scrypt{LogN: 1, BlockSize: 2}},
		{password.Scrypt{LogN: 1, BlockSize: 1}, password.Scrypt{LogN: 1, BlockSize: 1, Parallelism: 2}},
		{password.PBKDF2{Iterations: 1}, password.PBKDF2{Iterations: 2}},
		{password.PBKDF2{Iterations: 1}, password.PBKDF2{Iterations: 1, Digest: "sha512"}},
		{password.PBKDF2{Iterations: 1}, password.PBKDF2{Digest: "sha1"}},
		{password.PBKDF2{Iterations: 1}, password.PBKDF2{Digest: "md5"}},
		{password.PBKDF2{Iterations: 1}, password.Bcrypt{Cost: 4}},
	}
	for _, tt := range tests {
		encoded, err := tt.made.Hash([]byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		if !tt.made.Current(encoded) {
			t.Errorf("%+v: not current for its maker", tt.made)
		}
		if tt.now.Current(encoded) {
			t.Errorf("%+v: a hash of %+v is current", tt.now, tt.made)
		}
	}
}

func TestHashRefusesParametersOutOfBounds(t *testing.T) {
	for _, h := range []password.Hasher{
		password.Argon2id{Memory: 256<<10 + 1}, password.Argon2id{Iterations: 17}, password.Argon2id{Parallelism: 17},
		password.Argon2id{Memory: 31, Parallelism: 4},
		password.Bcrypt{Cost: 3}, password.Bcrypt{Cost: 17}, password.Bcrypt{Cost: -1},
		password.Scrypt{LogN: 18}, password.Scrypt{LogN: 21, BlockSize: 1}, password.Scrypt{LogN: -1},
		password.Scrypt{BlockSize: -8}, password.Scrypt{Parallelism: 17}, password.Scrypt{LogN: 63},
		password.PBKDF2{Iterations: 10_000_001}, password.PBKDF2{Iterations: -1},
		password.PBKDF2{Digest: "sha1", Iterations: 1}, password.PBKDF2{Digest: "md5"},
	} {
		if encoded, err := h.Hash([]byte("secret")); err == nil || encoded != "" {
			t.Errorf("%+v made %q", h, encoded)
		}
	}
}

// b64 is n bytes in base64, without the characters in which the alphabets
// differ.
func b64(n int) string {
	return base64.RawStdEncoding.EncodeToString(make([]byte, n))
}

func TestCheckAndVerifyRefuseDamagedAndHugeHashes(t *testing.T) {
	s16, k32 := b64(16), b64(32)
	argon := "$" + s16 + "$" + k32
	bsalt, bkey := strings.Repeat(".", 22), strings.Repeat(".", 31)
	tests := []struct{ name, encoded string }{
		{"empty", ""},
		{"plain text", "secret"},
		{"unknown form", "$1$abcdefgh$abcdefghijklmnopqrstuv"},
		{"unknown brace", "{SSHA}" + k32},
		{"own prefix twice", "{o}{o}$argon2id$v=19$m=8,t=1,p=1" + argon},
		{"own prefix alone", "{o}"},
		{"argon2i", "$argon2i$v=19$m=8,t=1,p=1" + argon},
		{"argon2d", "$argon2d$v=19$m=8,t=1,p=1" + argon},
		{"argon2id no version", "$argon2id$m=8,t=1,p=1" + argon},
		{"argon2id version 16", "$argon2id$v=16$m=8,t=1,p=1" + argon},
		{"argon2id 16 GiB", "$argon2id$v=19$m=16777216,t=1,p=1" + argon},
		{"argon2id one KiB over", "$argon2id$v=19$m=262145,t=1,p=1" + argon},
		{"argon2id 32 bits", "$argon2id$v=19$m=4294967296,t=1,p=1" + argon},
		{"argon2id 33 bits wrap", "$argon2id$v=19$m=4294967304,t=1,p=1" + argon},
		{"argon2id no memory", "$argon2id$v=19$m=0,t=1,p=1" + argon},
		{"argon2id less than 8 KiB a lane", "$argon2id$v=19$m=8,t=1,p=2" + argon},
		{"argon2id iterations", "$argon2id$v=19$m=8,t=17,p=1" + argon},
		{"argon2id no iterations", "$argon2id$v=19$m=8,t=0,p=1" + argon},
		{"argon2id lanes", "$argon2id$v=19$m=1024,t=1,p=17" + argon},
		{"argon2id lanes wrap", "$argon2id$v=19$m=1024,t=1,p=257" + argon},
		{"argon2id no lanes", "$argon2id$v=19$m=8,t=1,p=0" + argon},
		{"argon2id sign", "$argon2id$v=19$m=+8,t=1,p=1" + argon},
		{"argon2id leading zero", "$argon2id$v=19$m=08,t=1,p=1" + argon},
		{"argon2id order", "$argon2id$v=19$t=1,m=8,p=1" + argon},
		{"argon2id missing", "$argon2id$v=19$m=8,t=1" + argon},
		{"argon2id repeated", "$argon2id$v=19$m=8,t=1,p=1,m=8" + argon},
		{"argon2id unknown option", "$argon2id$v=19$m=8,t=1,p=1,keyid=AA" + argon},
		{"argon2id truncated", "$argon2id$v=19$m=8,t=1,p=1$" + s16},
		{"argon2id one part more", "$argon2id$v=19$m=8,t=1,p=1" + argon + "$"},
		{"argon2id padded", "$argon2id$v=19$m=8,t=1,p=1" + argon + "="},
		{"argon2id line end", "$argon2id$v=19$m=8,t=1,p=1" + argon + "\n"},
		{"argon2id line break", "$argon2id$v=19$m=8,t=1,p=1$" + s16 + "$AA\r\n" + k32[2:]},
		{"argon2id unused bits", "$argon2id$v=19$m=8,t=1,p=1$" + s16[:21] + "B$" + k32},
		{"argon2id URL alphabet", "$argon2id$v=19$m=8,t=1,p=1$" + s16 + "$--" + k32[2:]},
		{"argon2id no salt", "$argon2id$v=19$m=8,t=1,p=1$$" + k32},
		{"argon2id short salt", "$argon2id$v=19$m=8,t=1,p=1$" + b64(7) + "$" + k32},
		{"argon2id long salt", "$argon2id$v=19$m=8,t=1,p=1$" + b64(65) + "$" + k32},
		{"argon2id no key", "$argon2id$v=19$m=8,t=1,p=1$" + s16 + "$"},
		{"argon2id short key", "$argon2id$v=19$m=8,t=1,p=1$" + s16 + "$" + b64(15)},
		{"argon2id long key", "$argon2id$v=19$m=8,t=1,p=1$" + s16 + "$" + b64(65)},
		{"argon2id a megabyte", "$argon2id$v=19$m=8,t=1,p=1$" + s16 + "$" + b64(1<<20)},
		{"argon2id a million dollars", "$argon2id$v=19$" + strings.Repeat("$", 1<<20)},
		{"bcrypt cost 31", "$2b$31$" + bsalt + bkey},
		{"bcrypt cost 17", "$2b$17$" + bsalt + bkey},
		{"bcrypt cost 3", "$2b$03$" + bsalt + bkey},
		{"bcrypt cost with sign", "$2b$+4$" + bsalt + bkey},
		{"bcrypt cost with one digit", "$2b$4$" + bsalt + bkey},
		{"bcrypt cost with one digit, filled", "$2b$4$" + bsalt + bkey + "."},
		{"bcrypt 2x", "$2x$04$" + bsalt + bkey},
		{"bcrypt 2", "$2$04$" + bsalt + bkey},
		{"bcrypt 2, filled", "$2$04$" + bsalt + bkey + "."},
		{"bcrypt truncated", "$2b$04$" + bsalt + bkey[1:]},
		{"bcrypt too long", "$2b$04$" + bsalt + bkey + "."},
		{"bcrypt prefix alone", "$2b$"},
		{"bcrypt no dollar", "$2b$04." + bsalt + bkey},
		{"bcrypt unused bits of salt", "$2b$04$" + bsalt[1:] + "/" + bkey},
		{"bcrypt unused bits of key", "$2b$04$" + bsalt + bkey[1:] + "/"},
		{"bcrypt line break", "$2b$04$" + bsalt + "\n" + bkey[1:]},
		{"bcrypt-sha256", "$bcrypt-sha256$v=2,t=2b,r=4$" + bsalt + "$" + bkey},
		{"scrypt 256 MiB", "$scrypt$ln=18,r=8,p=1" + argon},
		{"scrypt ln 21", "$scrypt$ln=21,r=1,p=1" + argon},
		{"scrypt ln 63", "$scrypt$ln=63,r=1,p=1" + argon},
		{"scrypt ln 64", "$scrypt$ln=64,r=1,p=1" + argon},
		{"scrypt ln 0", "$scrypt$ln=0,r=1,p=1" + argon},
		{"scrypt r", "$scrypt$ln=1,r=524289,p=1" + argon},
		{"scrypt r 31 bits", "$scrypt$ln=1,r=2147483647,p=1" + argon},
		{"scrypt r 0", "$scrypt$ln=1,r=0,p=1" + argon},
		{"scrypt p", "$scrypt$ln=1,r=1,p=17" + argon},
		{"scrypt p 0", "$scrypt$ln=1,r=1,p=0" + argon},
		{"scrypt missing", "$scrypt$ln=1,r=1" + argon},
		{"scrypt key of 30 bytes", "$scrypt$ln=1,r=1,p=1$" + s16 + "$" + b64(30)},
		{"scrypt key of 63 bytes", "$scrypt$ln=1,r=1,p=1$" + s16 + "$" + b64(63)},
		{"pbkdf2 iterations", "$pbkdf2-sha256$10000001" + argon},
		{"pbkdf2 negative", "$pbkdf2-sha256$-1" + argon},
		{"pbkdf2 zero", "$pbkdf2-sha256$0" + argon},
		{"pbkdf2 leading zero", "$pbkdf2-sha256$01" + argon},
		{"pbkdf2 none", "$pbkdf2-sha256$" + argon},
		{"pbkdf2 PHC alphabet", "$pbkdf2-sha256$1$" + s16 + "$++" + k32[2:]},
		{"pbkdf2 unknown digest", "$pbkdf2-md5$1" + argon},
		{"pbkdf2 key of another digest", "$pbkdf2-sha256$1$" + s16 + "$" + b64(20)},
		{"pbkdf2 key of 2 blocks", "$pbkdf2-sha256$1$" + s16 + "$" + b64(64)},
		{"pbkdf2 SHA-1 key", "$pbkdf2$1$" + s16 + "$" + b64(19)},
	}
	s := set(t, hashers...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := s.Check(tt.encoded); !errors.Is(err, password.ErrHash) {
				t.Errorf("Set.Check: %v", err)
			}
			ok, rehash, err := s.Verify("secret", tt.encoded)
			if ok || rehash != "" || !errors.Is(err, password.ErrHash) {
				t.Errorf("Set.Verify = %t, %q, %v", ok, rehash, err)
			}
			for _, h := range hashers {
				if err := h.Check(tt.encoded); !errors.Is(err, password.ErrHash) {
					t.Errorf("%s: Check: %v", h.Name(), err)
				}
				if ok, err := h.Verify([]byte("secret"), tt.encoded); ok || !errors.Is(err, password.ErrHash) {
					t.Errorf("%s: Verify = %t, %v", h.Name(), ok, err)
				}
				if h.Current(tt.encoded) {
					t.Errorf("%s: current", h.Name())
				}
			}
		})
	}
}

func TestCheckAcceptsTheBounds(t *testing.T) {
	tail := "$" + b64(64) + "$" + b64(64)
	for _, encoded := range []string{
		"$argon2id$v=19$m=262144,t=16,p=16" + tail,
		"$argon2id$v=19$m=8,t=1,p=1$" + b64(8) + "$" + b64(16),
		"$2b$16$" + strings.Repeat(".", 53),
		"$scrypt$ln=20,r=1,p=16" + tail,
		"$scrypt$ln=17,r=8,p=1$" + b64(8) + "$" + b64(32),
		"$pbkdf2-sha512$10000000" + tail,
	} {
		if err := set(t, hashers...).Check(encoded); err != nil {
			t.Errorf("%s: %v", encoded, err)
		}
	}
}

func TestChangedHashesNeverVerify(t *testing.T) {
	seen := make(map[string]bool)
	for _, v := range vectors(t) {
		form := v.encoded[:strings.IndexByte(v.encoded[1:], '$')+1]
		if v.algorithm == "bcrypt" {
			form = "$bcrypt" // one is enough: they differ in a letter
		}
		if seen[form] {
			continue
		}
		seen[form] = true
		t.Run(form[1:], func(t *testing.T) {
			h := hasher(t, v.algorithm)
			for i := range v.encoded {
				for _, changed := range changes(v.encoded, i) {
					if same(v.encoded, changed) || strings.Contains(changed, "$14$") {
						continue // bcrypt cost 14: wrong, but a second of work
					}
					if ok, _ := h.Verify([]byte(v.password), changed); ok {
						t.Errorf("%s verifies like %s", changed, v.encoded)
					}
				}
			}
		})
	}
}

// changes are texts that differ from s at i: other characters (the next one
// differs in the lowest bits, which base64 may leave unused), one more, one less,
// and nothing from there on.
func changes(s string, i int) []string {
	var all []string
	for _, c := range []byte{s[i] + 1, '1', 'A', '+', '$', '=', ',', '\n', 0} {
		if c != s[i] {
			all = append(all, s[:i]+string(rune(c))+s[i+1:])
		}
		all = append(all, s[:i]+string(rune(c))+s[i:])
	}
	return append(all, s[:i]+s[i+1:], s[:i])
}

// same reports that b is a but for bcrypt's version letter, or a itself.
func same(a, b string) bool {
	return a == b || strings.HasPrefix(a, "$2") && strings.HasPrefix(b, "$2") &&
		len(a) == len(b) && a[3:] == b[3:] && strings.IndexByte("aby", b[2]) >= 0
}

func TestBcryptLooksAtAllOfThePassword(t *testing.T) {
	h := password.Bcrypt{Cost: 4}
	seventyTwo := strings.Repeat("7", 72)
	tests := []struct {
		name, stored, typed string
		want                bool
	}{
		{"72 bytes", seventyTwo, seventyTwo, true},
		{"73 bytes", seventyTwo, seventyTwo + "7", false},
		{"1024 bytes", seventyTwo, strings.Repeat("7", 1024), false},
		{"NUL behind", "ab", "ab\x00", false},
		{"repeated behind NUL", "ab", "ab\x00ab", false},
		{"NUL within the first 72", "ab", "ab\x00" + seventyTwo, false},
		{"the placeholder", "no password", "no password", true},
		{"over-long with a placeholder stored", "no password", strings.Repeat("x", 73), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			encoded, err := h.Hash([]byte(tt.stored))
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := h.Verify([]byte(tt.typed), encoded); ok != tt.want || err != nil {
				t.Errorf("Verify = %t, %v, want %t", ok, err, tt.want)
			}
			if _, err := h.Hash([]byte(tt.typed)); !tt.want && !errors.Is(err, password.ErrPassword) {
				t.Errorf("Hash: %v, want ErrPassword", err)
			}
		})
	}
}

// The bound is one-sided and wide: doing nothing takes a thousandth.
func TestBcryptWorksForWhatItRefuses(t *testing.T) {
	h := password.Bcrypt{Cost: 8}
	encoded, err := h.Hash([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	fastest := func(typed string) time.Duration {
		best := time.Hour
		for range 3 {
			start := time.Now()
			if ok, err := h.Verify([]byte(typed), encoded); ok || err != nil {
				t.Fatalf("Verify = %t, %v", ok, err)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	wrong := fastest("Secret")
	for _, typed := range []string{strings.Repeat("7", 73), "secret\x00"} {
		if refused := fastest(typed); refused < wrong/4 {
			t.Errorf("refused after %v, wrong after %v", refused, wrong)
		}
	}
}
