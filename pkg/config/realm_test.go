package config_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
)

// passwordGrant is a journey and its choice, to be put into a realm.
const passwordGrant = `
    authentication: {organization_authentication_configuration: PasswordGrant}
    journeys:
      PasswordGrant:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check: {type: DataStoreDecision, outcomes: {"true": success, false: failure}}
`

func find(t *testing.T, c *config.Config, path realm.Path) config.Realm {
	t.Helper()
	i := slices.IndexFunc(c.Realms, func(r config.Realm) bool { return r.Path == path })
	if i < 0 {
		t.Fatalf("no realm %s", path)
	}
	return c.Realms[i]
}

func TestRealmLeftEmptyHasTheDefaults(t *testing.T) {
	c := mustLoad(t, "realms: {alpha: }")
	want := &realm.Realm{
		Path: "/alpha", Active: true, Issuer: "http://127.0.0.1:8080/oauth2/realms/root/realms/alpha",
		Authentication: realm.Authentication{Lockout: realm.Lockout{
			Threshold: 5, Window: 15 * time.Minute, Duration: 30 * time.Second, MaxDuration: 15 * time.Minute, StopAfter: 100,
		}},
		Limits: realm.Limits{
			Address: realm.Limit{Requests: 60, Per: time.Minute}, Client: realm.Limit{Requests: 6000, Per: time.Minute},
			UserClient: realm.Limit{Requests: 300, Per: time.Minute},
			Alarms:     realm.Alarms{Owners: 20, Grants: 100, DeniedPercent: 50},
		},
	}
	if diff := cmp.Diff(want, find(t, c, "/alpha").Realm); diff != "" {
		t.Errorf("realm (-want +got):\n%s", diff)
	}
}

