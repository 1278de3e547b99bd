package admin_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

const bcryptHash = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

func TestUserIsShownAsItWasCreated(t *testing.T) {
	s := newServer(t)
	expires := time.Date(2099, 1, 31, 0, 0, 0, 0, time.UTC)
	created := do[admin.UserAnswer](s, "user/create", admin.NewUser{
		InRealm: admin.InRealm{Realm: "/ALPHA"}, Username: "ＤＥＭＯ", ID: "id-1", Password: userPassword,
		Expires: admin.Moment{Time: expires}, Attributes: map[string]string{"mail": "a@example.org"}, Disabled: true,
	})
	want := admin.User{
		Realm: "/alpha", ID: "id-1", Username: "demo", Expires: &expires, Attributes: map[string]string{"mail": "a@example.org"},
		HasPassword: true, PasswordSet: created.Created, Created: created.Created,
	}
	if d := cmp.Diff(want, created.User); d != "" || created.Created == nil {
		t.Error(d)
	}
	for _, ref := range []admin.UserRef{userRef("demo"), userRef("Demo"), userRef("ｄｅｍｏ"), {InRealm: alpha, ID: "id-1"}} {
		if d := cmp.Diff(want, do[admin.User](s, "user/show", ref)); d != "" {
			t.Error(d)
		}
	}
	other := do[admin.UserAnswer](s, "user/create", admin.NewUser{InRealm: alpha, Username: "nopassword"})
	if len(other.ID) != 36 || other.HasPassword || !other.Enabled || other.Attributes == nil {
		t.Errorf("created with nothing: %+v", other)
	}
}

func TestUserThatCanNotBeIsRefused(t *testing.T) {
	s := newServer(t)
	s.user("taken")
	many := map[string]string{}
	for i := range 300 {
		many[fmt.Sprint(i)] = "x"
	}
	for name, tc := range map[string]struct {
		code string
		in   admin.NewUser
	}{
		"no name":             {admin.CodeInvalid, admin.NewUser{}},
		"space":               {admin.CodeInvalid, admin.NewUser{Username: "a b"}},
		"taken":               {admin.CodeExists, admin.NewUser{Username: "taken"}},
		"taken, spelled anew": {admin.CodeExists, admin.NewUser{Username: "TAKEN"}},
		"id of a line":        {admin.CodeInvalid, admin.NewUser{Username: "a", ID: "a\nb"}},
		"NUL password":        {admin.CodeInvalid, admin.NewUser{Username: "a", Password: "a\x00b"}},
		"long password":       {admin.CodeInvalid, admin.NewUser{Username: "a", Password: strings.Repeat("a", 1025)}},
		"unknown hash":        {admin.CodeInvalid, admin.NewUser{Username: "a", PasswordHash: "$1$md5"}},
		"dear hash":           {admin.CodeInvalid, admin.NewUser{Username: "a", PasswordHash: strings.Replace(bcryptHash, "$10$", "$31$", 1)}},
		"password and hash":   {admin.CodeInvalid, admin.NewUser{Username: "a", Password: "x", PasswordHash: bcryptHash}},
		"huge attribute":      {admin.CodeInvalid, admin.NewUser{Username: "a", Attributes: map[string]string{"k": strings.Repeat("a", 1<<16)}}},
		"nameless attribute":  {admin.CodeInvalid, admin.NewUser{Username: "a", Attributes: map[string]string{"": "x"}}},
		"many attributes":     {admin.CodeInvalid, admin.NewUser{Username: "a", Attributes: many}},
	} {
		tc.in.InRealm = alpha
		if text := s.refused(tc.code, "user/create", tc.in); strings.Contains(text, bcryptHash[7:]) {
			t.Errorf("%s: the hash is in %q", name, text)
		}
	}
	do[admin.UserAnswer](s, "user/create", admin.NewUser{InRealm: alpha, Username: "first", ID: "one"})
	s.refused(admin.CodeExists, "user/create", admin.NewUser{InRealm: alpha, Username: "second", ID: "one", IfAbsent: true})
	if got := all[admin.User](s, "user/list", alpha); len(got) != 2 {
		t.Errorf("%d users are there", len(got))
	}
	for _, verb := range []string{"show", "update", "enable", "disable", "unlock", "delete"} {
		s.refused(admin.CodeNotFound, "user/"+verb, userRef("nobody"))
		s.refused(admin.CodeNotFound, "user/"+verb, admin.UserRef{InRealm: alpha, ID: "nobody"})
		s.refused(admin.CodeNotFound, "user/"+verb, userRef("no body"))
		s.refused(admin.CodeInvalid, "user/"+verb, admin.UserRef{InRealm: alpha})
		s.refused(admin.CodeInvalid, "user/"+verb, admin.UserRef{InRealm: alpha, Username: "taken", ID: "one"})
	}
	s.refused(admin.CodeNotFound, "user/set-password", admin.PasswordChange{UserRef: userRef("nobody"), Password: "x"})
	s.refused(admin.CodeInvalid, "user/set-password", admin.PasswordChange{UserRef: userRef("taken")})
	s.refused(admin.CodeInvalid, "user/update", admin.UserChange{UserRef: userRef("taken"), Attributes: many})
}

