package admin_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
)

func TestReload(t *testing.T) {
	var problems error
	s := newServer(t, func(o *admin.Options) {
		o.Reload = func(context.Context) ([]string, error) { return []string{"needs a restart: server.listen"}, problems }
	})
	got := do[admin.ReloadAnswer](s, "config/reload", admin.Nothing{})
	if d := cmp.Diff([]string{"needs a restart: server.listen"}, got.Warnings); d != "" {
		t.Error(d)
	}
	problems = errors.New("config.yaml:3:1: realms: nonsense\nconfig.yaml:4:1: server: nonsense")
	if text := s.refused(admin.CodeConfiguration, "config/reload", admin.Nothing{}); text != problems.Error()+"\n\nThe configuration in use stays as it was." {
		t.Errorf("not all problems, or not what holds now: %q", text)
	}
	bare := newServer(t)
	bare.refused(admin.CodeInvalid, "config/reload", admin.Nothing{})
	bare.refused(admin.CodeInvalid, "config/effective", admin.Nothing{})
	if got := all[admin.Secret](bare, "secret/list", admin.Nothing{}); len(got) != 0 {
		t.Errorf("secrets %v", got)
	}
}

func TestConfigurationAndSecretsAreShown(t *testing.T) {
	s := newServer(t, func(o *admin.Options) {
		o.Effective = func() any { return map[string]any{"server": map[string]any{"listen": ":8080"}} }
		o.KeyIDs = func() []string { return []string{"0011aabb", "deadbeef"} }
	})
	shown := do[map[string]map[string]string](s, "config/effective", admin.Nothing{})
	if shown["server"]["listen"] != ":8080" {
		t.Errorf("shown %v", shown)
	}
	want := []admin.Secret{{ID: "0011aabb", Signs: true}, {ID: "deadbeef"}}
	if d := cmp.Diff(want, all[admin.Secret](s, "secret/list", admin.Nothing{})); d != "" {
		t.Error(d)
	}
}

func TestRealmsAndJourneysAreShown(t *testing.T) {
	s := newServer(t)
	list := all[admin.Realm](s, "realm/list", admin.Nothing{})
	if len(list) != 2 || list[0].Realm != "/alpha" || list[1].Provider != nil || list[0].Provider.TokenInfo != "on" {
		t.Errorf("%+v", list)
	}
	for _, spelling := range []string{"alpha", "/alpha", "ALPHA", "/Alpha"} {
		if d := cmp.Diff(list[0], do[admin.Realm](s, "realm/show", admin.InRealm{Realm: spelling})); d != "" {
			t.Errorf("%s:\n%s", spelling, d)
		}
	}
	s.refused(admin.CodeNotFound, "realm/show", admin.InRealm{Realm: "beta"})
	s.refused(admin.CodeNotFound, "realm/show", admin.InRealm{Realm: "root"})
	s.refused(admin.CodeInvalid, "realm/show", admin.InRealm{})

	journeys := all[admin.Journey](s, "journey/list", alpha)
	want := admin.Journey{
		Name: "PasswordGrant", Realm: "/alpha", Enabled: true, UsedBy: []string{"realm"}, Entry: "collect", Parameters: []string{},
		Nodes: map[string]admin.Node{
			"collect": {Type: "ZeroPageLoginCollector", Outcomes: map[string]string{"has_credentials": "check", "no_credentials": "failure"}},
			"check":   {Type: "DataStoreDecision", Outcomes: map[string]string{"true": "success", "false": "failure"}},
		},
	}
	if d := cmp.Diff([]admin.Journey{want}, journeys); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, do[admin.Journey](s, "journey/show", admin.JourneyRef{InRealm: alpha, Name: "PasswordGrant"})); d != "" {
		t.Error(d)
	}
	s.refused(admin.CodeNotFound, "journey/show", admin.JourneyRef{InRealm: alpha, Name: "passwordgrant"})
	for _, verb := range []string{"client/list", "user/list", "session/list", "journey/list"} {
		s.refused(admin.CodeNotFound, verb, admin.InRealm{Realm: "beta"})
		s.refused(admin.CodeInvalid, verb, admin.InRealm{})
	}
	if got := all[admin.Journey](s, "journey/list", admin.InRealm{Realm: "bare"}); len(got) != 0 {
		t.Errorf("journeys of a realm without any: %v", got)
	}
}

