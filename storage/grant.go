package storage

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// MaxScopes is how many scopes a grant may have: a token carries a bitmap over them.
const MaxScopes = realm.MaxScopes

// MaxRevoked is how many revoked access tokens a grant remembers one by one, expired or not. Those from the first on without
// a gap are "all up to n", and take no place; beyond MaxRevoked the oldest become so, too.
const MaxRevoked = 64

// Buckets is the number of slots that owners are spread over; an owner, its attempts and its grants share one.
const Buckets = 4096

// Digest is a truncated SHA-256 of a token's secret.
type Digest [12]byte

// DigestOf is what a store keeps of a secret.
func DigestOf(secret []byte) Digest {
	sum := sha256.Sum256(secret)
	return Digest(sum[:12])
}

// Equal compares in constant time.
func (d Digest) Equal(other Digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// GrantID names a grant: two bytes of its owner's bucket, and twelve random ones.
type GrantID [14]byte

// NewGrantID makes an id in the owner's bucket.
func NewGrantID(realmKey, name string) GrantID {
	var id GrantID
	binary.BigEndian.PutUint16(id[:2], Bucket(realmKey, name))
	_, _ = rand.Read(id[2:]) // never fails, see crypto/rand
	return id
}

// Bucket is the slot, below [Buckets], of an owner.
func Bucket(realmKey, name string) uint16 {
	h := sha256.New()
	h.Write([]byte(realmKey))
	h.Write([]byte{0})
	h.Write([]byte(name))
	return binary.BigEndian.Uint16(h.Sum(nil)) % Buckets
}

// Bucket is the slot of the grant's owner.
func (id GrantID) Bucket() uint16 { return binary.BigEndian.Uint16(id[:2]) % Buckets }

// String is the grant's id as people and introspection see it: 19 characters of base64url.
func (id GrantID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

var errGrantID = errors.New("not a grant id")

// ParseGrantID reads [GrantID.String], strictly.
func ParseGrantID(s string) (GrantID, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(GrantID{}) || binary.BigEndian.Uint16(b) >= Buckets {
		return GrantID{}, errGrantID
	}
	if id := GrantID(b); id.String() == s { // a strict decoder skips line breaks, too
		return id, nil
	}
	return GrantID{}, errGrantID
}

// Grant is one successful login of one resource owner through one client, and the state of its tokens. Times are those
// of the store's clock, to the millisecond; a zero time never comes.
type Grant struct {
	ID       GrantID
	Realm    string // the realm's key
	Username string // canonical
	Subject  string
	ClientID string

	Scopes     []string // in the order granted, at most MaxScopes
	GrantType  string   // how the grant began
	Journey    string
	Rule       string // which rule of journey selection hit
	AuthLevel  int
	AuthTime   time.Time
	Address    string            // of the end user
	Properties map[string]string // session properties

	Generation     uint32    // of the refresh token, from 0
	Seq            uint32    // of the newest access token, from 1
	Refreshed      time.Time // when the last rotation was, zero: never
	Nonce          [8]byte   // of the last refresh
	AccessExpires  time.Time // of the access token Seq
	RefreshExpires time.Time // of the refresh token Generation
	MaxExpires     time.Time // nothing of the grant is valid at or after it
	KeepUntil      time.Time // when the record goes: the latest expiry of any of its tokens
	HasRefresh     bool      // a refresh token was issued

	RefreshDigest Digest
	AccessDigest  Digest
	RealmEpoch    uint32
	ClientEpoch   uint32

	RevokedUpTo uint32   // all access tokens up to this number are revoked
	Revoked     []uint32 // single ones beyond it
}

// Over reports whether t has come. A zero time never comes.
func Over(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// Expired reports whether nothing of the grant can be valid any more.
func (g *Grant) Expired(now time.Time) bool { return Over(g.KeepUntil, now) || Over(g.MaxExpires, now) }

// IsRevoked reports whether the access token of that number was revoked.
func (g *Grant) IsRevoked(seq uint32) bool {
	return seq <= g.RevokedUpTo || slices.Contains(g.Revoked, seq)
}

// Bitmap has bit i set when the grant's scope i is in scopes. ok is false when a scope is not the grant's.
func (g *Grant) Bitmap(scopes []string) (bits uint64, ok bool) {
	for _, s := range scopes {
		i := slices.Index(g.Scopes, s)
		if i < 0 {
			return 0, false
		}
		bits |= 1 << i
	}
	return bits, true
}

// Select is the grant's scopes that are in the bitmap, in the grant's order.
func (g *Grant) Select(bits uint64) []string {
	var out []string
	for i, s := range g.Scopes {
		if bits&(1<<i) != 0 {
			out = append(out, s)
		}
	}
	return out
}
