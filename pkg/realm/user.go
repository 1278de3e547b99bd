package realm

import (
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// MaxUsername is the longest user name, in bytes, before and after canonicalization.
const MaxUsername = 256

// The bounds of an owner's attributes: how many, and of a name or value in bytes.
const (
	MaxAttributes = 256
	MaxAttribute  = 4 << 10
)

// MaxSeed is the longest sealed seed, in bytes.
const MaxSeed = 512

// User is a resource owner of one realm.
type User struct {
	Realm        string    // the realm's key
	ID           string    // never changes; the subject of tokens
	Username     string    // canonical, see Username
	Source       string    // the outside source of credentials that made the owner, such as a directory; empty: made here
	PasswordHash string    // see pkg/password; empty: nobody can log in with a password
	PasswordSet  time.Time // when the password was last set; zero: not known
	Seed         []byte    // of one-time codes, sealed, at most MaxSeed; empty: no second factor
	Enabled      bool
	Expires      time.Time // zero: never; grants end with it at the latest
	Attributes   map[string]string
	Created      time.Time

	// Version counts administrative changes. The store sets it; a write must name the version that was read.
	Version uint32
	// Login is the general account of attempts. The store alone changes it, as attempts are reserved and settled.
	Login Login
}

// Login is what the store knows of an owner's attempts to log in.
type Login struct {
	Failures    int // within the window; reaching the threshold locks
	Consecutive int // since the last success, however old
	LastFailure time.Time
	LockedUntil time.Time // zero: not locked
	Locks       int       // in a row, for doubling
	LastLogin   time.Time // zero: never
	Logins      int       // that journeys have counted

	// CodeStep is the time step of the newest one-time code that was used; 0: none. No code of it, or of an earlier one,
	// is good again.
	CodeStep uint64

	// CodeFailures are those of Consecutive that were wrong one-time codes. Only a login with a right code clears them: a
	// login with a password alone says nothing about who guesses codes.
	CodeFailures int
}

// Clone is a copy that shares nothing with u.
func (u *User) Clone() *User {
	c := *u
	c.Seed, c.Attributes = slices.Clone(u.Seed), maps.Clone(u.Attributes)
	return &c
}

// Expired reports whether the account's time is over.
func (u *User) Expired(now time.Time) bool { return !u.Expires.IsZero() && !now.Before(u.Expires) }

// Username is the one canonical form of a user name (PRECIS UsernameCaseMapped, RFC 8265 section 3.3) in which names
// are counted, looked up and audited. ok is false for what cannot be a name: empty, longer than [MaxUsername], or
// refused by the profile.
func Username(name string) (canonical string, ok bool) {
	if name == "" || len(name) > MaxUsername || !utf8.ValidString(name) {
		return "", false
	}
	if plainASCII(name) {
		return name, true
	}
	canonical, err := precis.UsernameCaseMapped.String(name)
	if err != nil || canonical == "" || len(canonical) > MaxUsername {
		return "", false
	}
	return canonical, true
}

// plainASCII spares the profile for names that it would leave as they are.
func plainASCII(name string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || ('A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}
