package token

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// MinSecret is the shortest system secret, in bytes.
const MinSecret = 32

// errSecrets is returned for a list that can't be used.
var errSecrets = errors.New("at least one system secret of 32 bytes or more is needed")

// Secrets are the system secrets of an installation. Immutable, safe for concurrent use.
type Secrets struct {
	list []secret
}

type secret struct {
	id   [4]byte
	root []byte
}

// NewSecrets takes the system secrets: the first signs, all verify. Each has at least [MinSecret] bytes.
func NewSecrets(list ...[]byte) (*Secrets, error) {
	if len(list) == 0 {
		return nil, errSecrets
	}
	s := &Secrets{}
	for i, root := range list {
		if len(root) < MinSecret {
			return nil, fmt.Errorf("system secret %d: %w", i+1, errSecrets)
		}
		id, err := hkdf.Key(sha256.New, root, nil, "ropcd key id", 4)
		if err != nil {
			return nil, fmt.Errorf("derive key id: %w", err)
		}
		for _, other := range s.list {
			if [4]byte(id) == other.id {
				return nil, fmt.Errorf("system secret %d is listed twice", i+1)
			}
		}
		s.list = append(s.list, secret{id: [4]byte(id), root: append([]byte(nil), root...)})
	}
	return s, nil
}

// IDs are the key ids that tokens name, in the order of the list. They tell nothing about the secrets.
func (s *Secrets) IDs() [][4]byte {
	ids := make([][4]byte, len(s.list))
	for i := range s.list {
		ids[i] = s.list[i].id
	}
	return ids
}

// Derive is a key of 32 bytes for another purpose, from the secret that signs. It tells nothing about the secrets.
func (s *Secrets) Derive(purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, s.list[0].root, nil, "ropcd purpose "+purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return key, nil
}

// Keys makes and reads the tokens of one realm. Safe for concurrent use.
type Keys struct {
	signers [2][]*signer // by kind; the first signs
}

// signer is one MAC key; MACs are pooled, since setting one up costs more than using it.
type signer struct {
	id   [4]byte
	pool sync.Pool // of *pooled
}

// pooled is a MAC with the memory of its input and output.
type pooled struct {
	hash.Hash
	in  [4 + accessSize]byte
	out [sha256.Size]byte
}

// For derives the keys of a realm, named by its key. It costs microseconds for each secret: keep the result.
func (s *Secrets) For(realmKey string) (*Keys, error) {
	k := &Keys{}
	for _, kind := range []Kind{Access, Refresh} {
		for _, sec := range s.list {
			key, err := hkdf.Key(sha256.New, sec.root, nil, label(kind, realmKey), sha256.Size)
			if err != nil {
				return nil, fmt.Errorf("derive token key: %w", err)
			}
			sig := &signer{id: sec.id}
			sig.pool.New = func() any { return &pooled{Hash: hmac.New(sha256.New, key)} }
			k.signers[kind] = append(k.signers[kind], sig)
		}
	}
	return k, nil
}

// label is unambiguous: the kind has a fixed set of names, the realm is the rest.
func label(kind Kind, realmKey string) string {
	return "ropcd token " + kind.String() + " of realm " + realmKey
}

// mac is the MAC of the fields, appended to dst.
func (s *signer) mac(dst, fields []byte) []byte {
	p, _ := s.pool.Get().(*pooled)
	defer s.pool.Put(p)
	p.Reset()
	binary.BigEndian.PutUint32(p.in[:], uint32(len(fields)))
	n := copy(p.in[4:], fields)
	p.Write(p.in[:4+n])
	return append(dst, p.Sum(p.out[:0])[:macSize]...)
}
