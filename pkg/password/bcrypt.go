package password

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/crypto/bcrypt"
)

const (
	maxBcryptCost     = 16
	maxBcryptPassword = 72
	bcryptSize        = 60 // of an encoded hash: $2b$12$ + salt + key
	bcryptSaltAt      = 7
	bcryptKeyAt       = bcryptSaltAt + 22
)

// Bcrypt is bcrypt as OpenBSD defines it. Passwords longer than 72 bytes or
// with NUL are never right, although others would accept them: bcrypt doesn't
// look at all of their bytes.
type Bcrypt struct {
	Cost int // 4 to 16; 0: 12
}

var _ Hasher = Bcrypt{}

// Name is "bcrypt".
func (Bcrypt) Name() string { return "bcrypt" }

// Matches reports whether encoded begins with $2a$, $2b$ or $2y$.
func (Bcrypt) Matches(encoded string) bool {
	if len(encoded) < 4 {
		return false
	}
	switch encoded[:4] {
	case "$2a$", "$2b$", "$2y$":
		return true
	}
	return false
}

// Check decodes encoded; see [Hasher].
func (b Bcrypt) Check(encoded string) error {
	_, err := b.decode(encoded)
	return err
}

// Verify compares password with encoded; see [Hasher]. A password that bcrypt
// can't take whole is wrong, after the same work.
func (b Bcrypt) Verify(password []byte, encoded string) (bool, error) {
	if _, err := b.decode(encoded); err != nil {
		return false, err
	}
	whole := takesWhole(password)
	if !whole {
		password = placeholder
	}
	err := bcrypt.CompareHashAndPassword([]byte(encoded), password)
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	if err != nil {
		return false, bad(b.Name(), "malformed")
	}
	return whole, nil
}

// Hash makes a hash. It fails when the cost is out of bounds, and with
// [ErrPassword] when password has NUL or more than 72 bytes.
func (b Bcrypt) Hash(password []byte) (string, error) {
	cost := b.cost()
	if !within(cost, bcrypt.MinCost, maxBcryptCost) {
		return "", fmt.Errorf("bcrypt: cost %d out of bounds", cost)
	}
	if !takesWhole(password) {
		return "", fmt.Errorf("bcrypt: NUL or more than 72 bytes: %w", ErrPassword)
	}
	encoded, err := bcrypt.GenerateFromPassword(password, cost)
	if err != nil {
		return "", fmt.Errorf("bcrypt: %w", err)
	}
	return string(encoded), nil
}

// Current reports whether encoded has b's cost.
func (b Bcrypt) Current(encoded string) bool {
	cost, err := b.decode(encoded)
	return err == nil && cost == b.cost()
}

// decode answers the cost. x/crypto would take any byte for the version, cost
// 31, anything behind byte 60, and salts that differ in unused bits.
func (b Bcrypt) decode(encoded string) (int, error) {
	if !b.Matches(encoded) || len(encoded) != bcryptSize || encoded[bcryptSaltAt-1] != '$' {
		return 0, bad(b.Name(), "malformed")
	}
	_, okSalt := decode(base64Bcrypt, encoded[bcryptSaltAt:bcryptKeyAt])
	_, okKey := decode(base64Bcrypt, encoded[bcryptKeyAt:])
	if !okSalt || !okKey {
		return 0, bad(b.Name(), "malformed")
	}
	digits := encoded[4 : bcryptSaltAt-1]
	cost, err := strconv.Atoi(digits)
	if err != nil || fmt.Sprintf("%02d", cost) != digits || !within(cost, bcrypt.MinCost, maxBcryptCost) {
		return 0, bad(b.Name(), "cost")
	}
	return cost, nil
}

func (b Bcrypt) cost() int {
	if b.Cost == 0 {
		return 12
	}
	return b.Cost
}

// takesWhole reports whether bcrypt looks at every byte of password.
func takesWhole(password []byte) bool {
	return len(password) <= maxBcryptPassword && bytes.IndexByte(password, 0) < 0
}
