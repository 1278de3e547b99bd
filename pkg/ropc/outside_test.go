package ropc_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

// directory is an outside source that knows "right" as the password of everybody whose name begins with "dir", and of
// demo. Its attributes are those of the context.
type directory struct {
	mail  string
	ask   func() // while it is asked; nil: nothing
	links bool   // it says yes for owners that it has not made
}

func (*directory) Name() string                 { return "ldap://directory" }
func (*directory) Refuse(context.Context) error { return nil }
func (d *directory) LinksAny() bool             { return d.links }

func (d *directory) Check(_ context.Context, username, password string) (journey.Answer, error) {
	if d.ask != nil {
		d.ask()
	}
	if password == "down" {
		return journey.Answer{}, fmt.Errorf("%w: no answer", journey.ErrUnavailable)
	}
	if password == "slow" {
		return journey.Answer{}, fmt.Errorf("%w: %w", journey.ErrUnavailable, journey.ErrSent)
	}
	if password != "right" || (username != "demo" && !strings.HasPrefix(username, "dir")) {
		return journey.Answer{}, nil
	}
	return journey.Answer{Right: true, Attributes: map[string]string{"mail": d.mail, "gone": ""}}, nil
}

type (
	mailKey struct{}
	askKey  struct{}
	ownKey  struct{}
)

func askDirectory(ctx context.Context, s *journey.State) (string, error) {
	mail, _ := ctx.Value(mailKey{}).(string)
	ask, _ := ctx.Value(askKey{}).(func())
	own, _ := ctx.Value(ownKey{}).(bool)
	a, err := s.VerifyWith(ctx, &directory{mail, ask, !own})
	return fmt.Sprint(a.Right), err
}

// outside logs in through a journey, with an attribute of the directory.
func (s *site) outside(t testing.TB, journey, name, secret, mail string) (reply, error) {
	t.Helper()
	ctx := context.WithValue(t.Context(), mailKey{}, mail)
	return s.askWithin(t, ctx, passwordForm("username", name, "password", secret, "auth_chain", journey))
}

func TestFirstSuccessOutsideMakesAnOwner(t *testing.T) {
	s := newSite(t)
	first, err := s.outside(t, "Directory", "Dirk", "right", "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	u := s.user(t, "dirk")
	want := &realm.User{
		Realm: "/alpha", ID: u.ID, Username: "dirk", Enabled: true, Source: "ldap://directory",
		Attributes: map[string]string{"mail": "a@example.com"}, Created: u.Created, Version: 1, Login: realm.Login{LastLogin: u.Login.LastLogin},
	}
	if diff := cmp.Diff(want, u); diff != "" || len(u.ID) != 36 || u.Login.LastLogin.IsZero() {
		t.Errorf("the owner (-want +got):\n%s", diff)
	}
	if first.trace.Subject != u.ID || first.trace.Username != "dirk" {
		t.Errorf("trace %+v", first.trace)
	}
	grants, err := s.GrantsOf(t.Context(), "/alpha", "dirk")
	if err != nil || len(grants) != 1 || grants[0].Subject != u.ID {
		t.Errorf("grants %v, %v", grants, err)
	}
	s.settled(t, "dirk")

	// A later success updates what is mapped, and nothing else.
	s.change(t, "dirk", func(u *realm.User) { u.Attributes["own"], u.Attributes["gone"] = "kept", "x" })
	if _, err := s.outside(t, "Directory", "dirk", "right", "b@example.com"); err != nil {
		t.Fatal(err)
	}
	again := s.user(t, "dirk")
	if diff := cmp.Diff(map[string]string{"mail": "b@example.com", "own": "kept"}, again.Attributes); diff != "" {
		t.Error("attributes (-want +got):\n" + diff)
	}
	if again.ID != u.ID || again.Version != 2 {
		t.Errorf("the owner became %+v", again)
	}
}

// The attacks: nothing but a yes of the source makes an owner, and a yes does not open an account that is closed here.
func TestOutsideSourceOpensNothingElse(t *testing.T) {
	for _, tc := range []struct {
		name, journey, user, secret string
		setup                       func(s *site)
		reason                      string
	}{
		{"wrong password", "Directory", "dirk", "wrong", nil, audit.JourneyFailed},
		{"unknown everywhere", "Directory", "nobody", "right", nil, audit.UnknownUser},
		{"a name that can be nobody's", "Directory", "dir k", "right", nil, audit.UnknownUser},
		{"disabled here", "Directory", "demo", "right", func(s *site) { s.change(t, "demo", disable) }, audit.Disabled},
		{"expired here", "Directory", "demo", "right", func(s *site) { s.change(t, "demo", expire) }, audit.Expired},
		{"locked here", "Directory", "demo", "right", func(s *site) { s.wrong(t, "demo", 5) }, audit.Locked},
		{"locked before there was an account", "Directory", "dirk", "right", func(s *site) {
			for range 5 {
				_, err := s.outside(t, "Directory", "dirk", "wrong", "")
				refused(t, "wrong", err, ropc.ErrInvalidGrant)
			}
		}, audit.Locked},
		{"nobody is taken in", "Directory", "dirk", "right", func(s *site) {
			l, _ := s.login.(*ropc.Login)
			l.Users = nil
		}, audit.UnknownUser},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			if tc.setup != nil {
				tc.setup(s)
			}
			got, err := s.outside(t, tc.journey, tc.user, tc.secret, "")
			refused(t, tc.name, err, ropc.ErrInvalidGrant)
			if got.trace.Reason != tc.reason && tc.reason != audit.JourneyFailed || got.trace.Reason == "" {
				t.Errorf("reason %q, want %q", got.trace.Reason, tc.reason)
			}
			for u, err := range s.Users(t.Context(), "/alpha") {
				if err != nil || u.Username != "demo" {
					t.Errorf("there is %+v, %v", u, err)
				}
			}
			s.nothingLeft(t, tc.user)
		})
	}
}

