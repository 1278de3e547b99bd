package redis

import (
	"context"
	"errors"
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
	args := append([]any{n[:], millis(a.Hold), millis(life), millis(strangerLife), a.Source[:]}, policy(a.Policy)...)
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
		Realm: a.Realm, Username: a.Username, Policy: a.Policy, Source: a.Source, User: b.User,
		Now: storage.FromMillis(now), Begun: time.Now(),
	}
	if b.Standing == storage.Reserved {
		b.Reservation.Nonce = n
	}
	return b, nil
}

// accounts are the keys where the attempts of a name may be kept.
func (s *Store) accounts(realmKey, name string) []string {
	account, reservations := s.keys.stranger(s.opts.StrangersKey, realmKey, name)
	return []string{
		s.keys.user(realmKey, name), account, s.keys.reservations(realmKey, name), reservations, s.keys.sources(realmKey, name),
	}
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
