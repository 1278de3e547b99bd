package config

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

// rehearsal is one case that is being run: a request goes through the checks of the token endpoint from the user name on,
// in their order, with the owner and the sources of the case. Nothing outside of the process is asked.
type rehearsal struct {
	realm  Realm
	test   *testSection
	now    time.Time
	hidden func(text string) bool // it must not be in a message
}

// verdict is what a request came to.
type verdict struct {
	outcome string
	reason  string // of a failure or refusal, as the audit log has it
	detail  string // of a refusal, for people
	journey string
	rule    string
	level   int
	scope   []string
	session map[string]string
	trail   []journey.Step
}

func (v verdict) refused(reason, detail string) verdict {
	v.outcome, v.reason, v.detail = testRefused, reason, detail
	return v
}

// verdict decides the request. An error is a fault: the verdict says then only which way the run went.
func (t rehearsal) verdict(ctx context.Context) (verdict, error) {
	var v verdict
	for _, name := range []string{"username", "password"} {
		if t.test.Parameters[name] == "" {
			return v.refused(audit.Request, "the request has no "+name), nil
		}
	}
	client := t.client()
	granted, err := t.scopes(client)
	if err != nil {
		return v.refused(audit.Scope, err.Error()), nil
	}
	chain, service, organization := t.test.Parameters["auth_chain"],
		t.realm.Provider.PasswordGrantAuthenticationService, t.realm.OrganizationAuthenticationConfiguration
	chosen, rule, err := t.realm.Journeys.Choose(chain, service, organization, client.AllowsJourney)
	v.journey, _ = journey.Select(chain, service, organization)
	v.rule = string(rule)
	if err != nil {
		return v.refused(audit.JourneyRefused, t.unavailable(client, v.journey, err)), nil
	}
	in := t.input(client, granted)
	result, err := chosen.Run(ctx, in)
	v.trail = result.Trail
	if err != nil {
		return v, err
	}
	if v.reason = chosen.Decide(in, result); v.reason != "" {
		v.outcome = testFailure
		return v, nil
	}
	v.outcome = testSuccess
	v.level, v.scope, v.session = result.AuthLevel, granted, result.Properties
	return v, nil
}

// client is the client that the case names; without a name it is one that may have and use everything.
func (t rehearsal) client() *realm.Client {
	if t.test.Client != "" {
		return t.realm.client(t.test.Client)
	}
	return &realm.Client{
		Realm: t.realm.Path.Key(), Enabled: true, GrantTypes: grantTypes(),
		Scopes: append(realm.SplitScope(t.test.Parameters["scope"]), t.realm.Provider.DefaultScopes...),
	}
}

// scopes are those of the request. That the realm has no default is no refusal where no client is named.
func (t rehearsal) scopes(client *realm.Client) ([]string, error) {
	rule := realm.ScopeRule{
		Allowed: client.Scopes, ClientDefaults: client.DefaultScopes, RealmDefaults: t.realm.Provider.DefaultScopes,
	}
	granted, err := rule.Grant(realm.SplitScope(t.test.Parameters["scope"]))
	if t.test.Client == "" && errors.Is(err, realm.ErrNoScope) {
		return nil, nil
	}
	return granted, err //nolint:wrapcheck // its text is the message
}

// unavailable is why a journey can't be chosen.
func (t rehearsal) unavailable(client *realm.Client, name string, err error) string {
	if errors.Is(err, journey.ErrNotConfigured) || t.hidden(name) {
		return err.Error()
	}
	return t.realm.Journeys.Unavailable(name, client.AllowsJourney)
}

// input is what the run starts from.
func (t rehearsal) input(client *realm.Client, granted []string) journey.Input {
	sent := t.test.Parameters
	username, _ := realm.Username(sent["username"]) // checked before
	in := journey.Input{
		Realm: t.realm.Path.Key(), Username: username, Password: sent["password"], Parameters: url.Values{},
		Client: client, Scopes: granted, Address: t.test.Address,
		User: t.owner(username), Locked: t.test.Owner != nil && t.test.Owner.Locked, Now: t.now,
		Rehearsal: &journey.Rehearsal{Sources: map[string]journey.Answer{}},
	}
	in.Verify = func(_ context.Context, given string) (bool, error) {
		return in.User != nil && given == t.test.Owner.Password && !in.Locked && journey.Barred(in.User, t.now) == "", nil
	}
	for _, name := range t.realm.Journeys.Parameters() {
		if value := sent[name]; value != "" {
			in.Parameters.Set(name, value)
		}
	}
	for id, said := range t.test.Sources {
		in.Rehearsal.Sources[id] = sourceAnswers[said]
	}
	if t.test.Owner != nil {
		in.Rehearsal.Code = t.test.Owner.Code
	}
	return in
}

// owner is the owner's record; nil: there is none.
func (t rehearsal) owner(username string) *realm.User {
	o := t.test.Owner
	if o == nil {
		return nil
	}
	u := &realm.User{
		Realm: t.realm.Path.Key(), ID: "journey-test", Username: username, Enabled: o.Enabled, Attributes: o.Attributes,
		Created: t.now.Add(-o.PasswordAge), Login: realm.Login{Logins: o.Logins},
	}
	if o.Password != "" {
		u.PasswordHash, u.PasswordSet = "journey-test", u.Created // no node sees the hash
	}
	if o.Expired {
		u.Expires = t.now
	}
	if o.Locked {
		u.Login.LockedUntil = t.now.Add(time.Hour)
	}
	return u
}
