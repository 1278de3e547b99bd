package nodes_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
)

func TestAccountLockout(t *testing.T) {
	yes, no := true, false
	for _, tt := range []struct {
		settings string
		user     *realm.User
		want     *bool
	}{
		{"", &owner, &no},
		{"{}", &owner, &no},
		{"{action: lock}", &owner, &no},
		{"{action: unlock}", &disabled, nil}, // nothing was verified
		{"{action: lock}", nil, nil},
	} {
		n := node{Type: "AccountLockout", Settings: tt.settings, Outcomes: []string{"outcome"}}
		got, result := run(t, n, journey.Input{Username: "demo", Password: "wrong", User: tt.user})
		if diff := cmp.Diff(tt.want, result.Enabled); got != "outcome" || diff != "" {
			t.Errorf("%s: outcome %q (-want +got):\n%s", tt.settings, got, diff)
		}
	}
	in := journey.Input{Username: "demo", Password: "right", User: &disabled, Verify: func(context.Context, string) (bool, error) { return true, nil }}
	result := chainOf(t, in, "UsernameCollector", "PasswordCollector", "DataStoreDecision", "AccountLockout {action: unlock}")
	if diff := cmp.Diff(&yes, result.Enabled); diff != "" {
		t.Errorf("unlocked by a verified one (-want +got):\n%s", diff)
	}
	refuses(t, "AccountLockout", map[string]string{"{action: LOCK}": `action: must be lock or unlock, not "LOCK"`})
}

func TestLoginCounts(t *testing.T) {
	for _, tt := range []struct {
		steps  []string
		logins int
		want   bool
	}{
		{[]string{"LoginCountDecision {amount: 3}"}, 3, true},
		{[]string{"LoginCountDecision {amount: 3, interval: at}"}, 4, false},
		{[]string{"LoginCountDecision {amount: 3}"}, 2, false},
		{[]string{"IncrementLoginCount", "LoginCountDecision {amount: 3}"}, 2, true},
		{[]string{"IncrementLoginCount", "IncrementLoginCount", "LoginCountDecision {amount: 3}"}, 2, true},
		{[]string{"LoginCountDecision {amount: 3, interval: every}"}, 9, true},
		{[]string{"LoginCountDecision {amount: 3, interval: every}"}, 8, false},
		{[]string{"LoginCountDecision {amount: 3, interval: every}"}, 0, false},
		{[]string{"LoginCountDecision {amount: 1, interval: every}"}, 0, false},
	} {
		user := realm.User{Enabled: true, Login: realm.Login{Logins: tt.logins}}
		in := journey.Input{Username: "demo", User: &user}
		result := chainOf(t, in, append([]string{"UsernameCollector"}, tt.steps...)...)
		counts := len(tt.steps) > 1
		if result.Success != tt.want || result.CountLogin != (counts && tt.want) {
			t.Errorf("%v after %d logins: %+v", tt.steps, tt.logins, result)
		}
	}
	if result := chainOf(t, journey.Input{Username: "nobody"}, "UsernameCollector", "IncrementLoginCount", "LoginCountDecision {amount: 1}"); result.Success {
		t.Error("nobody has logged in")
	}
	refuses(t, "LoginCountDecision", map[string]string{
		"{}":                           "amount: must be at least 1",
		"{amount: -1}":                 "amount: must be at least 1",
		"{amount: 1, interval: often}": `interval: must be at or every, not "often"`,
	})
}

