package server_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// reload puts changed realms in place, as a reload of the configuration does.
func (w *world) reload(t *testing.T, change func(r *realm.Realm)) {
	t.Helper()
	list := sources(t)
	for _, s := range list {
		change(s.Realm)
	}
	w.swap(list)
}

// client changes one client of the configuration.
func client(key, id string, change func(c *realm.Client)) func(r *realm.Realm) {
	return func(r *realm.Realm) {
		for _, c := range r.Clients {
			if r.Path.Key() == key && c.ID == id {
				change(c)
			}
		}
	}
}

// wantOver holds that nothing of a grant works any more.
func (w *world) wantOver(t *testing.T, key, id string, issued tokens) {
	t.Helper()
	w.wantActive(t, key, id, issued.access, false)
	w.wantActive(t, key, id, issued.refresh, false)
	a := w.send(t, get(endpoint(key, "tokeninfo"), "Authorization: Bearer "+issued.access))
	if a.status != http.StatusUnauthorized {
		t.Errorf("token info: %s", a)
	}
	a = w.send(t, post(endpoint(key, "access_token"), form("grant_type", "refresh_token", "refresh_token", issued.refresh), basic(key, id)))
	if a.status != http.StatusBadRequest || a.json(t)["error"] != "invalid_grant" {
		t.Errorf("refresh: %s", a)
	}
}

func TestGrantsEndWithTheirOwner(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(ctx context.Context, w *world, u *realm.User) error
		lives  bool
	}{
		{"disabled", func(ctx context.Context, w *world, u *realm.User) error {
			u.Enabled = false
			return w.store.UpdateUser(ctx, u, true)
		}, false},
		{"new password", func(ctx context.Context, w *world, u *realm.User) error {
			u.PasswordHash = slowHash(t, "another one")
			return w.store.UpdateUser(ctx, u, true)
		}, false},
		{"deleted", func(ctx context.Context, w *world, u *realm.User) error {
			return w.store.DeleteUser(ctx, u.Realm, u.Username)
		}, false},
		{"deleted and made again", func(ctx context.Context, w *world, u *realm.User) error {
			if err := w.store.DeleteUser(ctx, u.Realm, u.Username); err != nil {
				return err
			}
			return w.store.CreateUser(ctx, u)
		}, false},
		{"locked", func(_ context.Context, w *world, u *realm.User) error {
			lock(t, w.store, u.Realm, u.Username)
			return nil
		}, true},
	} {
		w := newWorld(t, setup{})
		issued := w.login(t, "/alpha", "app")
		must(t, tc.change(t.Context(), w, value(w.store.UserByName(t.Context(), "/alpha", "demo"))(t)))
		if tc.lives {
			w.wantActive(t, "/alpha", "app", issued.access, true)
			w.exchange(t, "/alpha", "app", form("grant_type", "refresh_token", "refresh_token", issued.refresh))
		} else {
			w.wantOver(t, "/alpha", "app", issued)
		}
	}
}

// TestTokensEndWithTheirOwnersTime: an account that expires soon has tokens that expire then.
func TestTokensEndWithTheirOwnersTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	createUser(t, w.store, "/alpha", "leaver", func(u *realm.User) { u.Expires = start.Add(10 * time.Minute) })
	issued := w.exchange(t, "/alpha", "app", passwordGrant("/alpha", "leaver"))
	w.clock.move(10*time.Minute - time.Second)
	w.wantActive(t, "/alpha", "app", issued.refresh, true)
	w.clock.move(time.Second)
	w.wantOver(t, "/alpha", "app", issued)
}

func TestTokensEndWithTheirClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	issued := w.login(t, "/alpha", "app")
	w.reload(t, client("/alpha", "app", func(c *realm.Client) { c.Enabled = false }))
	w.wantActive(t, "/alpha", "reader", issued.access, false)
	w.wantActive(t, "/alpha", "auditor", issued.access, false)
	w.wantActive(t, "/beta", "auditor", issued.access, false)
	w.reload(t, client("/alpha", "app", func(c *realm.Client) { c.ID = "renamed" }))
	w.wantActive(t, "/alpha", "reader", issued.access, false)
}

func TestTokensOfAnInactiveRealmAreInactive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	issued := w.login(t, "/alpha", "app")
	w.reload(t, func(r *realm.Realm) { r.Active = r.Active && r.Path != "/alpha" })
	w.wantActive(t, "/beta", "auditor", issued.access, false)
	a := w.send(t, post(endpoint("/alpha", "access_token"), form("grant_type", "refresh_token", "refresh_token", issued.refresh), basic("/alpha", "app")))
	if a.status != http.StatusNotFound {
		t.Error(a)
	}
	w.reload(t, func(*realm.Realm) {})
	w.wantActive(t, "/beta", "auditor", issued.access, true)
}

// TestRefreshLosesWhatTheClientHasLost is for scopes and the grant type itself (section 7).
func TestRefreshLosesWhatTheClientHasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	issued := w.login(t, "/alpha", "app", "scope", "write read")
	refresh := func(token string, more ...string) string {
		pairs := append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)
		return post(endpoint("/alpha", "access_token"), form(pairs...), basic("/alpha", "app"))
	}
	refused := func(request, want string) {
		t.Helper()
		if a := w.send(t, request); a.status != http.StatusBadRequest || a.json(t)["error"] != want {
			t.Errorf("want %s: %s", want, a)
		}
	}
	w.reload(t, client("/alpha", "app", func(c *realm.Client) { c.GrantTypes = []string{realm.GrantPassword} }))
	refused(refresh(issued.refresh), "unauthorized_client")
	w.reload(t, client("/alpha", "app", func(c *realm.Client) { c.Scopes = []string{"mail"} }))
	refused(refresh(issued.refresh), "invalid_scope")
	w.reload(t, client("/alpha", "app", func(c *realm.Client) { c.Scopes = []string{"read", "mail"} }))
	refused(refresh(issued.refresh, "scope", "write"), "invalid_scope")
	refused(refresh(issued.refresh, "scope", "mail"), "invalid_scope")
	next := w.exchange(t, "/alpha", "app", form("grant_type", "refresh_token", "refresh_token", issued.refresh, "scope", "write read"))
	if next.scope != "read" {
		t.Errorf("scope %q, want read", next.scope)
	}
	w.reload(t, func(*realm.Realm) {})
	if again := w.exchange(t, "/alpha", "app", form("grant_type", "refresh_token", "refresh_token", next.refresh)); again.scope != "write read" {
		t.Errorf("scope %q, want all of the grant's", again.scope)
	}
}
