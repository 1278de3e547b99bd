package password

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// ownPrefix marks hashes of the OpaqueString form: those that Set made.
const ownPrefix = "{o}"

// placeholder is hashed in place of what can't be a password, for the work.
var placeholder = []byte("no password")

// Set verifies any known form and makes new hashes with the preferred
// algorithm. It is immutable and safe for concurrent use.
type Set struct {
	hashers []Hasher // the preferred one first
	decoy   string   // a hash by the preferred hasher of what nobody knows
	cost    time.Duration
}

// NewSet makes a set. It computes one hash, so that parameters out of bounds
// fail here, and so that [Set.Decoy] costs the same from the first call on. Two
// hashers of one name are an error.
func NewSet(preferred Hasher, others ...Hasher) (*Set, error) {
	s := &Set{hashers: append([]Hasher{preferred}, others...)}
	names := make(map[string]bool)
	for _, h := range s.hashers {
		if h == nil {
			return nil, fmt.Errorf("new password set: nil hasher")
		}
		if names[h.Name()] {
			return nil, fmt.Errorf("new password set: %s twice", h.Name())
		}
		names[h.Name()] = true
	}
	var err error
	start := time.Now()
	if s.decoy, err = preferred.Hash([]byte(rand.Text())); err != nil {
		return nil, fmt.Errorf("new password set: %w", err)
	}
	s.cost = time.Since(start)
	if h, _, _, err := s.find(s.decoy); err != nil || h != 0 || !preferred.Current(s.decoy) || preferred.Check(s.decoy) != nil {
		return nil, fmt.Errorf("new password set: %s does not know its own hashes", preferred.Name())
	}
	return s, nil
}

// Cost is what one hash with the current parameters took when the set was made.
func (s *Set) Cost() time.Duration { return s.cost }

// Verify reports whether password is the one that encoded was made from. Behind
// the prefix {o} the OpaqueString form of password counts, otherwise its exact
// bytes.
//
// rehash is what to store instead of encoded when password is right and encoded
// was imported or is not made with the preferred algorithm and parameters; ""
// when encoded can stay, and when it must because there is no own hash of this
// password. Other algorithms or parameters cost one more hash, for a wrong
// password too.
//
// What can't be a password is wrong, after the same work. err wraps [ErrHash]
// when encoded is damaged, unknown or over the bounds; nothing was computed.
func (s *Set) Verify(password, encoded string) (ok bool, rehash string, err error) {
	i, inner, own, err := s.find(encoded)
	if err != nil {
		return false, "", err
	}
	input, usable := prepare(password, own)
	right, err := s.hashers[i].Verify(input, inner)
	if err != nil {
		return false, "", err
	}
	current := s.hashers[0].Current(inner)
	ok = usable && right
	switch {
	case !current:
		rehash = s.renew(password) // for a wrong password too: the same work
	case !own:
		rehash = adopt(password, inner)
	}
	if !ok {
		rehash = ""
	}
	return ok, rehash, nil
}

// Hash makes an own hash of password. The error wraps [ErrPassword] when
// password can't be one.
func (s *Set) Hash(password string) (string, error) {
	input, usable := prepare(password, true)
	if !usable {
		return "", fmt.Errorf("hash password: %w", ErrPassword)
	}
	encoded, err := s.hashers[0].Hash(input)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return ownPrefix + encoded, nil
}

// Check reports with nil that encoded can be verified: its form is known and
// its parameters are within bounds. Otherwise the error wraps [ErrHash]. It
// computes nothing.
func (s *Set) Check(encoded string) error {
	i, inner, _, err := s.find(encoded)
	if err != nil {
		return err
	}
	return s.hashers[i].Check(inner)
}

// Decoy does the work of verifying a wrong password against a current own hash,
// for users that don't exist or may not log in.
func (s *Set) Decoy(password string) {
	input, _ := prepare(password, true)
	_, _ = s.hashers[0].Verify(input, s.decoy) // always false: nobody knows what it was made from
}

// renew makes an own hash of password, or "" after the same work when the
// preferred hasher can't take it.
func (s *Set) renew(password string) string {
	input, usable := prepare(password, true)
	encoded, err := s.hashers[0].Hash(input)
	if err != nil || !usable {
		return ""
	}
	return ownPrefix + encoded
}

// adopt makes imported, the current hash of password, an own one where the two
// are the same.
func adopt(password, imported string) string {
	if input, usable := prepare(password, true); !usable || string(input) != password {
		return ""
	}
	return ownPrefix + imported
}

// find answers who verifies encoded, and encoded without the prefix.
func (s *Set) find(encoded string) (i int, inner string, own bool, err error) {
	inner, own = strings.CutPrefix(encoded, ownPrefix)
	for i, h := range s.hashers {
		if h.Matches(inner) {
			return i, inner, own, nil
		}
	}
	return 0, "", false, fmt.Errorf("unknown form: %w", ErrHash)
}

// Usable reports whether a password can be right at all: it has 1 to
// [MaxPassword] bytes of UTF-8, none of them NUL. [Set.Hash] may refuse more.
func Usable(password string) bool {
	return len(password) >= 1 && len(password) <= MaxPassword && utf8.ValidString(password) && strings.IndexByte(password, 0) < 0
}

// prepare answers the bytes to hash. When password can't be one, usable is
// false and input a placeholder.
func prepare(password string, own bool) (input []byte, usable bool) {
	if !Usable(password) {
		return placeholder, false
	}
	if !own {
		return []byte(password), true
	}
	input, err := precis.OpaqueString.Bytes([]byte(password))
	if err != nil {
		return placeholder, false
	}
	return input, true
}
