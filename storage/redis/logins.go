package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// Begin reads the owner and reserves one attempt, in one round trip. When its answer does not come, what it may have
// reserved is given back in the background: no password can have been evaluated.
func (s *Store) Begin(ctx context.Context, a storage.Attempt) (storage.Begun, error) {
	if err := s.serving(ctx); err != nil {
		return storage.Begun{}, err
	}
	n := newNonce()
	life := a.Hold + a.Policy.Window + reservationLife
	args := append([]any{n[:], millis(a.Hold), millis(life), millis(strangerLife)}, policy(a.Policy)...)
	reply, err := s.run(ctx, beginScript, s.accounts(a.Realm, a.Username), args...)
	if err == nil {
		var b storage.Begun
		if b, err = begun(a, n, reply); err == nil {
			return b, nil
		}
	}
	if !undelivered(err) {
		r := storage.Reservation{Realm: a.Realm, Username: a.Username, Policy: a.Policy, Nonce: n}
		s.voids.add(void{reservation: r, until: time.Now().Add(a.Hold)})
	}
	return storage.Begun{}, err
}

// undelivered reports whether a command certainly never reached the server.
func undelivered(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func begun(a storage.Attempt, n nonce, reply any) (storage.Begun, error) {
	list, ok := reply.([]any)
	if !ok || len(list) != 3 {
		return storage.Begun{}, errReply
	}
	standing, ok := list[0].(int64)
	now, ok2 := list[1].(int64)
	if !ok || !ok2 || standing < int64(storage.Reserved) || standing > int64(storage.Stopped) {
		return storage.Begun{}, errReply
	}
	b := storage.Begun{Standing: storage.Standing(standing)}
	if list[2] != nil {
		record, err := text(list[2])
		if err != nil {
			return storage.Begun{}, err
		}
		if b.User, err = storage.DecodeUser(a.Realm, a.Username, []byte(record)); err != nil {
			return storage.Begun{}, err
		}
	}
	b.Reservation = storage.Reservation{
		Realm: a.Realm, Username: a.Username, Policy: a.Policy, User: b.User,
		Now: storage.FromMillis(now), Begun: time.Now(),
	}
	if b.Standing == storage.Reserved {
		b.Reservation.Nonce = n
	}
	return b, nil
}

// Finish settles a reservation and, on success, creates the grant, in one round trip. The grant's epochs are those that
// are remembered: an end of its client's or realm's grants within the last second may end it too.
func (s *Store) Finish(ctx context.Context, st storage.Settlement) error {
	if err := s.serving(ctx); err != nil {
		return err
	}
	if st.Outcome != storage.Success {
		st.Grant, st.PasswordHash = nil, ""
	}
	r := &st.Reservation
	keys := append(s.accounts(r.Realm, r.Username), s.keys.in(r.Realm, r.Username)+"g:", s.keys.index(r.Realm, r.Username))
	args := []any{r.Nonce[:], int(st.Outcome), flag(r.User != nil)}
	read, rehashed, err := parts(r.User, st.PasswordHash)
	if err != nil {
		return err
	}
	args = append(args, read, rehashed)
	if g := st.Grant; g != nil {
		record, err := s.newGrant(ctx, r, g)
		if err != nil {
			return err
		}
		keys[4] = s.keys.grant(g.ID)
		args = append(args, record, storage.Millis(storage.Earlier(g.KeepUntil, g.MaxExpires)), g.ID[:])
	} else {
		args = append(args, "", 0, "")
	}
	args = append(append(args, millis(strangerLife)), policy(r.Policy)...)
	call := s.run
	if st.Outcome == storage.Failure {
		call = s.confirm // it may lock
	}
	reply, err := call(ctx, finishScript, keys, args...)
	if err != nil {
		return err
	}
	return verdict(reply)
}

// newGrant completes and encodes a grant.
func (s *Store) newGrant(ctx context.Context, r *storage.Reservation, g *storage.Grant) ([]byte, error) {
	if g.Realm != r.Realm || g.Username != r.Username || g.ID.Bucket() != storage.Bucket(r.Realm, r.Username) {
		return nil, errors.New("finish: the grant is not of the reservation's owner")
	}
	now, err := s.epochsOf(ctx, realmClient{g.Realm, g.ClientID}, false)
	if err != nil {
		return nil, err
	}
	g.RealmEpoch, g.ClientEpoch = now.realm, now.client
	g.MaxExpires = r.Bound(g.MaxExpires)
	record, err := g.Encode()
	if err != nil {
		return nil, fmt.Errorf("finish: %w", err)
	}
	return record, nil
}

// parts are the administrative part of an owner's record as it was read, and with a new password hash. Without one the
// version, which stands first, is all that is needed.
func parts(u *realm.User, hash string) (read, rehashed []byte, err error) {
	if u == nil {
		return nil, nil, nil
	}
	if hash == "" {
		return binary.BigEndian.AppendUint32(nil, u.Version), nil, nil
	}
	if read, err = administrative(u); err != nil {
		return nil, nil, err
	}
	again := *u
	again.PasswordHash = hash
	rehashed, err = administrative(&again)
	return read, rehashed, err
}

// administrative is the part of an owner's record that attempts do not change.
func administrative(u *realm.User) ([]byte, error) {
	record, err := storage.EncodeUser(u)
	if err != nil {
		return nil, err
	}
	return record[storage.LoginSize:], nil
}

// accounts are the keys where the attempts of a name may be kept.
func (s *Store) accounts(realmKey, name string) []string {
	account, reservations := s.keys.stranger(s.opts.StrangersKey, realmKey, name)
	return []string{s.keys.user(realmKey, name), account, s.keys.reservations(realmKey, name), reservations}
}

func policy(p realm.Lockout) []any {
	return []any{p.Threshold, millis(p.Window), millis(p.Duration), millis(p.MaxDuration), p.StopAfter}
}

// millis is a duration in whole milliseconds, at least one for a positive one; a negative one is -1.
func millis(d time.Duration) int64 {
	switch {
	case d < 0:
		return -1
	case d > 0 && d < time.Millisecond:
		return 1
	}
	return d.Milliseconds()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// text is a string in a reply.
func text(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", errReply
	}
	return s, nil
}
