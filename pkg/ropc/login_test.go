package ropc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/ory/fosite"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

func TestLoginCreatesTheGrant(t *testing.T) {
	s := newSite(t)
	before := time.Now().Add(-time.Millisecond)
	got, err := s.as(t, "Demo", "right")
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.GrantsOf(t.Context(), "/alpha", "demo")
	if err != nil || len(list) != 1 {
		t.Fatalf("%d grants, %v", len(list), err)
	}
	want := &storage.Grant{
		Realm: "/alpha", Username: "demo", Subject: "id-demo", ClientID: "app", Scopes: []string{"read", "write"}, GrantType: "password",
		Journey: "Check", Rule: "provider", AuthLevel: 7, Address: "192.0.2.7", Properties: map[string]string{"tier": "gold"}, Seq: 1, HasRefresh: true,
	}
	variable := cmpopts.IgnoreFields(storage.Grant{}, "ID", "AuthTime", "AccessExpires", "RefreshExpires", "KeepUntil", "RefreshDigest", "AccessDigest")
	if diff := cmp.Diff(want, list[0], variable); diff != "" {
		t.Error(diff)
	}
	if g := list[0]; g.AuthTime.Before(before) || g.AccessExpires.Sub(g.AuthTime).Round(time.Minute) != time.Hour || g.RefreshExpires.Sub(g.AuthTime).Round(time.Minute) != 24*time.Hour {
		t.Errorf("times %v, %v, %v", g.AuthTime, g.AccessExpires, g.RefreshExpires)
	}
	trace := ropc.Trace{Username: "demo", Subject: "id-demo", Journey: "Check", Rule: "provider", Node: "enrich", GrantID: list[0].ID.String(), Trail: []journey.Step{
		{Journey: "Check", Node: "collect", Type: "ZeroPageLoginCollector", Outcome: "has_credentials"},
		{Journey: "Check", Node: "check", Type: "DataStoreDecision", Outcome: "true"},
		{Journey: "Check", Node: "enrich", Type: "Enrich", Outcome: "true"},
	}}
	if diff := cmp.Diff(trace, got.trace, cmpopts.IgnoreFields(journey.Step{}, "Duration")); diff != "" {
		t.Error(diff)
	}
	if u := s.user(t, "demo"); u.Login.LastLogin.Before(before) {
		t.Error("the login was not noted")
	}
}

func disable(u *realm.User) { u.Enabled = false }

func expire(u *realm.User) { u.Expires = time.Now().Add(-time.Minute) }

// wrong types n wrong passwords.
func (s *site) wrong(t *testing.T, name string, n int) {
	t.Helper()
	for range n {
		_, err := s.as(t, name, "wrong")
		refused(t, "wrong password", err, ropc.ErrInvalidGrant)
	}
}

// Whatever the reason: the same answer, after the same number of hashes. What is charged is in the table.
func TestEveryDenialIsTheSameAnswer(t *testing.T) {
	for _, tc := range []struct {
		name             string
		user, secret     string
		setup            func(s *site)
		reason           string
		failures, hashes int
	}{
		{"wrong password", "demo", "wrong", nil, audit.WrongPassword, 1, 1},
		{"unknown user", "nobody", "right", nil, audit.UnknownUser, 0, 1},
		{"a name that can be nobody's", "de mo", "right", nil, audit.UnknownUser, 0, 1},
		{"too long", "demo", strings.Repeat("a", password1025), nil, audit.WrongPassword, 1, 1},
		{"NUL", "demo", "right\x00", nil, audit.WrongPassword, 1, 1},
		{"locked", "demo", "right", func(s *site) { s.wrong(t, "demo", 5) }, audit.Locked, 5, 1},
		{"stopped", "demo", "right", func(s *site) {
			s.realm.Lockout.StopAfter = 2
			s.wrong(t, "demo", 2)
		}, audit.Locked, 2, 1},
		{"disabled, right password", "demo", "right", func(s *site) { s.change(t, "demo", disable) }, audit.Disabled, 1, 1},
		{"disabled, wrong password", "demo", "wrong", func(s *site) { s.change(t, "demo", disable) }, audit.Disabled, 1, 1},
		{"expired, right password", "demo", "right", func(s *site) { s.change(t, "demo", expire) }, audit.Expired, 1, 1},
		{"no password", "sso", "right", nil, audit.WrongPassword, 1, 1},
		{"the journey refuses before the password", "demo", "right", func(s *site) {
			s.settings.PasswordGrantAuthenticationService = "Active"
			s.change(t, "demo", disable)
		}, audit.Disabled, 1, 1},
		{"the journey refuses a right password", "demo", "right", use("RefuseAfter"), audit.JourneyFailed, 1, 1},
		{"the journey allows a wrong password", "demo", "wrong", use("AllowAfter"), audit.JourneyFailed, 1, 1},
		{"the journey asks for no password", "demo", "right", use("Blind"), audit.JourneyFailed, 0, 0},
		{"the journey asks for no password, unknown user", "nobody", "right", use("Blind"), audit.UnknownUser, 0, 0},
		{"the journey may do without one, unknown user", "nobody", "right", use("Open"), audit.UnknownUser, 0, 0},
		{"the journey may do without one, disabled", "demo", "right", func(s *site) {
			use("Open")(s)
			s.change(t, "demo", disable)
		}, audit.Disabled, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			s.owner(t, "sso", func(u *realm.User) { u.PasswordHash = "" })
			if tc.setup != nil {
				tc.setup(s)
			}
			_, before := s.hashes.count()
			got, err := s.as(t, tc.user, tc.secret)
			_, after := s.hashes.count()
			refused(t, tc.name, err, ropc.ErrInvalidGrant)
			if diff := cmp.Diff(reply{trace: got.trace}, got, cmp.AllowUnexported(reply{})); diff != "" {
				t.Errorf("an answer beside the error:\n%s", diff)
			}
			if got.trace.Reason != tc.reason || got.trace.GrantID != "" || after-before != tc.hashes {
				t.Errorf("reason %q, grant %q, %d hashes", got.trace.Reason, got.trace.GrantID, after-before)
			}
			if u, err := s.UserByName(t.Context(), "/alpha", tc.user); err == nil && u.Login.Failures != tc.failures {
				t.Errorf("%d failures, want %d", u.Login.Failures, tc.failures)
			}
			if s.unsettled(t, tc.user) {
				t.Error("the attempt was not settled")
			}
			if list, _ := s.GrantsOf(t.Context(), "/alpha", tc.user); len(list) != 0 {
				t.Error("a grant was created")
			}
		})
	}
}