// Every change leaves one event that says what was done to whom. What was refused, or only read, leaves none.
func TestEveryChangeIsAudited(t *testing.T) {
	s := newServer(t, func(o *admin.Options) {
		o.Reload = func(context.Context) ([]string, error) { return nil, nil }
	})
	id := s.user("demo").ID
	app := audit.Event{Realm: "/alpha", ClientID: "app"}
	demo := audit.Event{Realm: "/alpha", Username: "demo", Subject: id}
	password := admin.PasswordChange{UserRef: userRef("DEMO"), Password: "new"}
	s.audit.b.Reset()
	var want []audit.Event
	for _, step := range []struct {
		verb   string
		in     any
		reason string
		want   audit.Event
	}{
		{"client/create", newClient("app"), "client_create", app},
		{"client/update", admin.ClientChange{ClientRef: clientRef("app")}, "client_update", app},
		{"client/rotate-secret", admin.SecretChange{ClientRef: clientRef("app")}, "client_rotate_secret", app},
		{"client/disable", clientRef("app"), "client_disable", app},
		{"client/enable", clientRef("app"), "client_enable", app},
		{"user/update", admin.UserChange{UserRef: userRef("Demo")}, "user_update", demo},
		{"user/set-password", password, "user_set_password", demo},
		{"user/disable", admin.UserRef{InRealm: alpha, ID: id}, "user_disable", demo},
		{"user/enable", userRef("demo"), "user_enable", demo},
		{"user/unlock", userRef("demo"), "user_unlock", demo},
		{"session/revoke", admin.SessionQuery{InRealm: alpha, Username: "demo"}, "session_revoke", demo},
		{"session/revoke", admin.SessionQuery{InRealm: alpha, ClientID: "app"}, "session_revoke", app},
		{"session/revoke", admin.SessionQuery{InRealm: alpha, All: true}, "session_revoke", audit.Event{Realm: "/alpha"}},
		{"config/reload", admin.Nothing{}, "config_reload", audit.Event{}},
		{"client/delete", clientRef("app"), "client_delete", app},
		{"user/delete", userRef("demo"), "user_delete", demo},
	} {
		do[map[string]any](s, step.verb, step.in)
		step.want.Event, step.want.Outcome, step.want.Reason = audit.EventAdmin, audit.Success, step.reason
		want = append(want, step.want)
	}
	s.refused(admin.CodeNotFound, "user/delete", userRef("demo"))
	s.refused(admin.CodeStatic, "client/delete", clientRef("batch"))
	do[admin.Client](s, "client/show", clientRef("batch"))
	got := s.events()
	for i := range got {
		got[i].Time = want[0].Time
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	u := s.user("again")
	grant, access, _ := s.login("again", "batch")
	do[admin.Nothing](s, "token/revoke", admin.TokenRef{InRealm: alpha, Token: access})
	do[admin.Nothing](s, "session/revoke", admin.SessionQuery{InRealm: alpha, ID: grant.String()})
	got = s.events()[len(want)+1:]
	if len(got) != 2 || got[0].Reason != "token_revoke" || got[0].GrantID != grant.String() || got[0].Subject != u.ID ||
		got[0].ClientID != "batch" || got[1].Reason != "session_revoke" || got[1].GrantID != grant.String() {
		t.Errorf("%+v", got)
	}
}

// No answer, audit line or log line holds a secret, a password, a token, or a hash of one, whatever is done and however
// it fails. A generated secret is answered once.
func TestSecretsAreNowhere(t *testing.T) {
	s := newServer(t)
	s.user("demo")
	do[admin.UserAnswer](s, "user/set-password", admin.PasswordChange{UserRef: userRef("demo"), Password: "second-password-canary"})
	grant, access, refresh := s.login("demo", "batch")
	all[admin.Session](s, "session/list", admin.SessionQuery{InRealm: alpha})
	chosen := newClient("chosen")
	chosen.Secret = "client-secret-canary"
	do[admin.ClientAnswer](s, "client/create", chosen)
	generated := do[admin.ClientAnswer](s, "client/create", newClient("generated")).Secret
	rotated := do[admin.ClientAnswer](s, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("generated")}).Secret
	do[admin.ClientAnswer](s, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("chosen"), Secret: "second-secret-canary"})
	overlap := admin.Overlap(time.Hour)
	again := do[admin.ClientAnswer](s, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("generated"), Overlap: overlap}).Secret
	do[admin.ClientAnswer](s, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("chosen"), Secret: "third-secret-canary", Overlap: overlap})
	do[admin.Client](s, "client/show", clientRef("chosen"))
	do[admin.UserAnswer](s, "user/create", admin.NewUser{InRealm: alpha, Username: "imported", PasswordHash: bcryptHash})

	absent := chosen
	absent.IfAbsent = true
	do[admin.ClientAnswer](s, "client/create", absent)
	s.refused(admin.CodeExists, "client/create", chosen)
	s.refused(admin.CodeExists, "user/create", admin.NewUser{InRealm: alpha, Username: "demo", Password: userPassword})
	s.refused(admin.CodeInvalid, "user/create", admin.NewUser{InRealm: alpha, Username: "x", PasswordHash: "$unknown$hash-canary"})
	s.refused(admin.CodeInvalid, "user/create", admin.NewUser{InRealm: alpha, Username: "x", Password: "password-canary\x00"})
	s.refused(admin.CodeInvalid, "client/rotate-secret", admin.SecretChange{ClientRef: clientRef("chosen"), Secret: "tiny-canary"})
	s.post("POST", "/v1/user/create", `{"realm":"alpha","password":"cut-short-canary`)
	s.post("POST", "/v1/user/create", `{"realm":"alpha","password":["typed-canary"]}`)
	for _, verb := range []string{"introspect", "revoke"} {
		for _, token := range []string{access, refresh} {
			_, _ = admin.Do[map[string]any](t.Context(), s.api, "token/"+verb, admin.TokenRef{InRealm: alpha, Token: token})
		}
	}
	all[admin.Client](s, "client/list", alpha)
	all[admin.User](s, "user/list", alpha)
	all[admin.Realm](s, "realm/list", admin.Nothing{})

	answers := s.answers.String()
	for _, once := range []string{generated, rotated, again} {
		if strings.Count(answers, once) != 1 {
			t.Errorf("a generated secret is answered %d times", strings.Count(answers, once))
		}
		answers = strings.ReplaceAll(answers, once, "")
	}
	places := map[string]string{"answers": answers, "audit": s.audit.String(), "log": s.log.String()}
	if !strings.Contains(answers, grant.String()) || !strings.Contains(places["audit"], "user_set_password") {
		t.Fatal("the places are not those that were meant")
	}
	for place, text := range places {
		for _, secret := range []string{"canary", access, refresh, generated, rotated, again, bcryptHash, "$argon2id$", "$2a$", "$ropcd-secret$", "secret_hash", "password_hash"} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s: %q", place, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
}
