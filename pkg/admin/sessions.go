package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// Session is a live grant: one login of one user through one client.
type Session struct {
	ID         string            `json:"id"` // the authGrantId of introspection
	Realm      string            `json:"realm"`
	Username   string            `json:"username"`
	Subject    string            `json:"sub"`
	ClientID   string            `json:"client_id"`
	Scopes     []string          `json:"scopes"`
	Journey    string            `json:"journey"`
	Rule       string            `json:"journey_rule"`
	AuthLevel  int               `json:"auth_level"`
	AuthTime   time.Time         `json:"auth_time"`
	Refreshed  *time.Time        `json:"refreshed"` // null: never
	Expires    *time.Time        `json:"expires"`   // of everything of it; null: never
	Address    string            `json:"address"`
	Properties map[string]string `json:"session,omitempty"`
}

// SessionQuery names sessions of a realm: of a user, of a client, one by id, or all of them.
type SessionQuery struct {
	InRealm
	Username string `json:"username,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	ID       string `json:"id,omitempty"`
	All      bool   `json:"all,omitempty"` // of the realm
}

func describeSession(g *storage.Grant) Session {
	return Session{
		ID: g.ID.String(), Realm: g.Realm, Username: g.Username, Subject: g.Subject, ClientID: g.ClientID, Scopes: filled(g.Scopes),
		Journey: g.Journey, Rule: g.Rule, AuthLevel: g.AuthLevel, AuthTime: g.AuthTime, Refreshed: moment(g.Refreshed),
		Expires: moment(storage.Earlier(g.KeepUntil, g.MaxExpires)), Address: g.Address, Properties: g.Properties,
	}
}

// listSessions lists those of a user; without one it reads all of the realm, and picks a client's.
func (a *api) listSessions(ctx context.Context, in SessionQuery) iter.Seq2[Session, error] {
	return func(yield func(Session, error) bool) {
		r, err := a.realm(in.Realm)
		if err != nil {
			yield(Session{}, err)
			return
		}
		for g, err := range a.grants(ctx, r.Path.Key(), in) {
			if err != nil {
				yield(Session{}, err)
				return
			}
			if (in.ClientID == "" || g.ClientID == in.ClientID) && !yield(describeSession(g), nil) {
				return
			}
		}
	}
}

func (a *api) grants(ctx context.Context, realmKey string, in SessionQuery) iter.Seq2[*storage.Grant, error] {
	if in.Username == "" {
		return a.Store.Grants(ctx, realmKey)
	}
	return func(yield func(*storage.Grant, error) bool) {
		u, err := a.user(ctx, UserRef{InRealm: in.InRealm, Username: in.Username}, &trail{})
		if err != nil {
			yield(nil, err)
			return
		}
		list, err := a.Store.GrantsOf(ctx, realmKey, u.Username)
		if err != nil {
			yield(nil, fmt.Errorf("sessions: %w", err))
			return
		}
		for _, g := range list {
			if !yield(g, nil) {
				return
			}
		}
	}
}

// revokeSessions ends what exactly one of the query's fields names.
func (a *api) revokeSessions(ctx context.Context, in SessionQuery, t *trail) (Nothing, error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return Nothing{}, err
	}
	t.Realm, t.ClientID = string(r.Path), in.ClientID
	named := 0
	for _, is := range []bool{in.ID != "", in.Username != "", in.ClientID != "", in.All} {
		if is {
			named++
		}
	}
	if named != 1 {
		return Nothing{}, refuse(CodeInvalid, "name the sessions by id, by user, by client, or all of the realm")
	}
	key := r.Path.Key()
	switch {
	case in.ID != "":
		return Nothing{}, a.endGrant(ctx, key, in, t)
	case in.Username != "":
		u, err := a.user(ctx, UserRef{InRealm: in.InRealm, Username: in.Username}, t)
		if err != nil {
			return Nothing{}, err
		}
		return Nothing{}, a.Store.EndUser(ctx, key, u.Username)
	case in.ClientID != "":
		if _, err := a.showClient(ctx, ClientRef{InRealm: in.InRealm, ID: in.ClientID}); err != nil {
			return Nothing{}, err
		}
		return Nothing{}, a.Store.EndClient(ctx, key, in.ClientID)
	}
	return Nothing{}, a.Store.EndRealm(ctx, key)
}

func (a *api) endGrant(ctx context.Context, realmKey string, in SessionQuery, t *trail) error {
	id, err := storage.ParseGrantID(in.ID)
	if err != nil {
		return refuse(CodeInvalid, "%q is no session's id", in.ID)
	}
	t.GrantID = in.ID
	err = a.Store.EndGrant(ctx, realmKey, id)
	if errors.Is(err, storage.ErrNotFound) {
		return refuse(CodeNotFound, "there is no session %s in realm %s", in.ID, in.Realm)
	}
	return err
}