// password1025 is one byte longer than a password may be.
const password1025 = 1025

func use(journey string) func(s *site) {
	return func(s *site) { s.settings.PasswordGrantAuthenticationService = journey }
}

// What is wrong with the choice of a journey charges nobody and costs no hash.
func TestJourneyIsChosenBeforeAnythingIsSpent(t *testing.T) {
	for _, tc := range []struct {
		name, chain string
		setup       func(s *site)
		want        *fosite.RFC6749Error
		rule        string
	}{
		{"unknown", "Nope", nil, ropc.ErrUnknownJourney, "auth_chain"},
		{"in other case", "check", nil, ropc.ErrUnknownJourney, "auth_chain"},
		{"disabled", "Off", nil, ropc.ErrUnknownJourney, "auth_chain"},
		{"inner only", "Inner", nil, ropc.ErrUnknownJourney, "auth_chain"},
		{"interactive", "Talk", nil, ropc.ErrInteractiveJourney, "auth_chain"},
		{"not the client's", "Active", func(s *site) { s.client.AllowedJourneys = []string{"Check"} }, ropc.ErrUnknownJourney, "auth_chain"},
		{"the realm's, not the client's", "", func(s *site) { s.client.AllowedJourneys = []string{"Active"} }, ropc.ErrUnknownJourney, "provider"},
		{"none", "[Empty]", use("[Empty]"), ropc.ErrInternal, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			if tc.setup != nil {
				tc.setup(s)
			}
			s.logins.begun = func() { t.Error("an attempt was reserved") }
			got, err := s.ask(t, passwordForm("username", "demo", "password", "right", "auth_chain", tc.chain))
			refused(t, tc.name, err, tc.want)
			if _, all := s.hashes.count(); all != 0 || got.trace.Reason != audit.JourneyRefused || got.trace.Rule != tc.rule {
				t.Errorf("%d hashes, trace %+v", all, got.trace)
			}
		})
	}
}

func TestJourneyOfTheRequestAndOfTheRealm(t *testing.T) {
	s := newSite(t)
	s.settings.PasswordGrantAuthenticationService = "[Empty]"
	s.realm.OrganizationAuthenticationConfiguration = "Check"
	for chain, want := range map[string][2]string{"": {"Check", "realm"}, "Active": {"Active", "auth_chain"}, `"[Empty]"`: {"Check", "realm"}} {
		got, err := s.ask(t, passwordForm("username", "demo", "password", "right", "auth_chain", chain))
		if err != nil || got.trace.Journey != want[0] || got.trace.Rule != want[1] {
			t.Errorf("%q: trace %+v, error %v", chain, got.trace, err)
		}
	}
}

// Only a journey that says so lets somebody in without a credential, and then it does.
func TestUnverifiedJourneyGivesTokensIfItSaysSo(t *testing.T) {
	s := newSite(t)
	use("Open")(s)
	got, err := s.as(t, "demo", "whatever")
	if err != nil || got.access == "" {
		t.Errorf("%+v, %v", got, err)
	}
	s.settled(t, "demo")
}
