package redis

import (
	"context"
	"errors"

	"github.com/ropcd/ropcd/storage"
)

// Refresh is the whole of a refresh token grant, in one round trip, with one more when the epochs of the client are not
// remembered.
func (s *Store) Refresh(ctx context.Context, r storage.RefreshStep) (storage.Refreshed, error) {
	if err := s.serving(ctx); err != nil {
		return storage.Refreshed{}, err
	}
	key := s.keys.grant(r.ID)
	keys := []string{key, s.keys.done(key, r.Nonce[:])}
	for fresh := false; ; fresh = true {
		now, err := s.epochsOf(ctx, realmClient{r.Realm, r.ClientID}, fresh)
		if err != nil {
			return storage.Refreshed{}, err
		}
		reply, err := s.confirm(ctx, refreshScript, keys, s.refreshArgs(r, now, fresh)...)
		if err != nil {
			return storage.Refreshed{}, err
		}
		out, err := refreshed(r.ID, reply)
		if !errors.Is(err, errStale) || fresh {
			return out, err
		}
	}
}

func (s *Store) refreshArgs(r storage.RefreshStep, now pairOfEpochs, fresh bool) []any {
	args := []any{
		s.keys.base(r.ID.Bucket()), r.ID[:], r.Generation, r.Digest[:], r.Realm, r.ClientID, r.Nonce[:], flag(r.Rotate),
		millis(r.Grace), millis(r.AccessLifetime), millis(r.RefreshLifetime), now.realm, now.client, flag(fresh), millis(doneLife),
		len(r.Scopes),
	}
	for _, scope := range r.Scopes {
		args = append(args, scope)
	}
	for _, scope := range r.ClientScopes {
		args = append(args, scope)
	}
	return args
}

func refreshed(id storage.GrantID, reply any) (storage.Refreshed, error) {
	list, ok := reply.([]any)
	if !ok || len(list) == 0 {
		return storage.Refreshed{}, errReply
	}
	if word, ok := list[0].(string); ok {
		return storage.Refreshed{}, verdict(word)
	}
	outcome, ok := list[0].(int64)
	if !ok || len(list) < 2 || outcome < int64(storage.RefreshDone) || outcome > int64(storage.RefreshNoScope) {
		return storage.Refreshed{}, errReply
	}
	var record any
	if len(list) > 2 {
		record = list[2]
	}
	v, err := view(id, list[1], record)
	if err != nil {
		return storage.Refreshed{}, err
	}
	out := storage.Refreshed{View: v, Outcome: storage.RefreshOutcome(outcome)}
	if v.Grant == nil && out.Outcome != storage.RefreshRefused {
		return storage.Refreshed{}, errReply
	}
	return out, nil
}
