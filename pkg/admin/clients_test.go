package admin_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

func TestClientIsShownAsItWasCreated(t *testing.T) {
	s := newServer(t)
	yes := true
	in := newClient("app/1 %2f")
	in.DefaultScopes, in.AllowedJourneys, in.TrustEndUserIP = []string{"read"}, []string{"PasswordGrant"}, "X-User-Ip"
	in.TokenEndpointAuthMethod = realm.AuthPost
	in.AccessTokenLifetime, in.RefreshTokenLifetime = admin.Lifetime(90*time.Minute), admin.Lifetime(realm.Never)
	in.IssueRefreshToken = &yes
	created := do[admin.ClientAnswer](s, "client/create", in)

	stored, err := s.store.Client(t.Context(), "/alpha", in.ID)
	if err != nil {
		t.Fatal(err)
	}
	if ok, known := password.VerifySecret("/alpha", in.ID, created.Secret, stored.SecretHash); !ok || !known || len(created.Secret) < 43 {
		t.Errorf("the generated secret %q does not verify", created.Secret)
	}
	want := admin.Client{
		Realm: "/alpha", ID: in.ID, Enabled: true, HasSecret: true, ClientSettings: in.ClientSettings, Created: created.Created,
	}
	if d := cmp.Diff(want, do[admin.Client](s, "client/show", clientRef(in.ID))); d != "" || created.Created == nil {
		t.Error(d)
	}
	if d := cmp.Diff(want, created.Client); d != "" {
		t.Error(d)
	}
}

func TestClientUpdateChangesOnlyWhatIsNamed(t *testing.T) {
	s := newServer(t)
	in := newClient("app")
	in.AccessTokenLifetime = admin.Lifetime(time.Minute)
	want := do[admin.ClientAnswer](s, "client/create", in).Client
	scopes, never, no := []string{"x"}, admin.Lifetime(realm.Never), "false"
	want.Scopes, want.RefreshTokenLifetime, want.IssueRefreshToken = scopes, never, new(bool)
	got := do[admin.ClientAnswer](s, "client/update", admin.ClientChange{
		ClientRef: clientRef("app"), Scopes: &scopes, RefreshTokenLifetime: &never, IssueRefreshToken: &no,
	})
	if d := cmp.Diff(want, got.Client); d != "" {
		t.Error(d)
	}
	inherit, zero := "inherit", admin.Lifetime(0)
	want.IssueRefreshToken, want.AccessTokenLifetime = nil, 0
	do[admin.ClientAnswer](s, "client/update", admin.ClientChange{ClientRef: clientRef("app"), IssueRefreshToken: &inherit, AccessTokenLifetime: &zero})
	if d := cmp.Diff(want, do[admin.Client](s, "client/show", clientRef("app"))); d != "" {
		t.Error(d)
	}
}

func TestClientOfTheFileCanNeitherChangeNorBeShadowed(t *testing.T) {
	s := newServer(t)
	shown := do[admin.Client](s, "client/show", clientRef("batch"))
	if !shown.Static || !shown.HasSecret || !shown.Enabled {
		t.Errorf("shown as %+v", shown)
	}
	absent := newClient("batch")
	absent.IfAbsent = true
	for verb, in := range map[string]any{
		"client/create": newClient("batch"), "client/update": admin.ClientChange{ClientRef: clientRef("batch")},
		"client/enable": clientRef("batch"), "client/disable": clientRef("batch"), "client/delete": clientRef("batch"),
		"client/rotate-secret": admin.SecretChange{ClientRef: clientRef("batch")},
	} {
		if text := s.refused(admin.CodeStatic, verb, in); !strings.Contains(text, "config.yaml") {
			t.Errorf("%s: %s", verb, text)
		}
	}
	s.refused(admin.CodeStatic, "client/create", absent)
	for _, err := range s.store.Clients(t.Context(), "/alpha") {
		t.Errorf("something was stored, %v", err)
	}
}