func TestPasswordExpiryDecision(t *testing.T) {
	old, recent := now.Add(-time.Hour-1), now.Add(-time.Hour)
	for _, tt := range []struct {
		name string
		user *realm.User
		want string
	}{
		{"recent", &realm.User{PasswordHash: "h", PasswordSet: recent, Created: old}, "false"},
		{"old", &realm.User{PasswordHash: "h", PasswordSet: old, Created: recent}, "true"},
		{"imported lately", &realm.User{PasswordHash: "h", Created: recent}, "false"},
		{"imported long ago", &realm.User{PasswordHash: "h", Created: old}, "true"},
		{"none is kept", &realm.User{PasswordSet: old, Created: old}, "false"},
		{"nobody", nil, "false"},
	} {
		n := node{Type: "PasswordExpiryDecision", Settings: "{max_age: 1h}", Outcomes: []string{"false", "true"}}
		got, result := run(t, n, journey.Input{Username: "demo", Password: "wrong", User: tt.user})
		if got != tt.want || (got == "true") != (result.Reason == journey.ReasonExpired) {
			t.Errorf("%s: outcome %q, reason %q", tt.name, got, result.Reason)
		}
	}
	refuses(t, "PasswordExpiryDecision", map[string]string{
		"{}":              "max_age: say how old a password may be, such as 90d",
		"{max_age: -1h}":  "max_age: say how old a password may be, such as 90d",
		"{max_age: 10ms}": "max_age: say how old a password may be, such as 90d",
	})
}

// outside is a credential source that says yes to everybody.
type outside struct{}

func (*outside) Outcomes() []string                       { return []string{"outcome"} }
func (*outside) ReadsPassword() bool                      { return true }
func (o *outside) Open(journey.Env) (journey.Node, error) { return o, nil }
func (*outside) Name() string                             { return "ldap://a" }
func (*outside) Refuse(context.Context) error             { return nil }
func (*outside) LinksAny() bool                           { return true }
func (*outside) Check(context.Context, string, string) (journey.Answer, error) {
	return journey.Answer{Right: true, Attributes: map[string]string{"mail": "ada@example.org", "gone": ""}}, nil
}

func (o *outside) Run(ctx context.Context, s *journey.State) (string, error) {
	_, err := s.VerifyWith(ctx, o)
	return "outcome", err
}

// What a source has told counts at once, also for whom there is no record yet.
func TestAttributesOfASourceAreSeenInItsRun(t *testing.T) {
	known := realm.User{Enabled: true, Attributes: map[string]string{"mail": "old@example.org", "gone": "x", "own": "x"}}
	for name, user := range map[string]*realm.User{"nobody yet": nil, "an owner": &known} {
		in := journey.Input{Username: "demo", Password: "right", User: user}
		for step, want := range map[string]bool{
			"AttributeDecision {attribute: mail, values: [ada@example.org]}":      true,
			"AttributeDecision {attribute: mail, values: [old@example.org]}":      false,
			"AttributeDecision {attribute: gone, present: true}":                  false,
			"AttributeDecision {attribute: own, present: true}":                   user != nil,
			"ScriptedDecision {expression: 'attributes.mail.endsWith(\".org\")'}": true,
			"ScriptedDecision {expression: 'attributes.gone == \"x\"'}":           false,
			"ScriptedDecision {expression: 'owner.exists'}":                       user != nil,
		} {
			if got := chainOf(t, in, "UsernameCollector", "PasswordCollector", "Outside", step); got.Success != want {
				t.Errorf("%s: %s: %+v", name, step, got)
			}
		}
	}
	if known.Attributes["mail"] != "old@example.org" || known.Attributes["gone"] != "x" {
		t.Errorf("the record was changed: %v", known.Attributes)
	}
}

func TestMigrateCredential(t *testing.T) {
	in := journey.Input{Username: "demo", Password: "right", User: &owner}
	collect := []string{"UsernameCollector", "PasswordCollector"}
	for _, tt := range []struct {
		steps []string
		want  bool
	}{
		{append(collect, "Outside", "MigrateCredential"), true},
		{append(collect, "MigrateCredential", "Outside"), false},
		{append(collect, "MigrateCredential"), false},
	} {
		if got := chainOf(t, in, tt.steps...); got.Migrate != tt.want {
			t.Errorf("%v: %+v", tt.steps, got)
		}
	}
}

// chainOf is chain with a certain input, and a node type Outside.
func chainOf(t *testing.T, in journey.Input, steps ...string) journey.Result {
	t.Helper()
	types := nodes.Table()
	types["Outside"] = func() journey.Settings { return new(outside) }
	return chainWith(t, types, in, steps...)
}