func TestCreatingAUserAgain(t *testing.T) {
	s := newServer(t)
	first := s.user("demo")
	again := admin.NewUser{InRealm: alpha, Username: "DEMO", Password: "another", Disabled: true, IfAbsent: true}
	got := do[admin.UserAnswer](s, "user/create", again)
	if d := cmp.Diff(admin.UserAnswer{User: first, Unchanged: true}, got); d != "" {
		t.Error(d)
	}
	if n := len(s.events()); n != 1 {
		t.Errorf("%d audit events", n)
	}
	var wg sync.WaitGroup
	again.Username = "many"
	for range 8 {
		wg.Go(func() {
			if _, err := admin.Do[admin.UserAnswer](t.Context(), s.api, "user/create", again); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(s.events()); n != 2 {
		t.Errorf("%d audit events", n)
	}
}

func TestUserChangesThatEndGrants(t *testing.T) {
	for _, tc := range []struct {
		verb string
		in   any
		ends bool
	}{
		{"user/disable", userRef("Demo"), true},
		{"user/delete", userRef("Demo"), true},
		{"user/set-password", admin.PasswordChange{UserRef: userRef("Demo"), Password: "new"}, true},
		{"user/set-password", admin.PasswordChange{UserRef: userRef("Demo"), PasswordHash: bcryptHash}, true},
		{"user/enable", userRef("Demo"), false},
		{"user/unlock", userRef("Demo"), false},
		{"user/update", admin.UserChange{UserRef: userRef("Demo"), Attributes: map[string]string{"a": "b"}}, false},
	} {
		t.Run(tc.verb, func(t *testing.T) {
			s := newServer(t)
			s.user("demo")
			s.user("other")
			grant, _, _ := s.login("demo", "batch")
			others, _, _ := s.login("other", "batch")
			do[admin.UserAnswer](s, tc.verb, tc.in)
			if s.alive(grant) == tc.ends || !s.alive(others) {
				t.Errorf("the user's grant lives: %v, another's: %v", s.alive(grant), s.alive(others))
			}
			if tc.verb == "user/delete" {
				s.user("demo")
			}
			if s.alive(grant) == tc.ends {
				t.Error("who came back has inherited the grant")
			}
		})
	}
}

func TestPasswordHashIsTakenOverAsItIs(t *testing.T) {
	s := newServer(t)
	do[admin.UserAnswer](s, "user/create", admin.NewUser{InRealm: alpha, Username: "demo", PasswordHash: bcryptHash})
	u, err := s.store.UserByName(t.Context(), "/alpha", "demo")
	if err != nil || u.PasswordHash != bcryptHash {
		t.Errorf("%q, %v", u.PasswordHash, err)
	}
}

func TestEnablingAndUnlockingClearFailures(t *testing.T) {
	for _, verb := range []string{"user/enable", "user/unlock"} {
		s := newServer(t)
		s.user("demo")
		for range 5 {
			s.fail("demo")
		}
		if u := do[admin.User](s, "user/show", userRef("demo")); u.Failures != 5 || u.LockedUntil == nil || u.Stopped {
			t.Fatalf("after five failures: %+v", u)
		}
		u := do[admin.UserAnswer](s, verb, userRef("demo"))
		if u.Failures != 0 || u.LockedUntil != nil || s.begin("demo").Standing != storage.Reserved {
			t.Errorf("%s: %+v", verb, u)
		}
	}
}

func TestUserUpdate(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	update := func(in admin.UserChange) admin.User {
		in.UserRef = userRef("demo")
		return do[admin.UserAnswer](s, "user/update", in).User
	}
	u := update(admin.UserChange{Attributes: map[string]string{"a": "1", "b": "2"}})
	if !maps.Equal(u.Attributes, map[string]string{"a": "1", "b": "2"}) {
		t.Errorf("added: %v", u.Attributes)
	}
	end := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	u = update(admin.UserChange{Expires: &admin.Moment{Time: end}, Attributes: map[string]string{"a": "", "c": "3", "none": ""}})
	if !maps.Equal(u.Attributes, map[string]string{"b": "2", "c": "3"}) || u.Expires == nil || !u.Expires.Equal(end) {
		t.Errorf("changed: %+v", u)
	}
	if u = update(admin.UserChange{}); u.Expires == nil || len(u.Attributes) != 2 {
		t.Errorf("nothing named: %+v", u)
	}
	if u = update(admin.UserChange{Expires: &admin.Moment{}}); u.Expires != nil {
		t.Errorf("never expires: %+v", u)
	}
	if !u.HasPassword || !u.Enabled {
		t.Errorf("something else changed: %+v", u)
	}
}

// Two administrators change one user at once: no change is lost.
func TestChangesOfOthersAreNotLost(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	do[admin.ClientAnswer](s, "client/create", newClient("app"))
	var once, onceMore sync.Once
	s.store.updateUser = func(ctx context.Context, u *realm.User, end bool) error {
		once.Do(func() {
			other, err := s.store.UserByName(ctx, "/alpha", "demo")
			if err != nil {
				t.Error(err)
			}
			other.Attributes = map[string]string{"theirs": "1"}
			if err := s.store.Store.UpdateUser(ctx, other, false); err != nil {
				t.Error(err)
			}
		})
		return s.store.Store.UpdateUser(ctx, u, end)
	}
	s.store.updateClient = func(ctx context.Context, c *realm.Client) error {
		onceMore.Do(func() {
			other, err := s.store.Client(ctx, "/alpha", "app")
			if err != nil {
				t.Error(err)
			}
			other.TrustEndUserIP = "X-Theirs"
			if err := s.store.Store.UpdateClient(ctx, other); err != nil {
				t.Error(err)
			}
		})
		return s.store.Store.UpdateClient(ctx, c)
	}
	u := do[admin.UserAnswer](s, "user/update", admin.UserChange{UserRef: userRef("demo"), Attributes: map[string]string{"ours": "2"}})
	if !maps.Equal(u.Attributes, map[string]string{"theirs": "1", "ours": "2"}) {
		t.Errorf("user: %v", u.Attributes)
	}
	scopes := []string{"ours"}
	c := do[admin.ClientAnswer](s, "client/update", admin.ClientChange{ClientRef: clientRef("app"), Scopes: &scopes})
	if c.TrustEndUserIP != "X-Theirs" || !cmp.Equal(c.Scopes, scopes) {
		t.Errorf("client: %+v", c.Client)
	}

	s.store.updateUser = func(context.Context, *realm.User, bool) error { return storage.ErrConflict }
	s.store.updateClient = func(context.Context, *realm.Client) error { return storage.ErrConflict }
	s.refused(admin.CodeConflict, "user/disable", userRef("demo"))
	s.refused(admin.CodeConflict, "client/disable", clientRef("app"))
}