// Who waits for a directory holds no place in the hashing pool.
func TestSourceIsAskedWithoutAPlaceInThePool(t *testing.T) {
	s, asked := newSite(t), false
	ctx := context.WithValue(t.Context(), askKey{}, func() {
		asked = true
		if _, running, waiting := s.pool.Stats(); running+waiting != 0 {
			t.Error("a place is taken")
		}
	})
	if _, err := s.askWithin(t, ctx, passwordForm("username", "demo", "password", "right", "auth_chain", "Migrate")); err != nil || !asked {
		t.Errorf("asked %t, %v", asked, err)
	}
	s.settled(t, "demo")
}

// The attack: be somebody of a local owner's name in the directory.
func TestOutsideSourceDoesNotTakeOverAnOwner(t *testing.T) {
	s := newSite(t)
	ctx := context.WithValue(t.Context(), ownKey{}, true)
	got, err := s.askWithin(t, ctx, passwordForm("username", "demo", "password", "right", "auth_chain", "Directory"))
	refused(t, "an owner made here", err, ropc.ErrInvalidGrant)
	if u := s.user(t, "demo"); u.Login.Failures != 1 || len(u.Attributes) != 0 || got.trace.GrantID != "" {
		t.Errorf("owner %+v, trace %+v", u, got.trace)
	}
	s.nothingLeft(t, "demo")
	for range 2 { // the one that it makes is its own
		if _, err := s.askWithin(t, ctx, passwordForm("username", "dirk", "password", "right", "auth_chain", "Directory")); err != nil {
			t.Error(err)
		}
	}
}

func TestSourceThatIsDownChargesNobody(t *testing.T) {
	s := newSite(t)
	_, err := s.outside(t, "Directory", "demo", "down", "")
	refused(t, "down", err, ropc.ErrTemporarilyUnavailable)
	if got := s.user(t, "demo").Login.Failures; got != 0 {
		t.Errorf("%d failures", got)
	}
	s.nothingLeft(t, "demo")
}

// Of many first logins at once one makes the owner, and all get their tokens.
func TestParallelFirstLoginsAllSucceed(t *testing.T) {
	s := newSite(t)
	s.realm.Lockout.Threshold = 1000
	var wg sync.WaitGroup
	subjects := make([]string, 20)
	for i := range subjects {
		wg.Go(func() {
			got, err := s.outside(t, "Migrate", "dirk", "right", "a@example.com")
			if err != nil {
				t.Errorf("login %d: %v", i, err)
			}
			subjects[i] = got.trace.Subject
		})
	}
	wg.Wait()
	if slices.Sort(subjects); subjects[0] == "" || len(slices.Compact(subjects)) != 1 {
		t.Errorf("subjects %v", subjects)
	}
	if grants, err := s.GrantsOf(t.Context(), "/alpha", "dirk"); err != nil || len(grants) != 20 {
		t.Errorf("%d grants, %v", len(grants), err)
	}
	s.settled(t, "dirk")
}