func TestLimitKeepsWhatIsLeftOut(t *testing.T) {
	c := mustLoad(t, "realms: {alpha: {limits: {address: {requests: 0}, client: {per: 10s}, user_client: {requests: 7, per: 1h}, alarms: {owners: 0}}}}")
	want := realm.Limits{
		Address: realm.Limit{Per: time.Minute}, Client: realm.Limit{Requests: 6000, Per: 10 * time.Second},
		UserClient: realm.Limit{Requests: 7, Per: time.Hour},
		Alarms:     realm.Alarms{Grants: 100, DeniedPercent: 50},
	}
	got := find(t, c, "/alpha").Limits
	if diff := cmp.Diff(want, got); diff != "" || got.Address.On() || !got.Client.On() {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

func TestProviderLeftEmptyHasTheDefaults(t *testing.T) {
	want := &realm.Provider{
		GrantTypes:          []string{"password", "refresh_token"},
		AccessTokenLifetime: time.Hour, RefreshTokenLifetime: 7 * 24 * time.Hour, RefreshTokenMaxLifetime: realm.Never,
		RefreshTokenGracePeriod: 10 * time.Second, IssueRefreshToken: true, IssueRefreshTokenOnRefresh: true,
		TokenInfo: true, GrantLimit: realm.GrantLimit{EvictOldest: true},
	}
	for _, written := range []string{"oauth2_provider:", "oauth2_provider: {}"} {
		c := mustLoad(t, "realms:\n  alpha:\n    "+written+passwordGrant)
		if diff := cmp.Diff(want, find(t, c, "/alpha").Provider); diff != "" {
			t.Errorf("%s (-want +got):\n%s", written, diff)
		}
	}
}

func TestLimitOfSessions(t *testing.T) {
	for written, want := range map[string]realm.GrantLimit{
		"{max_sessions_per_user: 3}":                            {Most: 3, EvictOldest: true},
		"{max_sessions_per_user: 3, when_max_sessions: reject}": {Most: 3},
		"{when_max_sessions: evict_oldest}":                     {EvictOldest: true},
	} {
		got := find(t, mustLoad(t, "realms:\n  alpha:\n    oauth2_provider: "+written+passwordGrant), "/alpha").Provider.GrantLimit
		if got != want || got.On() != (want.Most > 0) {
			t.Errorf("%s: %+v", written, got)
		}
	}
}

func TestInactiveRealmClosesThoseBelow(t *testing.T) {
	tests := map[string]struct {
		text   string
		active map[realm.Path]bool
	}{
		"parent": {
			"realms: {a: {active: false}, a/b: {}, A/b/c: {}, d: {}}",
			map[realm.Path]bool{"/a": false, "/a/b": false, "/A/b/c": false, "/d": true},
		},
		"child":         {"realms: {a: {}, a/b: {active: false}}", map[realm.Path]bool{"/a": true, "/a/b": false}},
		"root":          {"realms: {root: {active: false}, a: {}}", map[realm.Path]bool{"/": false, "/a": false}},
		"root declared": {"realms: {/: {}, a: {}}", map[realm.Path]bool{"/": true, "/a": true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := map[realm.Path]bool{}
			for _, r := range mustLoad(t, tt.text).Realms {
				got[r.Path] = r.Active
			}
			if diff := cmp.Diff(tt.active, got); diff != "" {
				t.Errorf("active (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRootRealmServesOnlyWhenDeclared(t *testing.T) {
	c := mustLoad(t, "realms: {alpha: {}}")
	if len(c.Realms) != 1 || c.Realms[0].Path != "/alpha" {
		t.Errorf("realms: %v", c.Realms)
	}
}

func TestIssuerFollowsBaseURLUnlessSet(t *testing.T) {
	c := mustLoad(t, `
server: {base_url: "https://login.example.com/am/"}
realms: {root: {}, alpha: {}, alpha/emea: {}, beta: {issuer: "https://beta.example.com"}}
`)
	for path, want := range map[realm.Path]string{
		"/":           "https://login.example.com/am/oauth2/realms/root",
		"/alpha/emea": "https://login.example.com/am/oauth2/realms/root/realms/alpha/realms/emea",
		"/beta":       "https://beta.example.com",
	} {
		if got := find(t, c, path).Issuer; got != want {
			t.Errorf("issuer of %s: %s, want %s", path, got, want)
		}
	}
}

func TestAliasesAreLowerCase(t *testing.T) {
	c := mustLoad(t, "realms: {alpha: {aliases: [Login.Example.COM, 192.0.2.1]}}")
	if diff := cmp.Diff([]string{"login.example.com", "192.0.2.1"}, find(t, c, "/alpha").Aliases); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyLiteralNamesNoJourney(t *testing.T) {
	for _, written := range []string{`[Empty]`, `"[Empty]"`, `'"[Empty]"'`, `""`} {
		c := mustLoad(t, "realms:\n  alpha:\n    oauth2_provider: {password_grant_authentication_service: "+written+"}"+passwordGrant)
		if got := find(t, c, "/alpha").Provider.PasswordGrantAuthenticationService; got != "" {
			t.Errorf("%s: %q, want none", written, got)
		}
	}
}

func TestJourneysAreBuilt(t *testing.T) {
	r := find(t, mustLoad(t, "realms:\n  alpha:"+passwordGrant), "/alpha")
	if _, ok := r.Journeys.Journey("PasswordGrant"); !ok {
		t.Errorf("the journey is not there")
	}
	want := map[string]string{"true": "success", "false": "failure"}
	if diff := cmp.Diff(want, r.Definitions["PasswordGrant"].Nodes["check"].Outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestStaticClient(t *testing.T) {
	c := mustLoad(t, `
realms:
  Alpha:
    oauth2_provider: {}`+passwordGrant+`
    clients:
      - {id: a, secret_file: files/secret, scopes: [r, w], default_scopes: [r]}
      - {id: b, secret_hash: h, enabled: false, grant_types: [], access_token_lifetime: never,
         refresh_token_lifetime: -1, issue_refresh_token: false, token_endpoint_auth_method: client_secret_post,
         allowed_journeys: [PasswordGrant], trust_end_user_ip: X-End-User-IP}
      - {id: c, public: true, allow_public_password_grant: true, scopes: [r], access_token_lifetime: 0}
`)
	no := false
	want := []*realm.Client{
		{
			ID: "a", SecretHash: password.HashSecret("/alpha", "a", "correct horse, battery and staple"), Enabled: true,
			Scopes: []string{"r", "w"}, DefaultScopes: []string{"r"},
		},
		{
			ID: "b", SecretHash: "h", GrantTypes: []string{}, TokenEndpointAuthMethod: "client_secret_post",
			AllowedJourneys: []string{"PasswordGrant"}, TrustEndUserIP: "X-End-User-IP",
			Overrides: realm.Overrides{
				AccessTokenLifetime: realm.Never, RefreshTokenLifetime: realm.Never, IssueRefreshToken: &no,
			},
		},
		{ID: "c", Enabled: true, Public: true, AllowPublicPasswordGrant: true, Scopes: []string{"r"}},
	}
	for _, w := range want {
		w.Realm, w.Static = "/alpha", true
		if w.TokenEndpointAuthMethod == "" {
			w.TokenEndpointAuthMethod = "any"
		}
		if w.GrantTypes == nil {
			w.GrantTypes = []string{"password", "refresh_token"}
		}
	}
	if diff := cmp.Diff(want, find(t, c, "/Alpha").Clients); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
}
