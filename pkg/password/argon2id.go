package password

import (
	"crypto/rand"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	argon2idPrefix    = "$argon2id$v=19$"
	maxArgon2idMemory = 256 << 10 // KiB
	maxArgon2idPasses = 16
	maxArgon2idLanes  = 16
	minArgon2idKey    = 16
	maxArgon2idKey    = 64
)

// Argon2id is Argon2id version 19 (RFC 9106). The zero value has the parameters
// that OWASP asks for: 19 MiB, 2 iterations, 1 lane.
type Argon2id struct {
	Memory      uint32 // KiB, at most 262144 and at least 8 × Parallelism; 0: 19456
	Iterations  uint32 // at most 16; 0: 2
	Parallelism uint8  // at most 16; 0: 1. Each lane is a goroutine beyond the pool's count
}

var _ Hasher = Argon2id{}

// argon2idHash is a decoded hash, bounds checked.
type argon2idHash struct {
	Argon2id
	salt, key []byte
}

// Name is "argon2id".
func (Argon2id) Name() string { return "argon2id" }

// Matches reports whether encoded begins with "$argon2id$".
func (Argon2id) Matches(encoded string) bool {
	return strings.HasPrefix(encoded, "$argon2id$")
}

// Check decodes encoded; see [Hasher].
func (a Argon2id) Check(encoded string) error {
	_, err := a.decode(encoded)
	return err
}

// Verify compares password with encoded; see [Hasher].
func (a Argon2id) Verify(password []byte, encoded string) (bool, error) {
	h, err := a.decode(encoded)
	if err != nil {
		return false, err
	}
	return equal(h.derive(password, h.salt, len(h.key)), h.key), nil
}

// Hash makes a hash with 16 bytes of salt and a key of 32 bytes. It fails when
// the hasher's own parameters are out of bounds.
func (a Argon2id) Hash(password []byte) (string, error) {
	a = a.defaults()
	if !a.bounded() {
		return "", fmt.Errorf("argon2id: parameters out of bounds")
	}
	salt := make([]byte, newSalt)
	rand.Read(salt) // never fails
	key := a.derive(password, salt, newKey)
	return fmt.Sprintf("%sm=%d,t=%d,p=%d$%s$%s", argon2idPrefix, a.Memory, a.Iterations, a.Parallelism,
		base64PHC.EncodeToString(salt), base64PHC.EncodeToString(key)), nil
}

// Current reports whether encoded has a's parameters and the sizes that Hash
// uses.
func (a Argon2id) Current(encoded string) bool {
	h, err := a.decode(encoded)
	return err == nil && h.Argon2id == a.defaults() && len(h.salt) == newSalt && len(h.key) == newKey
}

func (a Argon2id) decode(encoded string) (argon2idHash, error) {
	parts, ok := parse(encoded, argon2idPrefix, base64PHC)
	if !ok || !within(len(parts.key), minArgon2idKey, maxArgon2idKey) {
		return argon2idHash{}, bad(a.Name(), "malformed")
	}
	v, ok := values(parts.params, "m", "t", "p")
	if !ok || !within(v[1], 1, maxArgon2idPasses) || !within(v[2], 1, maxArgon2idLanes) {
		return argon2idHash{}, bad(a.Name(), "parameters")
	}
	h := argon2idHash{Argon2id{uint32(v[0]), uint32(v[1]), uint8(v[2])}, parts.salt, parts.key}
	if !h.bounded() {
		return argon2idHash{}, bad(a.Name(), "parameters")
	}
	return h, nil
}

func (a Argon2id) derive(password, salt []byte, size int) []byte {
	return argon2.IDKey(password, salt, a.Iterations, a.Memory, a.Parallelism, uint32(size))
}

func (a Argon2id) defaults() Argon2id {
	if a.Memory == 0 {
		a.Memory = 19456
	}
	if a.Iterations == 0 {
		a.Iterations = 2
	}
	if a.Parallelism == 0 {
		a.Parallelism = 1
	}
	return a
}

// bounded holds RFC 9106 section 3.1 (8 KiB a lane at least) and our caps.
func (a Argon2id) bounded() bool {
	return a.Memory >= 8*uint32(a.Parallelism) && a.Memory <= maxArgon2idMemory &&
		a.Iterations <= maxArgon2idPasses && a.Parallelism <= maxArgon2idLanes
}
