package nodes_test

import (
	"context"
	"testing"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

var (
	identityStore = node{Type: "IdentityStoreDecision", Outcomes: []string{"true", "false", "locked", "expired"}}
	barred        = &realm.User{Enabled: false, Expires: now}
	failing       = &realm.User{Enabled: true, Login: realm.Login{LockedUntil: now.Add(1)}} // by the record alone
)

func TestIdentityStoreDecision(t *testing.T) {
	for _, tt := range []struct {
		name     string
		password string
		user     *realm.User
		locked   bool
		want     string
		reason   string
	}{
		{"right", "right", &owner, false, "true", ""},
		{"wrong", "wrong", &owner, false, "false", "wrong_password"},
		{"none", "", &owner, false, "false", "wrong_password"},
		{"expiring", "right", &expiring, false, "true", ""},
		{"unknown", "right", nil, false, "false", "unknown_user"},
		{"disabled", "right", &disabled, false, "locked", "disabled"},
		{"disabled, wrong", "wrong", &disabled, false, "locked", "disabled"},
		{"expired", "right", &expired, false, "expired", "expired"},
		{"expired, wrong", "wrong", &expired, false, "expired", "expired"},
		{"disabled and expired", "right", barred, false, "locked", "disabled"},
		{"locked", "right", &owner, true, "locked", "locked"},
		{"locked, wrong", "wrong", &owner, true, "locked", "locked"},
		{"locked, expired", "right", &expired, true, "locked", "locked"},
		{"locked, unknown", "right", nil, true, "locked", "locked"},
		{"the guard decides, not the record", "right", failing, false, "true", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			got, result := run(t, identityStore, journey.Input{
				Username: "demo", Password: tt.password, User: tt.user, Locked: tt.locked,
				Verify: func(_ context.Context, password string) (bool, error) {
					calls++
					return password == "right" && tt.user != nil && tt.user.Enabled && !tt.user.Expired(now), nil
				},
			})
			if got != tt.want || result.Reason != tt.reason || result.Success != (tt.want == "true") || result.Verified != result.Success {
				t.Errorf("outcome %q, %+v; want %q, reason %q", got, result, tt.want, tt.reason)
			}
			if want := map[bool]int{true: 1}[tt.password != ""]; calls != want {
				t.Errorf("the password was compared %d times, want %d", calls, want)
			}
		})
	}
}

// Wherever the outcomes lead, nobody is verified who may not log in, and a lock holds.
func TestIdentityStoreDecisionOnlySteers(t *testing.T) {
	anyway := journey.NodeDefinition{Type: "IdentityStoreDecision", Outcomes: map[string]string{
		"true": "success", "false": "success", "locked": "success", "expired": "success",
	}}
	s, problems := build(map[string]journey.NodeDefinition{"collect": collect, "it": anyway}, "collect")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	for name, in := range map[string]journey.Input{
		"unknown": {}, "disabled": {User: &disabled}, "expired": {User: &expired}, "locked": {User: &owner, Locked: true},
	} {
		in.Username, in.Password, in.Now = "demo", "right", now
		in.Verify = func(context.Context, string) (bool, error) { return in.Locked, nil }
		got, err := j.Run(t.Context(), in)
		if err != nil || got.Verified || !got.Evaluated || (in.Locked && got.Success) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAttributeDecision(t *testing.T) {
	with := func(attributes map[string]string) *realm.User {
		return &realm.User{Enabled: true, Attributes: attributes}
	}
	staff := with(map[string]string{"kind": "staff", "empty": ""})
	for _, tt := range []struct {
		settings string
		user     *realm.User
		want     string
	}{
		{`{"attribute":"kind","values":["guest","staff"]}`, staff, "true"},
		{`{"attribute":"kind","values":["guest","Staff"]}`, staff, "false"},
		{`{"attribute":"Kind","values":["staff"]}`, staff, "false"},
		{`{"attribute":"kind","values":["staff"],"present":false}`, staff, "true"},
		{`{"attribute":"kind","values":["staff"]}`, &owner, "false"},
		{`{"attribute":"kind","values":["staff"]}`, nil, "false"},
		{`{"attribute":"kind","present":true}`, staff, "true"},
		{`{"attribute":"empty","present":true}`, staff, "false"},
		{`{"attribute":"mail","present":true}`, staff, "false"},
		{`{"attribute":"mail","present":true}`, &owner, "false"},
		{`{"attribute":"mail","present":true}`, nil, "false"},
	} {
		in := journey.Input{Username: "demo", Password: "wrong", User: tt.user}
		got, result := run(t, node{Type: "AttributeDecision", Settings: tt.settings, Outcomes: trueFalse}, in)
		if got != tt.want || result.Verified {
			t.Errorf("%s of %+v: %q, %+v; want %q", tt.settings, tt.user, got, result, tt.want)
		}
		if unknown := tt.user == nil; unknown != (result.Reason == "unknown_user") {
			t.Errorf("%s of %+v: reason %q", tt.settings, tt.user, result.Reason)
		}
	}
}

// Without a collected name there is no owner, whoever the request is about.
func TestAttributeDecisionNeedsACollectedName(t *testing.T) {
	def := node{Type: "AttributeDecision", Settings: `{"attribute":"kind","present":true}`, Outcomes: trueFalse}.definition()
	s, problems := build(map[string]journey.NodeDefinition{"it": def}, "it")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	user := &realm.User{Enabled: true, Attributes: map[string]string{"kind": "staff"}}
	if got, err := j.Run(t.Context(), journey.Input{Username: "demo", Password: "right", User: user}); err != nil || got.Success {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAttributeDecisionRefusesWrongSettings(t *testing.T) {
	refuses(t, "AttributeDecision", map[string]string{
		``:                  "attribute: name the one to look at",
		`{"present":true}`:  "attribute: name the one to look at",
		`{"attribute":"a"}`: "values: list at least one, or say `present: true`",
		`{"attribute":"a","values":[],"present":false}`:   "values: list at least one, or say `present: true`",
		`{"attribute":"a","values":["b",""]}`:             "values[1]: is empty",
		`{"attribute":"a","values":["b"],"present":true}`: "`values` and `present` exclude each other",
	})
}
