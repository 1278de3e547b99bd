package bolt

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// tagSize is how much of its hash a stranger's slot keeps beside the number of the slot.
const tagSize = 14

// account reads the account of attempts of an owner, or of a stranger (then the owner is nil). It does the same work
// for both.
func (s *Store) account(t *tx, who account) (*realm.User, realm.Login, error) {
	u, err := t.user(who)
	if err != nil {
		return nil, realm.Login{}, err
	}
	stranger := s.stranger(t, who)
	if u != nil {
		return u, u.Login, nil
	}
	return nil, stranger, nil
}

// putAccount writes the account of attempts, and for an owner with it the whole record.
func (s *Store) putAccount(t *tx, who account, u *realm.User, l realm.Login) error {
	if u == nil {
		slot, tag := s.ring(who)
		t.put(ringBucket, slot, append(tag, storage.EncodeLogin(l)...))
		return nil
	}
	u.Login = l
	return t.putUser(u)
}

// stranger is the account of a name that belongs to nobody. A slot that another name has taken counts from nothing.
func (s *Store) stranger(t *tx, who account) realm.Login {
	slot, tag := s.ring(who)
	v := t.get(ringBucket, slot)
	if len(v) < tagSize || !hmac.Equal(v[:tagSize], tag) {
		return realm.Login{}
	}
	l, err := storage.DecodeLogin(v[tagSize:])
	if err != nil {
		return realm.Login{}
	}
	return l
}

// ring is the slot of a name, and how the slot knows it.
func (s *Store) ring(who account) (slot, tag []byte) {
	h := hmac.New(sha256.New, s.ringKey[:])
	h.Write(who.key())
	sum := h.Sum(nil)
	return sum[:2:2], sum[2 : 2+tagSize : 2+tagSize]
}
