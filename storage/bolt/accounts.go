package bolt

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// tagSize is how much of its hash a stranger's slot keeps beside the number of the slot.
const tagSize = 14

// attempts are a name's accounts of attempts, in a transaction.
type attempts struct {
	user  *realm.User // nil: a name that belongs to nobody
	login realm.Login // the general account
	known []storage.KnownSource

	// What put writes.
	general, sources bool
}

// attempts reads the accounts of an owner, or of a stranger. It does the same work for both.
func (s *Store) attempts(t *tx, who account) (*attempts, error) {
	u, err := t.user(who)
	if err != nil {
		return nil, err
	}
	known, err := storage.DecodeSources(t.get(knownBucket, who.key()))
	if err != nil {
		return nil, err
	}
	stranger := s.stranger(t, who)
	if u == nil {
		return &attempts{login: stranger}, nil
	}
	return &attempts{user: u, login: u.Login, known: known}, nil
}

// of is the account that a source's attempts are judged by: its own if it is known, else the general one.
func (a *attempts) of(s storage.Source) *realm.Login {
	if l := guard.SourceLogin(a.known, s); l != nil {
		return l
	}
	return &a.login
}

// change is of, to be written.
func (a *attempts) change(s storage.Source) *realm.Login {
	l := a.of(s)
	a.general = a.general || l == &a.login
	a.sources = a.sources || l != &a.login
	return l
}

// put writes what was changed, the general account of an owner with the whole record.
func (s *Store) put(t *tx, who account, a *attempts) error {
	if a.sources && a.user != nil {
		t.putSources(who, a.known)
	}
	switch {
	case !a.general:
		return nil
	case a.user == nil:
		slot, tag := s.ring(who)
		t.put(ringBucket, slot, append(tag, storage.EncodeLogin(a.login)...))
		return nil
	}
	a.user.Login = a.login
	return t.putUser(a.user)
}

func (t *tx) putSources(who account, known []storage.KnownSource) {
	if len(known) == 0 {
		t.delete(knownBucket, who.key())
		return
	}
	t.put(knownBucket, who.key(), storage.EncodeSources(known))
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
