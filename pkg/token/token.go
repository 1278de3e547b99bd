package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// Kind is what a token is for. It is part of the MAC's key.
type Kind int

// The kinds of tokens (RFC 6749 sections 1.4 and 1.5).
const (
	Access Kind = iota
	Refresh
)

func (k Kind) String() string { return [...]string{"access", "refresh"}[k] }

func (k Kind) prefix() string { return [...]string{"at_", "rt_"}[k] }

// Secret is what the tokens of a grant share with nobody else.
type Secret [16]byte

// NewSecret makes the secret of a new grant's refresh tokens.
func NewSecret() Secret {
	var s Secret
	_, _ = rand.Read(s[:]) // never fails, see crypto/rand
	return s
}

// Access derives the secret of the grant's access tokens, as a truncated HMAC-SHA256 of a label. It can't be reversed. It
// is written out (RFC 2104 section 2): each grant has another key, and setting one up would take eight allocations.
func (s Secret) Access() Secret {
	const label = "ropcd access secret"
	var inner [sha256.BlockSize + len(label)]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	copy(inner[:], s[:])
	copy(outer[:], s[:])
	for i := range sha256.BlockSize {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	copy(inner[sha256.BlockSize:], label)
	sum := sha256.Sum256(inner[:])
	copy(outer[sha256.BlockSize:], sum[:])
	sum = sha256.Sum256(outer[:])
	return Secret(sum[:16])
}

// Digest is what a store keeps of the secret.
func (s Secret) Digest() storage.Digest { return storage.DigestOf(s[:]) }

// Token is the content of a token.
type Token struct {
	Kind   Kind
	Grant  storage.GrantID
	Number uint32 // the generation of a refresh token, the sequence number of an access token
	Secret Secret

	// Of access tokens only:
	Expires time.Time // to the millisecond; zero: never
	Scopes  uint64    // bitmap over the grant's scopes
}

const (
	macSize     = 16
	refreshSize = 4 + 14 + 4 + 16
	accessSize  = refreshSize + 8 + 8
	// maxText is the longest token there is, in characters.
	maxText = 3 + (accessSize+macSize)*4/3 + 1
)

var encoding = base64.RawURLEncoding.Strict()

// Write makes the token's text: the same text for the same content, as long as the first system secret is the same.
func (k *Keys) Write(t Token) string {
	s := k.signers[t.Kind][0]
	var fixed [accessSize + macSize]byte
	b := append(fixed[:0], s.id[:]...)
	b = append(b, t.Grant[:]...)
	b = binary.BigEndian.AppendUint32(b, t.Number)
	b = append(b, t.Secret[:]...)
	if t.Kind == Access {
		b = binary.BigEndian.AppendUint64(b, uint64(storage.Millis(t.Expires)))
		b = binary.BigEndian.AppendUint64(b, t.Scopes)
	}
	b = s.mac(b, b)
	var text [maxText]byte
	return string(encoding.AppendEncode(append(text[:0], t.Kind.prefix()...), b))
}

// Read is the content of a token of this realm. ok is false for everything that [Keys.Write] did not make with one of
// the listed secrets, for this realm, down to the last bit.
func (k *Keys) Read(text string) (t Token, ok bool) {
	switch {
	case len(text) > maxText:
		return Token{}, false
	case strings.HasPrefix(text, Access.prefix()):
		return k.read(Access, accessSize, text)
	case strings.HasPrefix(text, Refresh.prefix()):
		return k.read(Refresh, refreshSize, text)
	}
	return Token{}, false
}

func (k *Keys) read(kind Kind, size int, text string) (t Token, ok bool) {
	text = text[len(kind.prefix()):]
	if len(text) != encoding.EncodedLen(size+macSize) || strings.ContainsAny(text, "\r\n") {
		return Token{}, false
	}
	var fixed [accessSize + macSize]byte
	if n, err := encoding.Decode(fixed[:], []byte(text)); err != nil || n != size+macSize {
		return Token{}, false
	}
	fields, mac := fixed[:size], fixed[size:size+macSize]
	if !k.signed(kind, fields, mac) {
		return Token{}, false
	}
	t = Token{Kind: kind, Grant: storage.GrantID(fields[4:18]), Number: binary.BigEndian.Uint32(fields[18:22]), Secret: Secret(fields[22:38])}
	if kind == Access {
		t.Expires = storage.FromMillis(int64(binary.BigEndian.Uint64(fields[38:46])))
		t.Scopes = binary.BigEndian.Uint64(fields[46:54])
	}
	return t, true
}

func (k *Keys) signed(kind Kind, fields, mac []byte) bool {
	for _, s := range k.signers[kind] {
		if s.id == [4]byte(fields[:4]) {
			var sum [macSize]byte
			return hmac.Equal(mac, s.mac(sum[:0], fields))
		}
	}
	return false
}
