package password

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strings"
)

const maxPBKDF2Iterations = 10_000_000

// PBKDF2 is PBKDF2 with HMAC (RFC 8018), in passlib's form. It verifies hashes
// with SHA-1, SHA-256 and SHA-512 and makes those with the last two.
type PBKDF2 struct {
	Digest     string // "sha256" or "sha512"; "": "sha256"
	Iterations int    // at most 10 million; 0: 600,000 (SHA-256) or 210,000 (SHA-512), as OWASP asks
}

var _ Hasher = PBKDF2{}

// pbkdf2Digest is one variant: the same letters name it in Digest and prefix it
// in a hash.
type pbkdf2Digest struct {
	name, prefix string
	iterations   int // for new hashes; 0: none are made
	new          func() hash.Hash
}

var pbkdf2Digests = []pbkdf2Digest{
	{"sha256", "$pbkdf2-sha256$", 600_000, sha256.New},
	{"sha512", "$pbkdf2-sha512$", 210_000, sha512.New},
	{"sha1", "$pbkdf2$", 0, sha1.New},
}

// pbkdf2Hash is a decoded hash, bounds checked.
type pbkdf2Hash struct {
	digest     pbkdf2Digest
	iterations int
	salt, key  []byte
}

// Name is "pbkdf2".
func (PBKDF2) Name() string { return "pbkdf2" }

// Matches reports whether encoded begins with "$pbkdf2$", "$pbkdf2-sha256$" or
// "$pbkdf2-sha512$".
func (PBKDF2) Matches(encoded string) bool {
	for _, d := range pbkdf2Digests {
		if strings.HasPrefix(encoded, d.prefix) {
			return true
		}
	}
	return false
}

// Check decodes encoded; see [Hasher].
func (p PBKDF2) Check(encoded string) error {
	_, err := p.decode(encoded)
	return err
}

// Verify compares password with encoded; see [Hasher].
func (p PBKDF2) Verify(password []byte, encoded string) (bool, error) {
	h, err := p.decode(encoded)
	if err != nil {
		return false, err
	}
	key, err := pbkdf2.Key(h.digest.new, string(password), h.salt, h.iterations, len(h.key))
	if err != nil {
		return false, bad(p.Name(), "parameters")
	}
	return equal(key, h.key), nil
}

// Hash makes a hash with 16 bytes of salt and a key as long as the digest, as
// passlib does. It fails when the hasher's own parameters are out of bounds.
func (p PBKDF2) Hash(password []byte) (string, error) {
	d, iterations := p.settings()
	if d.iterations == 0 || !within(iterations, 1, maxPBKDF2Iterations) {
		return "", fmt.Errorf("pbkdf2: digest %q or iterations out of bounds", p.Digest)
	}
	salt := make([]byte, newSalt)
	rand.Read(salt) // never fails
	key, err := pbkdf2.Key(d.new, string(password), salt, iterations, d.new().Size())
	if err != nil {
		return "", fmt.Errorf("pbkdf2: %w", err)
	}
	return fmt.Sprintf("%s%d$%s$%s", d.prefix, iterations,
		base64Passlib.EncodeToString(salt), base64Passlib.EncodeToString(key)), nil
}

// Current reports whether encoded has p's digest and iterations and the salt
// size that Hash uses.
func (p PBKDF2) Current(encoded string) bool {
	h, err := p.decode(encoded)
	d, iterations := p.settings()
	return err == nil && h.digest.name == d.name && h.iterations == iterations && len(h.salt) == newSalt
}

func (p PBKDF2) decode(encoded string) (pbkdf2Hash, error) {
	for _, d := range pbkdf2Digests {
		parts, ok := parse(encoded, d.prefix, base64Passlib)
		if !ok {
			continue
		}
		if len(parts.key) != d.new().Size() { // exact: see doc.go
			return pbkdf2Hash{}, bad(p.Name(), "malformed")
		}
		iterations, ok := number(parts.params)
		if !ok || !within(iterations, 1, maxPBKDF2Iterations) {
			return pbkdf2Hash{}, bad(p.Name(), "iterations")
		}
		return pbkdf2Hash{d, iterations, parts.salt, parts.key}, nil
	}
	return pbkdf2Hash{}, bad(p.Name(), "malformed")
}

// settings answers the digest and iterations for new hashes; the digest is
// empty when p.Digest is not known.
func (p PBKDF2) settings() (pbkdf2Digest, int) {
	name := p.Digest
	if name == "" {
		name = "sha256"
	}
	for _, d := range pbkdf2Digests {
		if d.name == name && p.Iterations == 0 {
			return d, d.iterations
		}
		if d.name == name {
			return d, p.Iterations
		}
	}
	return pbkdf2Digest{}, 0
}