// After the password was kept, the source is needed no more; it is kept again only when it changes there.
func TestMigratedPasswordIsKept(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"dirk", "demo"} {
		if name == "demo" {
			s.change(t, name, func(u *realm.User) { u.PasswordHash = "$cheap$of-older" })
		}
		if _, err := s.outside(t, "Migrate", name, "right", ""); err != nil {
			t.Fatal(err)
		}
		u := s.user(t, name)
		if !strings.HasSuffix(u.PasswordHash, "$cheap$of-right") || u.PasswordSet.IsZero() {
			t.Errorf("%s has the hash %q of %v", name, u.PasswordHash, u.PasswordSet)
		}
		if _, err := s.outside(t, "Check", name, "right", ""); err != nil {
			t.Errorf("%s can't do without the directory: %v", name, err)
		}
		if _, err := s.outside(t, "Migrate", name, "right", ""); err != nil {
			t.Fatal(err)
		}
		if again := s.user(t, name); again.PasswordHash != u.PasswordHash || !again.PasswordSet.Equal(u.PasswordSet) {
			t.Errorf("the password of %s was kept once more", name)
		}
	}
	s.owner(t, "dirty", func(u *realm.User) { u.PasswordHash = "" })
	if _, err := s.outside(t, "Either", "dirty", "wrong", ""); err == nil || s.user(t, "dirty").PasswordHash != "" {
		t.Errorf("a wrong password was kept: %v", err)
	}
}

func TestLoginsAreCounted(t *testing.T) {
	s := newSite(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := s.outside(t, "Count", "demo", "right", ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := s.outside(t, "Count", "demo", "wrong", ""); err == nil {
		t.Error("a wrong password is right")
	}
	if got := s.user(t, "demo").Login.Logins; got != 4 {
		t.Errorf("%d logins", got)
	}
}

// A journey that locks ends the owner's grants; one that unlocks lets the owner in the next time.
func TestJourneyDisablesAndEnablesAnAccount(t *testing.T) {
	s := newSite(t)
	s.demo(t)
	_, err := s.outside(t, "Disable", "demo", "wrong", "")
	refused(t, "wrong", err, ropc.ErrInvalidGrant)
	u := s.user(t, "demo")
	if grants, err := s.GrantsOf(t.Context(), "/alpha", "demo"); u.Enabled || u.Version != 2 || u.Login.Failures != 1 || err != nil || len(grants) != 0 {
		t.Errorf("the owner %+v has %d grants, %v", u, len(grants), err)
	}
	if _, err := s.outside(t, "Disable", "nobody", "wrong", ""); err == nil {
		t.Error("nobody logs in")
	}
	// The attack: undo it, knowing nothing.
	_, err = s.outside(t, "Enable", "demo", "wrong", "")
	refused(t, "wrong", err, ropc.ErrInvalidGrant)
	if s.user(t, "demo").Enabled {
		t.Error("a wrong password enabled the account")
	}
	_, err = s.outside(t, "Enable", "demo", "right", "")
	refused(t, "right, and disabled until now", err, ropc.ErrInvalidGrant)
	if _, err := s.outside(t, "Check", "demo", "right", ""); err != nil {
		t.Error(err)
	}
	// The run that locks gives no token, wherever it leads.
	s.owner(t, "leaving")
	_, err = s.outside(t, "LastTime", "leaving", "right", "")
	refused(t, "disabled on the way to success", err, ropc.ErrInvalidGrant)
	if s.user(t, "leaving").Enabled {
		t.Error("the account is enabled")
	}
	// A locked attempt changes nothing: its journey knows nothing of the password.
	s.wrong(t, "demo", 5)
	if _, err := s.outside(t, "Disable", "demo", "right", ""); err == nil || !s.user(t, "demo").Enabled {
		t.Errorf("a locked attempt disabled the account: %v", err)
	}
}
