package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrSealed means that a sealed value can't be opened: it is damaged, belongs to somebody else, or was sealed under a system
// secret that is no longer listed.
var ErrSealed = errors.New("sealed value can't be opened")

// A sealed value is sealVersion and the key id, which are its head, and what AES-GCM makes: nonce, text and tag.
const (
	sealVersion = 1
	sealHead    = 1 + len(sealKey{}.id)
)

// Sealer encrypts small secrets that the store keeps for a resource owner, for one purpose: AES-256-GCM under a key that
// is derived from the system secret that signs. What is sealed opens for the same owner only. Safe for concurrent use.
type Sealer struct {
	keys []sealKey // in the order of the list: the first seals, all open
}

type sealKey struct {
	id   [4]byte
	aead cipher.AEAD
}

// Sealer makes the sealer of a purpose.
func (s *Secrets) Sealer(purpose string) (*Sealer, error) {
	out := &Sealer{}
	for _, sec := range s.list {
		key, err := hkdf.Key(sha256.New, sec.root, nil, "ropcd seal "+purpose, 32)
		if err != nil {
			return nil, fmt.Errorf("derive sealing key: %w", err)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("sealing key: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("sealing key: %w", err)
		}
		out.keys = append(out.keys, sealKey{sec.id, aead})
	}
	return out, nil
}

// Seal encrypts a secret of an owner, named by the realm's key and the owner's id.
func (s *Sealer) Seal(realmKey, userID string, secret []byte) []byte {
	k := s.keys[0]
	head := append([]byte{sealVersion}, k.id[:]...)
	return k.aead.Seal(head, nil, secret, bound(head, realmKey, userID))
}

// Open is the secret that was sealed for the owner, or [ErrSealed]. current is false when another system secret than the
// first one sealed it: then it should be sealed anew.
func (s *Sealer) Open(realmKey, userID string, sealed []byte) (secret []byte, current bool, err error) {
	id, ok := SealedUnder(sealed)
	if !ok {
		return nil, false, ErrSealed
	}
	head, text := sealed[:sealHead], sealed[sealHead:]
	for i, k := range s.keys {
		if k.id != id {
			continue
		}
		secret, err := k.aead.Open(nil, nil, text, bound(head, realmKey, userID))
		if err != nil {
			return nil, false, ErrSealed // its cause tells nothing more
		}
		return secret, i == 0, nil
	}
	return nil, false, ErrSealed
}

// SealedUnder is the id of the system secret ([Secrets.IDs]) that a sealed value names. It opens nothing: that the value
// is whole is not checked. ok is false for what was never sealed.
func SealedUnder(sealed []byte) (id [4]byte, ok bool) {
	if len(sealed) < sealHead || sealed[0] != sealVersion {
		return id, false
	}
	return [4]byte(sealed[1:sealHead]), true
}

// bound is what a sealed value is bound to: its head and its owner, so that no two owners are the same.
func bound(head []byte, realmKey, userID string) []byte {
	out := append([]byte{}, head...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(realmKey)))
	return append(append(out, realmKey...), userID...)
}