// A stored client that a static one of a later config.yaml hides is listed once, as the static one.
func TestClientListShowsWhatIsInForce(t *testing.T) {
	s := newServer(t)
	for _, id := range []string{"batch", "other"} {
		err := s.store.CreateClient(t.Context(), &realm.Client{Realm: "/alpha", ID: id, Created: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]bool{}
	for _, c := range all[admin.Client](s, "client/list", alpha) {
		if _, twice := got[c.ID]; twice {
			t.Errorf("%s is listed twice", c.ID)
		}
		got[c.ID] = c.Static
	}
	if d := cmp.Diff(map[string]bool{"batch": true, "other": false}, got); d != "" {
		t.Error(d)
	}
}

func TestCreatingAClientAgain(t *testing.T) {
	s := newServer(t)
	first := do[admin.ClientAnswer](s, "client/create", newClient("app"))
	s.user("demo")
	grant, _, _ := s.login("demo", "app")

	s.refused(admin.CodeExists, "client/create", newClient("app"))
	again := newClient("app")
	again.IfAbsent, again.Scopes = true, []string{"more"}
	got := do[admin.ClientAnswer](s, "client/create", again)
	if !got.Unchanged || got.Secret != "" {
		t.Errorf("answered %+v", got)
	}
	if d := cmp.Diff(first.Client, got.Client); d != "" {
		t.Errorf("it did not stay as it was:\n%s", d)
	}
	if !s.alive(grant) {
		t.Error("a create that was refused, or changed nothing, ended the client's grants")
	}
	if n := len(s.events()); n != 2 { // the client, the user
		t.Errorf("%d audit events", n)
	}
}

func TestManyCreateOneClientIfAbsent(t *testing.T) {
	s := newServer(t)
	in := newClient("app")
	in.IfAbsent = true
	var mu sync.Mutex
	var wg sync.WaitGroup
	secrets := 0
	for range 8 {
		wg.Go(func() {
			got, err := admin.Do[admin.ClientAnswer](t.Context(), s.api, "client/create", in)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if got.Secret != "" {
				secrets++
			}
		})
	}
	wg.Wait()
	if secrets != 1 {
		t.Errorf("%d of them made it", secrets)
	}
}

// What was there when it was looked for has come in between.
func TestCreateThatLosesTheRaceIsIdempotentToo(t *testing.T) {
	s := newServer(t)
	missing := true
	s.store.client = func(ctx context.Context, r, id string) (*realm.Client, error) {
		if missing {
			missing = false
			return nil, storage.ErrNotFound
		}
		return s.store.Store.Client(ctx, r, id)
	}
	if err := s.store.CreateClient(t.Context(), &realm.Client{Realm: "/alpha", ID: "app", Enabled: true}); err != nil {
		t.Fatal(err)
	}
	in := newClient("app")
	in.IfAbsent = true
	if got := do[admin.ClientAnswer](s, "client/create", in); !got.Unchanged || got.Secret != "" {
		t.Errorf("answered %+v", got)
	}
}

func TestDisablingOrDeletingAClientEndsItsGrants(t *testing.T) {
	for _, verb := range []string{"client/disable", "client/delete"} {
		t.Run(verb, func(t *testing.T) {
			s := newServer(t)
			do[admin.ClientAnswer](s, "client/create", newClient("app"))
			s.user("demo")
			grant, access, _ := s.login("demo", "app")
			other, _, _ := s.login("demo", "batch")
			if c, err := s.provider.Clients.Lookup(t.Context(), "/alpha", "app"); err != nil || !c.Enabled { // now it is remembered
				t.Fatal(err)
			}
			if !do[admin.Introspection](s, "token/introspect", admin.TokenRef{InRealm: alpha, Token: access}).Active {
				t.Fatal("the token is not active")
			}
			do[admin.ClientAnswer](s, verb, clientRef("app"))
			if s.alive(grant) || !s.alive(other) {
				t.Errorf("the client's grant lives: %v, another's: %v", s.alive(grant), s.alive(other))
			}
			if c, err := s.provider.Clients.Lookup(t.Context(), "/alpha", "app"); err == nil && c.Enabled {
				t.Error("the provider remembers the client as it was")
			}
			if verb == "client/delete" {
				s.refused(admin.CodeNotFound, "client/show", clientRef("app"))
				do[admin.ClientAnswer](s, "client/create", newClient("app"))
			} else if !do[admin.ClientAnswer](s, "client/enable", clientRef("app")).Enabled {
				t.Error("not enabled again")
			}
			if s.alive(grant) {
				t.Error("the client that came back has inherited the grant")
			}
		})
	}
}

// A client of config.yaml leaves grants when it is taken out of the file; who takes its id must not get them.
func TestNewClientDoesNotInheritGrants(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	grant, _, _ := s.login("demo", "app")
	do[admin.ClientAnswer](s, "client/create", newClient("app"))
	if s.alive(grant) {
		t.Error("the new client has the grant of an earlier one")
	}
}

func TestChangesAreSeenAtOnce(t *testing.T) {
	s := newServer(t)
	do[admin.ClientAnswer](s, "client/create", newClient("app"))
	lookup := func() *realm.Client {
		c, err := s.provider.Clients.Lookup(t.Context(), "/alpha", "app")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := lookup()
	scopes := []string{"x"}
	do[admin.ClientAnswer](s, "client/update", admin.ClientChange{ClientRef: clientRef("app"), Scopes: &scopes})
	if got := lookup(); !cmp.Equal(got.Scopes, scopes) {
		t.Errorf("scopes %v", got.Scopes)
	}
	do[admin.ClientAnswer](s, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("app")})
	if lookup().SecretHash == before.SecretHash {
		t.Error("the old secret is remembered")
	}
}

func TestRotatingASecret(t *testing.T) {
	s := newServer(t)
	old := do[admin.ClientAnswer](s, "client/create", newClient("app")).Secret
	s.user("demo")
	grant, _, _ := s.login("demo", "app")
	verify := func(secret string) bool {
		c, err := s.store.Client(t.Context(), "/alpha", "app")
		if err != nil {
			t.Fatal(err)
		}
		ok, _ := password.VerifySecret("/alpha", "app", secret, c.SecretHash)
		return ok
	}
	rotated := do[admin.ClientAnswer](s, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("app")}).Secret
	if rotated == "" || rotated == old || verify(old) || !verify(rotated) {
		t.Errorf("old %q verifies: %v; new %q: %v", old, verify(old), rotated, verify(rotated))
	}
	chosen := do[admin.ClientAnswer](s, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("app"), Secret: "chosen-by-a-person"})
	c, err := s.store.Client(t.Context(), "/alpha", "app")
	if err != nil || chosen.Secret != "" || !strings.Contains(c.SecretHash, "$argon2id$") {
		t.Errorf("a chosen secret is answered as %q and kept as %q, %v", chosen.Secret, c.SecretHash, err)
	}
	if !s.alive(grant) {
		t.Error("a new secret ended the grants")
	}
	public := newClient("spa")
	public.Public = true
	do[admin.ClientAnswer](s, "client/create", public)
	s.refused(admin.CodeInvalid, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("spa")})
	s.refused(admin.CodeInvalid, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("app"), Secret: "short"})
}

