package nodes_test

import (
	"testing"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

var trueFalse = []string{"true", "false"}

// What the request is made of decides, whoever the owner is; a yes alone verifies nobody.
func TestRequestDecisions(t *testing.T) {
	batch := &realm.Client{ID: "batch"}
	for _, tt := range []struct {
		kind, settings string
		in             journey.Input
		want           string
	}{
		{"ClientDecision", `{"clients":["other","batch"]}`, journey.Input{Client: batch}, "true"},
		{"ClientDecision", `{"clients":["Batch","batch2","bat"]}`, journey.Input{Client: batch}, "false"},
		{"ClientDecision", `{"clients":["batch"]}`, journey.Input{}, "false"},

		{"NetworkDecision", `{"networks":["10.0.0.0/8"]}`, journey.Input{Address: "10.255.0.1"}, "true"},
		{"NetworkDecision", `{"networks":["10.0.0.0/8"]}`, journey.Input{Address: "11.0.0.1"}, "false"},
		{"NetworkDecision", `{"networks":["192.0.2.7/32","10.0.0.0/8"]}`, journey.Input{Address: "192.0.2.7"}, "true"},
		{"NetworkDecision", `{"networks":["192.0.2.7/32"]}`, journey.Input{Address: "192.0.2.8"}, "false"},
		{"NetworkDecision", `{"networks":["2001:db8::/32"]}`, journey.Input{Address: "2001:db8::7"}, "true"},
		{"NetworkDecision", `{"networks":["2001:db8::/32"]}`, journey.Input{Address: "2001:db9::7"}, "false"},
		{"NetworkDecision", `{"networks":["fe80::/10"]}`, journey.Input{Address: "fe80::1%eth0"}, "true"},
		{"NetworkDecision", `{"networks":["10.0.0.0/8"]}`, journey.Input{Address: "::ffff:10.0.0.1"}, "true"},
		{"NetworkDecision", `{"networks":["::/0"]}`, journey.Input{Address: "::ffff:10.0.0.1"}, "false"},
		{"NetworkDecision", `{"networks":["0.0.0.0/0","::/0"]}`, journey.Input{}, "false"},
		{"NetworkDecision", `{"networks":["0.0.0.0/0","::/0"]}`, journey.Input{Address: "unknown"}, "false"},
		{"NetworkDecision", `{"networks":["0.0.0.0/0","::/0"]}`, journey.Input{Address: "10.0.0.1:80"}, "false"},

		{"ScopeDecision", `{"scopes":["write","admin"]}`, journey.Input{Scopes: []string{"read", "write"}}, "true"},
		{"ScopeDecision", `{"scopes":["write","admin"]}`, journey.Input{Scopes: []string{"read", "Write"}}, "false"},
		{"ScopeDecision", `{"scopes":["write"]}`, journey.Input{}, "false"},
		{"ScopeDecision", `{"scopes":["write","admin"],"match":"any"}`, journey.Input{Scopes: []string{"read", "admin"}}, "true"},
		{"ScopeDecision", `{"scopes":["write","admin"],"match":"all"}`, journey.Input{Scopes: []string{"read", "admin"}}, "false"},
		{"ScopeDecision", `{"scopes":["write","read"],"match":"all"}`, journey.Input{Scopes: []string{"read"}}, "true"},
		{"ScopeDecision", `{"scopes":["write","read"],"match":"all"}`, journey.Input{Scopes: []string{"read", "write"}}, "true"},
		{"ScopeDecision", `{"scopes":["write"],"match":"all"}`, journey.Input{}, "false"},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			for _, user := range []*realm.User{nil, &owner} {
				tt.in.User, tt.in.Username, tt.in.Password = user, "demo", "wrong"
				got, result := run(t, node{Type: tt.kind, Settings: tt.settings, Outcomes: trueFalse}, tt.in)
				if got != tt.want || result.Success != (tt.want == "true") || result.Verified {
					t.Errorf("%s for %+v: %q, %+v; want %q", tt.settings, tt.in, got, result, tt.want)
				}
			}
		})
	}
}

func TestRequestDecisionsRefuseWrongSettings(t *testing.T) {
	refuses(t, "ClientDecision", map[string]string{
		``:                       "clients: list at least one",
		`{"clients":[]}`:         "clients: list at least one",
		`{"clients":["a",""]}`:   "clients[1]: is empty",
		`{"client":["a"]}`:       "yaml: unmarshal errors: line 1: field client not found in type nodes.ClientDecision",
		`{"clients":["a"],"x":}`: "yaml: unmarshal errors: line 1: field x not found in type nodes.ClientDecision",
	})
	refuses(t, "NetworkDecision", map[string]string{
		``:                                    "networks: list at least one",
		`{"networks":[]}`:                     "networks: list at least one",
		`{"networks":["10.0.0.0/8",""]}`:      "networks[1]: is empty",
		`{"networks":["10.0.0.1"]}`:           `netip.ParsePrefix("10.0.0.1"): no '/'`,
		`{"networks":["10.0.0.1/8"]}`:         `networks[0]: has bits set behind the prefix; did you mean "10.0.0.0/8"?`,
		`{"networks":["::ffff:10.0.0.0/96"]}`: "networks[0]: ::ffff:10.0.0.0/96 holds no address, write IPv4 networks as such",
	})
	refuses(t, "ScopeDecision", map[string]string{
		``:                                "scopes: list at least one",
		`{"match":"all"}`:                 "scopes: list at least one",
		`{"scopes":[""]}`:                 "scopes[0]: is empty",
		`{"scopes":["a","b c"]}`:          `scopes[1]: "b c" is not one scope`,
		`{"scopes":["a\"b"]}`:             `scopes[0]: "a\"b" is not one scope`,
		`{"scopes":["a\\b"]}`:             `scopes[0]: "a\\b" is not one scope`,
		`{"scopes":["ä"]}`:                `scopes[0]: "ä" is not one scope`,
		`{"scopes":["a"],"match":"some"}`: `match: must be any or all, not "some"`,
	})
}
