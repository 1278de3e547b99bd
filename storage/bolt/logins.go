package bolt

import (
	"context"
	"time"

	"github.com/ropcd/ropcd/pkg/guard"
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
	var source storage.Source // whose account judges; zero: the general one
	err = s.read(ctx, func(t *tx) error {
		if unsettled = sh.expired(who, t.now); unsettled {
			return nil
		}
		accounts, err := s.attempts(t, who)
		if err != nil {
			return err
		}
		u, judge := accounts.user, accounts.of(a.Source)
		if judge != &accounts.login {
			source = a.Source
		}
		b.User = u
		b.Reservation = storage.Reservation{
			Realm: a.Realm, Username: a.Username, Policy: a.Policy, Source: a.Source, User: u, Now: t.now, Begun: time.Now(),
		}
		policy := a.Policy
		if u == nil {
			policy.StopAfter = 0 // nobody could unlock it
		}
		b.Standing = guard.Judge(judge, policy, sh.flying(who, accounts, judge), t.now)
		return nil
	})
	if err == nil && !unsettled && b.Standing == storage.Reserved {
		h := &hold{until: b.Reservation.Now.Add(a.Hold), policy: a.Policy, source: source}
		b.Reservation.Nonce = sh.reserve(who, h)
	}
	return b, unsettled, err
}

// countUnsettled counts attempts that have outlived their hold as failures.
func (s *Store) countUnsettled(ctx context.Context, who account) error {
	return s.write(ctx, func(t *tx) error {
		a, err := s.attempts(t, who)
		if err != nil {
			return err
		}
		over := s.held.take(t, who, func(_ [16]byte, h *hold) bool { return !t.now.Before(h.until) })
		for _, h := range over {
			guard.Fail(a.change(h.source), h.policy, t.now)
		}
		return s.put(t, who, a) // nothing, if another one was faster
	})
}
