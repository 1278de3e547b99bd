package password

import (
	"crypto/rand"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
)

const (
	scryptPrefix         = "$scrypt$"
	maxScryptLogN        = 20
	maxScryptBlocks      = 1 << 20 // N × r: 128 MiB
	maxScryptParallelism = 16
)

// Scrypt is scrypt (RFC 7914). The zero value has the parameters that OWASP
// asks for: N = 2¹⁷, r = 8, p = 1, that is 128 MiB.
type Scrypt struct {
	LogN        int // 1 to 20, and 128 × 2^LogN × BlockSize at most 128 MiB; 0: 17
	BlockSize   int // r; 0: 8
	Parallelism int // p, 1 to 16, one after the other; 0: 1
}

var _ Hasher = Scrypt{}

// scryptHash is a decoded hash, bounds checked.
type scryptHash struct {
	Scrypt
	salt, key []byte
}

// Name is "scrypt".
func (Scrypt) Name() string { return "scrypt" }

// Matches reports whether encoded begins with "$scrypt$".
func (Scrypt) Matches(encoded string) bool {
	return strings.HasPrefix(encoded, scryptPrefix)
}

// Check decodes encoded; see [Hasher].
func (s Scrypt) Check(encoded string) error {
	_, err := s.decode(encoded)
	return err
}

// Verify compares password with encoded; see [Hasher].
func (s Scrypt) Verify(password []byte, encoded string) (bool, error) {
	h, err := s.decode(encoded)
	if err != nil {
		return false, err
	}
	key, err := h.derive(password, h.salt, len(h.key))
	if err != nil {
		return false, bad(s.Name(), "parameters")
	}
	return equal(key, h.key), nil
}

// Hash makes a hash with 16 bytes of salt and a key of 32 bytes. It fails when
// the hasher's own parameters are out of bounds.
func (s Scrypt) Hash(password []byte) (string, error) {
	s = s.defaults()
	if !s.bounded() {
		return "", fmt.Errorf("scrypt: parameters out of bounds")
	}
	salt := make([]byte, newSalt)
	rand.Read(salt) // never fails
	key, err := s.derive(password, salt, newKey)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%sln=%d,r=%d,p=%d$%s$%s", scryptPrefix, s.LogN, s.BlockSize, s.Parallelism,
		base64PHC.EncodeToString(salt), base64PHC.EncodeToString(key)), nil
}

// Current reports whether encoded has s's parameters and the sizes that Hash
// uses.
func (s Scrypt) Current(encoded string) bool {
	h, err := s.decode(encoded)
	return err == nil && h.Scrypt == s.defaults() && len(h.salt) == newSalt && len(h.key) == newKey
}

func (s Scrypt) decode(encoded string) (scryptHash, error) {
	parts, ok := parse(encoded, scryptPrefix, base64PHC)
	if !ok || len(parts.key) != newKey && len(parts.key) != 2*newKey { // exact: see doc.go
		return scryptHash{}, bad(s.Name(), "malformed")
	}
	v, ok := values(parts.params, "ln", "r", "p")
	if !ok {
		return scryptHash{}, bad(s.Name(), "parameters")
	}
	h := scryptHash{Scrypt{LogN: v[0], BlockSize: v[1], Parallelism: v[2]}, parts.salt, parts.key}
	if !h.bounded() {
		return scryptHash{}, bad(s.Name(), "parameters")
	}
	return h, nil
}

func (s Scrypt) derive(password, salt []byte, size int) ([]byte, error) {
	return scrypt.Key(password, salt, 1<<s.LogN, s.BlockSize, s.Parallelism, size)
}

func (s Scrypt) defaults() Scrypt {
	if s.LogN == 0 {
		s.LogN = 17
	}
	if s.BlockSize == 0 {
		s.BlockSize = 8
	}
	if s.Parallelism == 0 {
		s.Parallelism = 1
	}
	return s
}

// bounded looks at N first: N × r then can't overflow.
func (s Scrypt) bounded() bool {
	return within(s.LogN, 1, maxScryptLogN) && within(s.BlockSize, 1, maxScryptBlocks>>s.LogN) &&
		within(s.Parallelism, 1, maxScryptParallelism)
}
