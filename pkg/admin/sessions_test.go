package admin_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/storage"
)

func (s *server) sessions(q admin.SessionQuery) (ids []string) {
	s.t.Helper()
	q.InRealm = alpha
	for _, x := range all[admin.Session](s, "session/list", q) {
		ids = append(ids, x.ID)
	}
	slices.Sort(ids)
	return ids
}

func sorted(ids ...storage.GrantID) (out []string) {
	for _, id := range ids {
		out = append(out, id.String())
	}
	slices.Sort(out)
	return out
}

func TestSessionsAreListedByUserByClientAndByRealm(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	s.user("other")
	a, _, _ := s.login("demo", "batch")
	b, _, _ := s.login("demo", "app")
	c, _, _ := s.login("other", "batch")
	for _, tc := range []struct {
		name string
		q    admin.SessionQuery
		want []string
	}{
		{"realm", admin.SessionQuery{}, sorted(a, b, c)},
		{"user", admin.SessionQuery{Username: "DEMO"}, sorted(a, b)},
		{"client", admin.SessionQuery{ClientID: "batch"}, sorted(a, c)},
		{"both", admin.SessionQuery{Username: "demo", ClientID: "batch"}, sorted(a)},
		{"client without any", admin.SessionQuery{ClientID: "nobody"}, nil},
	} {
		if d := cmp.Diff(tc.want, s.sessions(tc.q)); d != "" {
			t.Errorf("%s:\n%s", tc.name, d)
		}
	}
	got := all[admin.Session](s, "session/list", admin.SessionQuery{InRealm: alpha, Username: "other"})[0]
	want := admin.Session{
		ID: c.String(), Realm: "/alpha", Username: "other", Subject: got.Subject, ClientID: "batch", Scopes: []string{"write"},
		Journey: "PasswordGrant", Rule: "realm", AuthTime: got.AuthTime, Expires: got.Expires, Address: "192.0.2.7",
	}
	if d := cmp.Diff(want, got); d != "" || len(got.Subject) != 36 || got.AuthTime.IsZero() || got.Expires == nil {
		t.Error(d)
	}
	s.refused(admin.CodeNotFound, "session/list", admin.SessionQuery{InRealm: alpha, Username: "nobody"})
}

func TestSessionsAreRevokedByWhatNamesThem(t *testing.T) {
	for _, tc := range []struct {
		name  string
		query func(first storage.GrantID) admin.SessionQuery
		left  int
	}{
		{"id", func(id storage.GrantID) admin.SessionQuery { return admin.SessionQuery{ID: id.String()} }, 2},
		{"user", func(storage.GrantID) admin.SessionQuery { return admin.SessionQuery{Username: "Demo"} }, 1},
		{"client", func(storage.GrantID) admin.SessionQuery { return admin.SessionQuery{ClientID: "batch"} }, 1},
		{"realm", func(storage.GrantID) admin.SessionQuery { return admin.SessionQuery{All: true} }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer(t)
			s.user("demo")
			s.user("other")
			first, _, _ := s.login("demo", "batch")
			s.login("demo", "app")
			s.login("other", "batch")
			q := tc.query(first)
			q.InRealm = alpha
			do[admin.Nothing](s, "session/revoke", q)
			if got := len(s.sessions(admin.SessionQuery{})); got != tc.left || s.alive(first) {
				t.Errorf("%d are left, the first lives: %v", got, s.alive(first))
			}
		})
	}
}

func TestSessionsMustBeNamedInOneWay(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	id, _, _ := s.login("demo", "batch")
	for _, q := range []admin.SessionQuery{
		{}, {All: true, Username: "demo"}, {ID: id.String(), ClientID: "batch"}, {ID: "nonsense"}, {ID: id.String() + "A"},
	} {
		q.InRealm = alpha
		s.refused(admin.CodeInvalid, "session/revoke", q)
	}
	s.refused(admin.CodeNotFound, "session/revoke", admin.SessionQuery{InRealm: alpha, ID: storage.NewGrantID("/alpha", "x").String()})
	s.refused(admin.CodeNotFound, "session/revoke", admin.SessionQuery{InRealm: alpha, Username: "nobody"})
	s.refused(admin.CodeNotFound, "session/revoke", admin.SessionQuery{InRealm: admin.InRealm{Realm: "bare"}, ID: id.String()})
	if !s.alive(id) {
		t.Error("a refusal ended it")
	}
}

func TestTokenIsExplainedAndRevoked(t *testing.T) {
	s := newServer(t)
	u := s.user("demo")
	id, access, refresh := s.login("demo", "batch")
	other, otherAccess, _ := s.login("demo", "batch")
	introspect := func(token string) admin.Introspection {
		return do[admin.Introspection](s, "token/introspect", admin.TokenRef{InRealm: alpha, Token: token})
	}
	got := introspect(access)
	if d := got.Document; !d.Active || d.Username != "demo" || d.Subject != u.ID || d.AuthGrantID != id.String() || d.Scope != "write" {
		t.Errorf("an access token: %+v", got.Document)
	}
	if !introspect(refresh).Active {
		t.Error("a refresh token is not active")
	}
	if got := introspect("nonsense"); !reflect.DeepEqual(got, admin.Introspection{}) {
		t.Errorf("nonsense: %+v", got)
	}
	do[admin.Nothing](s, "token/revoke", admin.TokenRef{InRealm: alpha, Token: access})
	if introspect(access).Active || !introspect(refresh).Active {
		t.Error("revoking the access token must end it alone")
	}
	before := len(s.events())
	do[admin.Nothing](s, "token/revoke", admin.TokenRef{InRealm: alpha, Token: refresh})
	if s.alive(id) || !s.alive(other) || !introspect(otherAccess).Active {
		t.Error("revoking the refresh token must end its grant, and no other")
	}
	do[admin.Nothing](s, "token/revoke", admin.TokenRef{InRealm: alpha, Token: refresh}) // nothing to end any more
	if n := len(s.events()) - before; n != 1 {
		t.Errorf("%d audit events", n)
	}
	s.refused(admin.CodeInvalid, "token/revoke", admin.TokenRef{InRealm: alpha, Token: "nonsense"})
	s.refused(admin.CodeInvalid, "token/revoke", admin.TokenRef{InRealm: admin.InRealm{Realm: "bare"}, Token: otherAccess})
}