func TestClientThatCanNotBeIsRefused(t *testing.T) {
	s := newServer(t)
	many := make([]string, storage.MaxScopes+1)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	for name, change := range map[string]func(*admin.NewClient){
		"no id":                   func(c *admin.NewClient) { c.ID = "" },
		"id with a line feed":     func(c *admin.NewClient) { c.ID = "a\nb" },
		"id beyond ASCII":         func(c *admin.NewClient) { c.ID = "é" },
		"long id":                 func(c *admin.NewClient) { c.ID = strings.Repeat("a", 256) },
		"unknown grant type":      func(c *admin.NewClient) { c.GrantTypes = []string{"implicit"} },
		"scope with a space":      func(c *admin.NewClient) { c.Scopes = []string{"a b"} },
		"scope with a quote":      func(c *admin.NewClient) { c.Scopes = []string{`a"b`} },
		"empty scope":             func(c *admin.NewClient) { c.Scopes = []string{""} },
		"many scopes":             func(c *admin.NewClient) { c.Scopes = many },
		"foreign default scope":   func(c *admin.NewClient) { c.DefaultScopes = []string{"other"} },
		"unknown method":          func(c *admin.NewClient) { c.TokenEndpointAuthMethod = "private_key_jwt" },
		"header with a space":     func(c *admin.NewClient) { c.TrustEndUserIP = "X User" },
		"short secret":            func(c *admin.NewClient) { c.Secret = "elevenchars" },
		"secret of a public one":  func(c *admin.NewClient) { c.Public, c.Secret = true, "long-enough-secret" },
		"secret with a control":   func(c *admin.NewClient) { c.Secret = "long-enough\x00secret" },
		"unknown realm":           func(c *admin.NewClient) { c.Realm = "beta" },
		"no realm":                func(c *admin.NewClient) { c.Realm = "" },
		"what can't be a realm":   func(c *admin.NewClient) { c.Realm = "a//b" },
		"name of the token realm": func(c *admin.NewClient) { c.Realm = "access_token" },
	} {
		in := newClient("app")
		change(&in)
		code := admin.CodeInvalid
		if name == "unknown realm" {
			code = admin.CodeNotFound
		}
		if text := s.refused(code, "client/create", in); text == "" || strings.Contains(text, "secret") && strings.Contains(text, in.Secret) && in.Secret != "" {
			t.Errorf("%s: described as %q", name, text)
		}
	}
	if got := all[admin.Client](s, "client/list", alpha); len(got) != 1 {
		t.Errorf("%d clients are there", len(got))
	}
	for _, verb := range []string{"client/show", "client/enable", "client/disable", "client/delete", "client/rotate-secret", "client/update"} {
		s.refused(admin.CodeNotFound, verb, clientRef("nobody"))
	}
	for _, bad := range []string{"yes", "", "TRUE"} {
		do[admin.ClientAnswer](s, "client/create", admin.NewClient{ClientRef: clientRef("app"), IfAbsent: true})
		s.refused(admin.CodeInvalid, "client/update", admin.ClientChange{ClientRef: clientRef("app"), IssueRefreshToken: &bad})
	}
}

func TestClientThatIsHardlyMeantIsWarnedOf(t *testing.T) {
	s := newServer(t)
	for name, tc := range map[string]struct {
		change func(*admin.NewClient)
		want   string
	}{
		"nothing":            {func(*admin.NewClient) {}, ""},
		"no refresh grant":   {func(c *admin.NewClient) { c.GrantTypes = []string{"password"} }, "refresh tokens that it can't use"},
		"no scopes":          {func(c *admin.NewClient) { c.Scopes = nil }, "no scopes"},
		"public":             {func(c *admin.NewClient) { c.Public = true }, "allow_public_password_grant"},
		"unknown journey":    {func(c *admin.NewClient) { c.AllowedJourneys = []string{"Nowhere"} }, "no journey Nowhere"},
		"realm with no door": {func(c *admin.NewClient) { c.Realm = "bare" }, "no oauth2_provider"},
	} {
		in := newClient("app-" + strings.ReplaceAll(name, " ", "-"))
		tc.change(&in)
		got := strings.Join(do[admin.ClientAnswer](s, "client/create", in).Warnings, "; ")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: warned %q", name, got)
		}
	}
}
