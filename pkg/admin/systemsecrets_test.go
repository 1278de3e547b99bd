package admin_test

import (
	"context"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// What stands under a secret decides whether it can go: the seeds of all realms count, the closed ones too, and nothing
// else.
func TestSecretsTellHowManySeedsAreUnderThem(t *testing.T) {
	const oldSecret, newSecret = "system-secret-canary", "second-system-secret"
	s := newServer(t, func(o *admin.Options) {
		o.Seeds = sealer(t, newSecret, oldSecret)
		o.KeyIDs = func() []string { return keyIDs(t, newSecret, oldSecret) }
	})
	expect := func(name string, under ...int) {
		t.Helper()
		ids := keyIDs(t, newSecret, oldSecret)
		want := []admin.Secret{{ID: ids[0], Signs: true, Seeds: under[0]}, {ID: ids[1], Seeds: under[1]}}
		if d := cmp.Diff(want, all[admin.Secret](s, "secret/list", admin.Nothing{})); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	expect("nobody", 0, 0)
	for name, seed := range map[string][]byte{
		"bare": nil, "junk": []byte("no seed"), "lost": sealer(t, "forgotten-system-secret").Seal("/alpha", "x", []byte("seed")),
	} {
		s.user(name)
		s.alter(name, func(u *realm.User) { u.Seed = seed })
	}
	expect("nobody with a seed that opens", 0, 0)
	for _, name := range []string{"first", "second", "off"} {
		s.user(name)
		s.alter(name, func(u *realm.User) { u.Seed = sealer(t, oldSecret).Seal(u.Realm, u.ID, []byte("seed")) })
	}
	do[admin.UserAnswer](s, "user/disable", userRef("off"))
	elsewhere := &realm.User{Realm: "/bare", ID: "x", Username: "first", Seed: sealer(t, oldSecret).Seal("/bare", "x", []byte("seed"))}
	if err := s.store.CreateUser(t.Context(), elsewhere); err != nil {
		t.Fatal(err)
	}
	expect("enrolled under the old one", 0, 4)
	s.user("late")
	s.enrol(admin.Enrolment{UserRef: userRef("late")})
	expect("and one under the new one", 1, 4)
	do[admin.Resealed](s, "user/totp/reseal", alpha)
	expect("one realm follows", 4, 1)
	do[admin.Resealed](s, "user/totp/reseal", admin.InRealm{Realm: "bare"})
	expect("and the other", 5, 0)

	theirs := s.store.Store.Users
	s.store.users = func(ctx context.Context, key string) iter.Seq2[*realm.User, error] {
		return func(yield func(*realm.User, error) bool) {
			if yield(nil, storage.ErrDamaged) {
				theirs(ctx, key)(yield)
			}
		}
	}
	expect("beside damage", 5, 0)
	s.store.users = func(context.Context, string) iter.Seq2[*realm.User, error] {
		return func(yield func(*realm.User, error) bool) { yield(nil, storage.ErrUnavailable) }
	}
	s.refused(admin.CodeUnavailable, "secret/list", admin.Nothing{})
}
