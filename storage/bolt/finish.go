package bolt

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// Finish implements [storage.Logins]. All but Void cost one commit.
func (s *Store) Finish(ctx context.Context, st storage.Settlement) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	r, grant := st.Reservation, st.Grant
	if st.Outcome == storage.Void {
		s.held.giveBack(account{r.Realm, r.Username}, r.Nonce)
		return nil
	}
	x, err := settlementOf(st)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(t *tx) error { return s.finish(t, x) })
	if err == nil && x.Grant != nil {
		grant.RealmEpoch, grant.ClientEpoch = x.Grant.RealmEpoch, x.Grant.ClientEpoch
		if st.Evicted != nil {
			*st.Evicted = x.evicted
		}
	}
	return err
}

// settlement is a settlement that shares nothing with a caller who may not wait for the writer.
type settlement struct {
	storage.Settlement
	who  account
	read []byte // the administrative part of the owner's record as Begin read it, if there is an Owner to replace it

	// What makeRoom has decided.
	evicted []storage.GrantID
	full    bool
}

func settlementOf(st storage.Settlement) (x *settlement, err error) {
	if st, err = st.Effective(); err != nil {
		return nil, err
	}
	x = &settlement{Settlement: st, who: account{st.Reservation.Realm, st.Reservation.Username}}
	if st.Reservation.User != nil {
		x.Reservation.User = st.Reservation.User.Clone()
	}
	if st.Owner != nil {
		if x.read, err = storage.EncodeAdministrative(x.Reservation.User); err != nil {
			return nil, err
		}
	}
	if st.Grant != nil {
		if _, err := st.Grant.Encode(); err != nil {
			return nil, err
		}
		x.Grant = clone(st.Grant)
	}
	return x, nil
}

// finish settles one attempt. Each way through it writes the account that judged, changed or not.
func (s *Store) finish(t *tx, x *settlement) error {
	a, err := s.attempts(t, x.who)
	if err != nil {
		return err
	}
	if err := x.makeRoom(t, a); err != nil {
		return err
	}
	h := s.held.takeOne(t, x.who, x.Reservation.Nonce)
	var answer error
	switch {
	case h == nil:
		a.change(x.Reservation.Source)
		answer = x.repeated(t)
	case x.Outcome == storage.Success && guard.CodeUsed(&a.login, x.CodeStep):
		answer = storage.ErrCodeUsed
		guard.FailCode(a.change(h.source), x.Reservation.Policy, t.now)
	case x.Outcome == storage.Success && x.late(t, a.user):
		a.change(h.source)
		answer = storage.ErrConflict
	default:
		x.replace(t, a)
		x.count(t, a, h.source)
		answer = x.create(t, a)
	}
	if err := s.put(t, x.who, a); err != nil {
		t.fault = err // never: the record was read from the file, or has been encoded before
	}
	return answer
}

// late reports whether the owner is another one, or another version, than Begin read.
func (x *settlement) late(t *tx, u *realm.User) bool {
	return !sameVersion(x.Reservation.User, u) || (x.Grant != nil && (u == nil || t.get(grantsBucket, x.Grant.ID[:]) != nil))
}

// count does the arithmetic of an attempt that was under way, and was judged by a source's account or, if that is zero, by
// the general one. A success that a source's own account judged leaves the failures of the general one: an attacker
// elsewhere would have new guesses with each login of the owner.
func (x *settlement) count(t *tx, a *attempts, judge storage.Source) {
	if x.CodeStep != 0 {
		guard.UseCode(&a.login, x.CodeStep)
		a.general = true
	}
	if x.Outcome == storage.Failure {
		fail := guard.Fail
		if x.WrongCode {
			fail = guard.FailCode
		}
		fail(a.change(judge), x.Reservation.Policy, t.now)
		return
	}
	code, source := x.CodeStep != 0, x.Reservation.Source
	a.general = true
	if judge == (storage.Source{}) && !x.Unverified {
		guard.Succeed(&a.login, code, t.now)
	}
	a.login.LastLogin = t.now
	if x.CountLogin && !x.full {
		guard.CountLogin(&a.login)
	}
	known := !x.Unverified && guard.SourceLogin(a.known, source) != nil
	if a.user != nil && (known || x.Introduces()) {
		a.known, a.sources = guard.Know(a.known, source, code, t.now), true
	}
}

// replaces reports whether the settlement's owner is to be put in place: the record is what Begin read.
func (x *settlement) replaces(a *attempts) bool {
	if x.Owner == nil || a.user == nil {
		return false
	}
	now, err := storage.EncodeAdministrative(a.user)
	return err == nil && bytes.Equal(now, x.read)
}

// replace puts the settlement's owner in place, unless the record is not what Begin read. The grants that go with a change
// are ended or shortened, and the sources forgotten.
func (x *settlement) replace(t *tx, a *attempts) {
	if !x.replaces(a) {
		return
	}
	switch {
	case x.EndGrants:
		t.endOwned(x.who)
		a.known, a.sources = nil, true
	case !x.Owner.Expires.Equal(a.user.Expires):
		t.capOwned(x.who, x.Owner)
	}
	a.user, a.general = x.Owner, true
}

// create makes the settlement's grant, if there is one and it has room.
func (x *settlement) create(t *tx, a *attempts) error {
	switch {
	case x.full:
		return storage.ErrTooManyGrants
	case x.Grant == nil:
		return nil
	}
	for _, id := range x.evicted {
		t.deleteGrant(x.who.key(), id)
	}
	t.createGrant(x.Grant, a.user)
	return nil
}

// repeated is the answer to a success that was settled before: nil if its grant is there.
func (x *settlement) repeated(t *tx) error {
	if x.Grant == nil {
		return nil
	}
	there, err := t.grant(x.Grant.ID)
	if err != nil || there.Realm != x.who.realm || there.Username != x.who.name {
		return storage.ErrConflict
	}
	x.Grant.RealmEpoch, x.Grant.ClientEpoch = there.RealmEpoch, there.ClientEpoch
	return nil
}

func sameVersion(read, now *realm.User) bool {
	if read == nil || now == nil {
		return read == nil && now == nil
	}
	return read.ID == now.ID && read.Version == now.Version
}

// clone is a copy that shares nothing with g.
func clone(g *storage.Grant) *storage.Grant {
	c := *g
	c.Scopes, c.Revoked, c.Properties = slices.Clone(g.Scopes), slices.Clone(g.Revoked), maps.Clone(g.Properties)
	return &c
}
