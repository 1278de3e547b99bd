package bolt

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// Begin implements [storage.Logins]. It writes only when an attempt was left unsettled.
func (s *Store) Begin(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
	// No password is to be evaluated whose outcome can't be kept.
	if err := s.Ready(ctx); err != nil {
		return storage.Begun{}, err
	}
	for {
		b, unsettled, err := s.begin(ctx, a)
		if err != nil {
			return storage.Begun{}, err
		}
		if !unsettled {
			return b, nil
		}
		if err := s.countUnsettled(ctx, account{a.Realm, a.Username}); err != nil {
			return storage.Begun{}, err
		}
	}
}

func (s *Store) begin(ctx context.Context, a storage.Attempt) (b storage.Begun, unsettled bool, err error) {
	who := account{a.Realm, a.Username}
	sh := s.held.shard(who)
	// The lock is held from before the file is read until the attempt is counted: whoever settles writes to the file
	// first and forgets the attempt afterwards.
	sh.Lock()
	defer sh.Unlock()
	err = s.read(ctx, func(t *tx) error {
		if unsettled = sh.expired(who, t.now); unsettled {
			return nil
		}
		u, login, err := s.account(t, who)
		if err != nil {
			return err
		}
		b.User = u
		b.Reservation = storage.Reservation{
			Realm: a.Realm, Username: a.Username, Policy: a.Policy, User: u, Now: t.now, Begun: time.Now(),
		}
		b.Standing = guard.Judge(&login, a.Policy, len(sh.accounts[who]), t.now)
		return nil
	})
	if err == nil && !unsettled && b.Standing == storage.Reserved {
		b.Reservation.Nonce = sh.reserve(who, &hold{until: b.Reservation.Now.Add(a.Hold), policy: a.Policy})
	}
	return b, unsettled, err
}

// countUnsettled counts attempts that have outlived their hold as failures.
func (s *Store) countUnsettled(ctx context.Context, who account) error {
	return s.write(ctx, func(t *tx) error {
		u, login, err := s.account(t, who)
		if err != nil {
			return err
		}
		over := s.held.take(t, who, func(_ [16]byte, h *hold) bool { return !t.now.Before(h.until) })
		for _, p := range over {
			guard.Fail(&login, p, t.now)
		}
		if len(over) == 0 {
			return nil // another one was faster
		}
		return s.putAccount(t, who, u, login)
	})
}

var errForeignGrant = errors.New("finish: the grant is not the reservation's")

// Finish implements [storage.Logins]. All but Void cost one commit.
func (s *Store) Finish(ctx context.Context, st storage.Settlement) error {
	r := st.Reservation
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	if st.Outcome == storage.Void {
		s.held.giveBack(account{r.Realm, r.Username}, r.Nonce)
		return nil
	}
	g := st.Grant
	if st.Outcome != storage.Success {
		g, st.PasswordHash = nil, ""
	}
	if g != nil {
		if g.Realm != r.Realm || g.Username != r.Username || g.ID.Bucket() != storage.Bucket(r.Realm, r.Username) {
			return errForeignGrant
		}
		if _, err := g.Encode(); err != nil {
			return err
		}
		g = clone(g)
	}
	err := s.write(ctx, func(t *tx) error { return s.finish(t, st, g) })
	if err == nil && g != nil {
		st.Grant.RealmEpoch, st.Grant.ClientEpoch = g.RealmEpoch, g.ClientEpoch
	}
	return err
}

// finish settles one attempt. Each way through it writes the account, changed or not.
func (s *Store) finish(t *tx, st storage.Settlement, g *storage.Grant) error {
	r := st.Reservation
	who := account{r.Realm, r.Username}
	u, login, err := s.account(t, who)
	if err != nil {
		return err
	}
	held := s.held.takeOne(t, who, r.Nonce)
	answer := error(nil)
	switch {
	case st.Outcome != storage.Success:
		if held {
			guard.Fail(&login, r.Policy, t.now)
		}
	case !held:
		answer = repeated(t, g)
	case !sameVersion(r.User, u) || (g != nil && (u == nil || t.get(grantsBucket, g.ID[:]) != nil)):
		answer = storage.ErrConflict
	default:
		guard.Succeed(&login, t.now)
		if u != nil && st.PasswordHash != "" {
			u.PasswordHash = st.PasswordHash
		}
		if g != nil {
			t.createGrant(g, u)
		}
	}
	if err := s.putAccount(t, who, u, login); err != nil {
		t.fault = err // never: the record was read from the file, and a hash is short
	}
	return answer
}

// repeated is the answer to a success that was settled before: nil if its grant is there.
func repeated(t *tx, g *storage.Grant) error {
	if g == nil {
		return nil
	}
	there, err := t.grant(g.ID)
	if err != nil || there.Realm != g.Realm || there.Username != g.Username {
		return storage.ErrConflict
	}
	g.RealmEpoch, g.ClientEpoch = there.RealmEpoch, there.ClientEpoch
	return nil
}

func sameVersion(read, now *realm.User) bool {
	if read == nil || now == nil {
		return read == nil && now == nil
	}
	return read.ID == now.ID && read.Version == now.Version
}

// clone is a copy that shares nothing with a caller who may not wait for the writer.
func clone(g *storage.Grant) *storage.Grant {
	c := *g
	c.Scopes, c.Revoked, c.Properties = slices.Clone(g.Scopes), slices.Clone(g.Revoked), maps.Clone(g.Properties)
	return &c
}
