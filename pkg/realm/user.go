package realm

import (
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

// User is a resource owner of one realm.
type User struct {
	Realm        string // the realm's key
	ID           string // never changes; the subject of tokens
	Username     string // canonical, see Username
	PasswordHash string // see pkg/password; empty: nobody can log in with a password
	Enabled      bool
	Expires      time.Time // zero: never; grants end with it at the latest
	Attributes   map[string]string
	Created      time.Time
	PasswordSet  time.Time // zero: not known
	Source       string    // the outside credential source that made the owner; empty: made here
	Seed         []byte    // the sealed seed of one-time codes; empty: no second factor

	// Version counts administrative changes. The store sets it; a write must name the version that was read.
	Version uint32
	// Login is the account of attempts. The store alone changes it, as attempts are reserved and settled.
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
	Logins      int       // logins that journeys have counted
	CodeStep    uint64    // the time step of the newest one-time code that was used; no code of it or an earlier one is good
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
