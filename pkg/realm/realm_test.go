package realm_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/realm"
)

func ptr(b bool) *bool { return &b }

func TestForPutsTheClientsOwnSettingsInPlace(t *testing.T) {
	base := realm.Provider{
		GrantTypes: []string{"password"}, AccessTokenLifetime: time.Hour, RefreshTokenLifetime: 24 * time.Hour,
		RefreshTokenMaxLifetime: realm.Never, RefreshTokenGracePeriod: 10 * time.Second,
		IssueRefreshToken: true, IssueRefreshTokenOnRefresh: true,
	}
	for _, tc := range []struct {
		name string
		own  realm.Overrides
		want func(p *realm.Provider)
	}{
		{"nothing", realm.Overrides{}, func(*realm.Provider) {}},
		{"access", realm.Overrides{AccessTokenLifetime: time.Minute}, func(p *realm.Provider) { p.AccessTokenLifetime = time.Minute }},
		{"access never", realm.Overrides{AccessTokenLifetime: realm.Never}, func(p *realm.Provider) { p.AccessTokenLifetime = realm.Never }},
		{"refresh", realm.Overrides{RefreshTokenLifetime: time.Minute}, func(p *realm.Provider) { p.RefreshTokenLifetime = time.Minute }},
		{"refresh never", realm.Overrides{RefreshTokenLifetime: realm.Never}, func(p *realm.Provider) { p.RefreshTokenLifetime = realm.Never }},
		{"no refresh token", realm.Overrides{IssueRefreshToken: ptr(false)}, func(p *realm.Provider) { p.IssueRefreshToken = false }},
		{"no rotation", realm.Overrides{IssueRefreshTokenOnRefresh: ptr(false)}, func(p *realm.Provider) { p.IssueRefreshTokenOnRefresh = false }},
		{"the same again", realm.Overrides{IssueRefreshToken: ptr(true), IssueRefreshTokenOnRefresh: ptr(true)}, func(*realm.Provider) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, want := base, base
			tc.want(&want)
			if diff := cmp.Diff(want, p.For(tc.own)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(base, p); diff != "" {
				t.Errorf("the realm's settings changed:\n%s", diff)
			}
		})
	}
}

func TestForCanTurnOnWhatTheRealmTurnsOff(t *testing.T) {
	got := (&realm.Provider{}).For(realm.Overrides{IssueRefreshToken: ptr(true), IssueRefreshTokenOnRefresh: ptr(true)})
	if !got.IssueRefreshToken || !got.IssueRefreshTokenOnRefresh {
		t.Errorf("got %+v", got)
	}
}

func TestClientAllows(t *testing.T) {
	c := &realm.Client{GrantTypes: []string{"password"}, AllowedJourneys: []string{"A"}}
	for name, got := range map[string]bool{
		"its grant": c.Allows("password"), "no other": !c.Allows("refresh_token"), "with case": !c.Allows("Password"),
		"its journey": c.AllowsJourney("A"), "no other journey": !c.AllowsJourney("a"),
		"an empty list is every journey": (&realm.Client{}).AllowsJourney("any"), "but no grant": !(&realm.Client{}).Allows("password"),
	} {
		if !got {
			t.Errorf("%s: it is not so", name)
		}
	}
}

func TestPreviousSecretIsRightUntilItsTime(t *testing.T) {
	until := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	c := &realm.Client{SecretHash: "new", PreviousSecretHash: "old", PreviousSecretUntil: until}
	for name, tc := range map[string]struct {
		client *realm.Client
		now    time.Time
		want   []string
	}{
		"before":             {c, until.Add(-1), []string{"new", "old"}},
		"in another zone":    {c, until.Add(-1).In(time.FixedZone("", 3600)), []string{"new", "old"}},
		"at the time":        {c, until, []string{"new"}},
		"after":              {c, until.Add(time.Hour), []string{"new"}},
		"without a hash":     {&realm.Client{SecretHash: "new", PreviousSecretUntil: until}, until.Add(-1), []string{"new"}},
		"without a time":     {&realm.Client{SecretHash: "new", PreviousSecretHash: "old"}, until, []string{"new"}},
		"without a rotation": {&realm.Client{SecretHash: "new"}, until, []string{"new"}},
	} {
		if diff := cmp.Diff(tc.want, tc.client.SecretHashes(tc.now)); diff != "" || tc.client.Overlaps(tc.now) != (len(tc.want) == 2) {
			t.Errorf("%s: %t, %s", name, tc.client.Overlaps(tc.now), diff)
		}
	}
}
