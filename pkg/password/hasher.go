package password

import (
	"crypto/subtle"
	"errors"
	"fmt"
)

// MaxPassword is the length in bytes of the longest password.
const MaxPassword = 1024

var (
	// ErrHash says that a stored hash is damaged, of an unknown form, or over
	// the bounds. It never means a wrong password.
	ErrHash = errors.New("damaged or unsupported password hash")

	// ErrPassword says that a password can't be hashed: empty, too long, NUL,
	// not UTF-8, or refused by PRECIS OpaqueString.
	ErrPassword = errors.New("unusable password")
)

// Hasher is one password hash algorithm with the parameters for new hashes.
// Implementations must be safe for concurrent use. They get passwords of at
// least one byte, already prepared by [Set].
type Hasher interface {
	// Name is the algorithm's name in config.yaml, such as "argon2id".
	Name() string

	// Matches reports whether encoded looks like this algorithm's, by its
	// prefix. It promises nothing about the rest.
	Matches(encoded string) bool

	// Check decodes encoded without computing anything: nil, or an error that
	// wraps [ErrHash] when encoded is damaged or over the bounds.
	Check(encoded string) error

	// Verify compares password with encoded in constant time. (false, nil) is
	// a wrong password; the error is that of Check, and nothing was computed.
	Verify(password []byte, encoded string) (bool, error)

	// Hash makes a new encoded hash with the hasher's own parameters and a
	// fresh salt. It wraps [ErrPassword] when the algorithm can't take the
	// password.
	Hash(password []byte) (string, error)

	// Current reports whether encoded was made with the hasher's parameters.
	Current(encoded string) bool
}

// Sizes of what new hashes hold.
const (
	newSalt = 16
	newKey  = 32
)

func bad(name, what string) error {
	return fmt.Errorf("%s: %s: %w", name, what, ErrHash)
}

func within(n, low, high int) bool {
	return low <= n && n <= high
}

func equal(a, b []byte) bool {
	return subtle.ConstantTimeCompare(a, b) == 1
}
