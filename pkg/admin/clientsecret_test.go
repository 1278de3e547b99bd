package admin_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
)

// stored is what the store keeps of a client of alpha.
func (s *server) stored(id string) *realm.Client {
	s.t.Helper()
	c, err := s.store.Store.Client(s.t.Context(), "/alpha", id)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// rotate gives the client "app" a new secret, with an overlap.
func (s *server) rotate(overlap time.Duration) admin.ClientAnswer {
	s.t.Helper()
	return do[admin.ClientAnswer](s, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("app"), Overlap: admin.Overlap(overlap)})
}

// right tells which of the secrets the client "app" has at a time.
func (s *server) right(at time.Time, secrets ...string) (out []bool) {
	for _, secret := range secrets {
		found := false
		for _, hash := range s.stored("app").SecretHashes(at) {
			ok, _ := password.VerifySecret("/alpha", "app", secret, hash)
			found = found || ok
		}
		out = append(out, found)
	}
	return out
}

func TestRotatingWithAnOverlapKeepsTwoSecrets(t *testing.T) {
	s := newServer(t)
	first := do[admin.ClientAnswer](s, "client/create", newClient("app")).Secret
	expect := func(name string, at time.Time, want []bool, secrets ...string) {
		t.Helper()
		if d := cmp.Diff(want, s.right(at, secrets...)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	begun := time.Now()
	answer := s.rotate(24 * time.Hour)
	second, until := answer.Secret, answer.PreviousSecretUntil
	if until == nil || until.Before(begun.Add(24*time.Hour-time.Millisecond)) || until.After(time.Now().Add(24*time.Hour)) || len(answer.Warnings) > 0 {
		t.Fatalf("answered until %v, warnings %q", until, answer.Warnings)
	}
	if shown := do[admin.Client](s, "client/show", clientRef("app")).PreviousSecretUntil; shown == nil || !shown.Equal(*until) {
		t.Errorf("shown until %v", shown)
	}
	expect("both", begun, []bool{true, true}, first, second)
	expect("both to the end", until.Add(-1), []bool{true, true}, first, second)
	expect("then the new one", *until, []bool{false, true}, first, second)

	answer = s.rotate(time.Hour)
	third := answer.Secret
	expect("at most two", begun, []bool{false, true, true}, first, second, third)
	expect("for the last overlap", begun.Add(2*time.Hour), []bool{false, false, true}, first, second, third)
	if w := strings.Join(answer.Warnings, "; "); !strings.Contains(w, "no longer accepted") {
		t.Errorf("warned %q", w)
	}

	answer = s.rotate(0)
	expect("without an overlap", begun, []bool{false, false, true}, second, third, answer.Secret)
	if c := s.stored("app"); answer.PreviousSecretUntil != nil || c.PreviousSecretHash != "" || !c.PreviousSecretUntil.IsZero() || len(answer.Warnings) > 0 {
		t.Errorf("kept %+v, warned %q", c, answer.Warnings)
	}
}

func TestOtherChangesKeepThePreviousSecret(t *testing.T) {
	s := newServer(t)
	do[admin.ClientAnswer](s, "client/create", newClient("app"))
	until := s.rotate(time.Hour).PreviousSecretUntil
	want := s.stored("app").PreviousSecretHash
	scopes := []string{"x"}
	for _, step := range []struct {
		verb string
		in   any
	}{
		{"client/update", admin.ClientChange{ClientRef: clientRef("app"), Scopes: &scopes}},
		{"client/disable", clientRef("app")},
		{"client/enable", clientRef("app")},
		{"client/create", admin.NewClient{ClientRef: clientRef("app"), IfAbsent: true}},
	} {
		answer := do[admin.ClientAnswer](s, step.verb, step.in)
		if c := s.stored("app"); c.PreviousSecretHash != want || want == "" || answer.PreviousSecretUntil == nil || !answer.PreviousSecretUntil.Equal(*until) {
			t.Errorf("%s: kept %q, until %v", step.verb, c.PreviousSecretHash, answer.PreviousSecretUntil)
		}
	}
}

// What is over is not shown, is no third secret, and goes with the next change.
func TestPreviousSecretThatIsOverIsForgotten(t *testing.T) {
	s := newServer(t)
	do[admin.ClientAnswer](s, "client/create", newClient("app"))
	over := func() {
		t.Helper()
		c := s.stored("app")
		c.PreviousSecretHash, c.PreviousSecretUntil = "$over", time.Now().Add(-time.Second)
		if err := s.store.UpdateClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	over()
	if c := do[admin.Client](s, "client/show", clientRef("app")); c.PreviousSecretUntil != nil {
		t.Errorf("shown until %v", c.PreviousSecretUntil)
	}
	do[admin.ClientAnswer](s, "client/update", admin.ClientChange{ClientRef: clientRef("app")})
	if c := s.stored("app"); c.PreviousSecretHash != "" || !c.PreviousSecretUntil.IsZero() {
		t.Errorf("kept %+v", c)
	}
	over()
	if answer := s.rotate(time.Hour); len(answer.Warnings) > 0 {
		t.Errorf("warned %q", answer.Warnings)
	}
}

// Another administrator rotates in between: theirs is the one before, and the one before theirs is no longer right.
func TestRotationsAtOnceKeepTwoSecrets(t *testing.T) {
	s := newServer(t)
	first := do[admin.ClientAnswer](s, "client/create", newClient("app")).Secret
	theirs := ""
	s.store.updateClient = func(ctx context.Context, c *realm.Client) error {
		s.store.updateClient = nil
		theirs = s.rotate(time.Hour).Secret
		return s.store.Store.UpdateClient(ctx, c)
	}
	ours := s.rotate(time.Hour).Secret
	if d := cmp.Diff([]bool{false, true, true}, s.right(time.Now(), first, theirs, ours)); d != "" {
		t.Error(d)
	}
}

func TestOverlapThatCanNotBeIsRefused(t *testing.T) {
	s := newServer(t)
	do[admin.ClientAnswer](s, "client/create", newClient("app"))
	before := s.stored("app")
	for _, overlap := range []string{"never", "inherit", "-1", "-1h", "", "1ns", "3600", "soon", "91d", "90d1s", "99999d", "99999999999d"} {
		text := s.refused(admin.CodeInvalid, "client/rotate-secret", map[string]string{"realm": "alpha", "id": "app", "overlap": overlap})
		if !strings.Contains(text, "overlap") {
			t.Errorf("%s: %s", overlap, text)
		}
	}
	s.refused(admin.CodeInvalid, "client/rotate-secret", map[string]any{"realm": "alpha", "id": "app", "overlap": 3600e9})
	if d := cmp.Diff(before, s.stored("app")); d != "" {
		t.Errorf("changed:\n%s", d)
	}
	public := newClient("spa")
	public.Public = true
	do[admin.ClientAnswer](s, "client/create", public)
	s.refused(admin.CodeInvalid, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("spa"), Overlap: admin.Overlap(time.Hour)})
}

func TestOverlapIsWrittenAsItIsRead(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "90s": 90 * time.Second, "24h": 24 * time.Hour, "90d": 90 * 24 * time.Hour, "1d12h": 36 * time.Hour} {
		var got, again admin.Overlap
		if err := got.UnmarshalText([]byte(text)); err != nil || time.Duration(got) != want {
			t.Errorf("%s: %s, %v", text, time.Duration(got), err)
		}
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("%s is written %s, which is %s, %v", text, got, again, err)
		}
	}
	if body, err := json.Marshal(admin.SecretChange{}); err != nil || strings.Contains(string(body), "overlap") {
		t.Errorf("%s, %v", body, err)
	}
}
