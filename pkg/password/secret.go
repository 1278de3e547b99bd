package password

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// secretPrefix marks the form of [HashSecret].
const secretPrefix = "$ropcd-secret$1$"

// NewSecret makes a client secret of 256 random bits, in characters that need no escaping anywhere.
func NewSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// HashSecret is what is kept of a client secret that is not a person's choice: a SHA-256 bound to the realm's key and
// the client's id, so that it means nothing elsewhere. It takes microseconds, and is no protection for a secret that can
// be guessed: those take a [Set].
func HashSecret(realmKey, clientID, secret string) string {
	sum := secretSum(realmKey, clientID, secret)
	return secretPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// VerifySecret compares a secret with the form of [HashSecret], in constant time. known is false when encoded is not of
// that form.
func VerifySecret(realmKey, clientID, secret, encoded string) (ok, known bool) {
	text, known := strings.CutPrefix(encoded, secretPrefix)
	if !known {
		return false, false
	}
	want, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(want) != sha256.Size || len(text) != base64.RawURLEncoding.EncodedLen(sha256.Size) {
		return false, true
	}
	sum := secretSum(realmKey, clientID, secret)
	return subtle.ConstantTimeCompare(sum[:], want) == 1, true
}

func secretSum(parts ...string) [sha256.Size]byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return sha256.Sum256(b)
}
