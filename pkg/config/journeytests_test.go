package config_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/journey"
)

// code is a node that asks for a one-time code.
type code struct{}

func (*code) Outcomes() []string                     { return []string{"right", "wrong", "none"} }
func (*code) Parameters() []string                   { return []string{"totp"} }
func (*code) ReadsSeed() bool                        { return true }
func (*code) Open(journey.Env) (journey.Node, error) { return (*code)(nil), nil }

func (*code) Run(_ context.Context, s *journey.State) (string, error) {
	given, _ := s.Parameter("totp")
	judged, err := s.VerifyCode(given, func([]byte) (uint64, bool) { panic("there is no seed") })
	if judged == journey.CodeWrong {
		s.SetReason(journey.ReasonWrongCode)
	}
	return map[journey.Code]string{journey.CodeRight: "right", journey.CodeWrong: "wrong", journey.CodeNone: "none"}[judged], err
}

// tested is a realm with journeys and clients, up to its tests.
const tested = `
realms:
  alpha:
    authentication: {organization_authentication_configuration: PasswordGrant}
    oauth2_provider: {password_grant_authentication_service: %s, default_scopes: [%s]}
    clients:
      - {id: batch, secret_hash: h, scopes: [read, write], default_scopes: [write], allowed_journeys: [PasswordGrant]}
      - {id: other, secret_hash: h, scopes: [mail]}
    journeys:
      PasswordGrant:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check: {type: DataStoreDecision, outcomes: {true: success, false: failure}}
      Code:
        entry: password
        nodes:
          password: {type: InnerTreeEvaluator, settings: {tree: PasswordGrant}, outcomes: {true: code, false: failure}}
          code: {type: Code, outcomes: {right: level, wrong: failure, none: success}}
          level: {type: ModifyAuthLevel, settings: {set: 7}, next: success}
      Owner:
        entry: password
        nodes:
          password: {type: InnerTreeEvaluator, settings: {tree: PasswordGrant}, outcomes: {true: old, false: failure}}
          old: {type: PasswordExpiryDecision, settings: {max_age: 90d}, outcomes: {true: failure, false: count}}
          count: {type: IncrementLoginCount, next: tenth}
          tenth: {type: LoginCountDecision, settings: {amount: 10}, outcomes: {true: failure, false: tier}}
          tier: {type: AttributeDecision, settings: {attribute: tier, values: [gold]}, outcomes: {true: tell, false: near}}
          near: {type: NetworkDecision, settings: {networks: [192.0.2.0/24]}, outcomes: {true: success, false: failure}}
          tell: {type: SetSessionProperties, settings: {properties: {tier: gold}}, next: success}
      Outside:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: directory, no_credentials: failure}}
          directory:
            type: LDAPDecision
            settings: {urls: ["%s"], base: "dc=example", filter: "(uid={username})"}
            outcomes: {true: success, false: failure, locked: failure, expired: failure}
      Hours:
        entry: password
        nodes:
          password: {type: InnerTreeEvaluator, settings: {tree: PasswordGrant}, outcomes: {true: open, false: failure}}
          open:
            type: ScriptedDecision
            settings: {expression: 'now.date == "2026-01-02" && now.time < "17:30" && !owner.expired'}
            outcomes: {true: success, false: failure}
    journey_tests:
`

// site is what a test of tests may choose in the realm.
type site struct{ service, scopes, directory string }

// rehearse loads the realm with those cases, each a line.
func (s site) rehearse(t *testing.T, cases ...string) (*config.Config, config.Problems) {
	t.Helper()
	if s.directory == "" {
		s.directory = "ldap://127.0.0.1:1"
	}
	text := fmt.Sprintf(tested, s.service, s.scopes, s.directory)
	if s.service == "" {
		text = fmt.Sprintf(tested, `"[Empty]"`, s.scopes, s.directory)
	}
	for _, c := range cases {
		text += "      - {" + c + "}\n"
	}
	opts := options()
	opts.Types["Code"] = func() journey.Settings { return new(code) }
	path := filepath.Join(folder(t), "config.yaml")
	write(t, path, text, 0o644)
	return config.Load(path, opts)
}

// request is the parameters of a case whose password is right, with more of them.
func request(more string) string {
	return `parameters: {username: demo, password: pass` + more + `}`
}

func TestJourneyTestsDecideAsALoginWould(t *testing.T) {
	const owner = ", owner: {password: pass}"
	demo := request("")
	for _, tc := range []struct {
		name string
		at   site
		text string
		want string // expect
	}{
		{"right", site{}, demo + owner, "outcome: success, journey: PasswordGrant, rule: realm"},
		{"wrong", site{}, demo + ", owner: {password: other}", "outcome: failure, reason: wrong_password"},
		{"without a password", site{}, demo + ", owner: {}", "outcome: failure, reason: wrong_password"},
		{"no owner", site{}, demo, "outcome: failure, reason: unknown_user"},
		{"disabled", site{}, demo + ", owner: {password: pass, enabled: false}", "outcome: failure, reason: disabled"},
		{"expired", site{}, demo + ", owner: {password: pass, expired: true}", "outcome: failure, reason: expired"},
		{"locked", site{}, demo + ", owner: {password: pass, locked: true}", "outcome: failure, reason: locked"},
		{"a spelling of the name", site{}, "parameters: {username: DEMO, password: pass}" + owner, "outcome: success"},
		{"no user name", site{}, "parameters: {password: pass}" + owner, "outcome: refused, reason: request"},
		{"no password", site{}, `parameters: {username: demo, password: ""}` + owner, "outcome: refused, reason: request"},
		{"nothing", site{}, "", "outcome: refused, reason: request"},

		{"auth_chain", site{service: "Owner"}, request(", auth_chain: PasswordGrant") + owner, "outcome: success, rule: auth_chain, journey: PasswordGrant"},
		{"provider", site{service: "Code"}, demo + owner, "outcome: success, rule: provider, journey: Code"},
		{"an empty auth_chain", site{}, request(`, auth_chain: "[Empty]"`) + owner, "outcome: success, rule: realm"},
		{"an unknown journey", site{}, request(", auth_chain: None") + owner, "outcome: refused, reason: journey_refused, journey: None, rule: auth_chain"},
		{"not the client's journey", site{}, "client: batch, " + request(", auth_chain: Code") + owner, "outcome: refused, reason: journey_refused"},
		{"any client's journey", site{}, request(", auth_chain: Code") + owner, "outcome: success, rule: auth_chain"},

		{"scope of any client", site{}, request(`, scope: "b  a b"`) + owner, "outcome: success, scope: b a"},
		{"the realm's default", site{scopes: "read"}, demo + owner, "outcome: success, scope: read"},
		{"the client's default", site{scopes: "read"}, "client: batch, " + demo + owner, "outcome: success, scope: write"},
		{"the client's scope", site{}, "client: batch, " + request(", scope: read") + owner, "outcome: success, scope: read"},
		{"not the client's scope", site{}, "client: batch, " + request(", scope: mail") + owner, "outcome: refused, reason: scope"},
		{"no default for the client", site{}, "client: other, " + demo + owner, "outcome: refused, reason: scope"},
		{"scope before journey", site{}, "client: batch, " + request(", scope: mail, auth_chain: None"), "outcome: refused, reason: scope"},

		{"right code", site{service: "Code"}, request(`, totp: "111"`) + `, owner: {password: pass, code: "111"}`, "outcome: success, auth_level: 7"},
		{"wrong code", site{service: "Code"}, request(`, totp: "222"`) + `, owner: {password: pass, code: "111"}`, "outcome: failure, reason: wrong_code"},
		{"no code sent", site{service: "Code"}, demo + `, owner: {password: pass, code: "111"}`, "outcome: failure, reason: wrong_code"},
		{"not enrolled", site{service: "Code"}, request(`, totp: "111"`) + owner, "outcome: success, auth_level: 0"},

		{"attribute", site{service: "Owner"}, demo + ", owner: {password: pass, attributes: {tier: gold}}", "outcome: success, session: {tier: gold}"},
		{"address", site{service: "Owner"}, demo + owner + ", address: 192.0.2.1", `outcome: success, session: {tier: ""}`},
		{"another address", site{service: "Owner"}, demo + owner + ", address: 198.51.100.1", "outcome: failure, reason: journey_failed"},
		{"old password", site{service: "Owner"}, demo + ", owner: {password: pass, password_age: 91d, attributes: {tier: gold}}", "outcome: failure, reason: expired"},
		{"young password", site{service: "Owner"}, demo + ", owner: {password: pass, password_age: 89d, attributes: {tier: gold}}", "outcome: success"},
		{"tenth login", site{service: "Owner"}, demo + ", owner: {password: pass, logins: 9, attributes: {tier: gold}}", "outcome: failure"},

		{"in time", site{service: "Hours"}, "now: 2026-01-02T17:29:59Z, " + demo + owner, "outcome: success"},
		{"in time elsewhere", site{service: "Hours"}, `now: "2026-01-02T18:29:59.5+01:00", ` + demo + owner, "outcome: success"},
		{"late", site{service: "Hours"}, "now: 2026-01-02T17:30:00Z, " + demo + owner, "outcome: failure"},
		{"without a time", site{service: "Hours"}, `now: "", ` + demo + owner, "outcome: failure"},
		{"expired at the time", site{service: "Hours"}, "now: 2026-01-02T15:00:00Z, " + demo + ", owner: {password: pass, expired: true}", "outcome: failure, reason: expired"},
		{"old password at the time", site{service: "Owner"}, "now: 1970-01-01T00:00:00Z, " + demo + ", owner: {password: pass, password_age: 91d}", "outcome: failure, reason: expired"},

		{"source", site{service: "Outside"}, demo + ", owner: {}, sources: {directory: true}", "outcome: success"},
		{"source knows a new owner", site{service: "Outside"}, demo + `, sources: {directory: "true"}`, "outcome: success"},
		{"source of a disabled owner", site{service: "Outside"}, demo + ", owner: {enabled: false}, sources: {directory: true}", "outcome: failure, reason: disabled"},
		{"source of a locked owner", site{service: "Outside"}, demo + ", owner: {locked: true}, sources: {directory: true}", "outcome: failure, reason: locked"},
		{"source says no", site{service: "Outside"}, demo + ", owner: {password: pass}, sources: {directory: false}", "outcome: failure, reason: wrong_password"},
		{"source says locked", site{service: "Outside"}, demo + owner + ", sources: {directory: locked}", "outcome: failure, reason: locked"},
		{"source says expired", site{service: "Outside"}, demo + owner + ", sources: {directory: expired}", "outcome: failure, reason: expired"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.TrimPrefix(tc.text+", ", ", ")
			if _, problems := tc.at.rehearse(t, text+"expect: {"+tc.want+"}"); len(problems) > 0 {
				t.Errorf("it is not so:\n%s", problems)
			}
			// Each of it is compared: the case fails with any other outcome.
			for _, other := range []string{"success", "failure", "refused"} {
				if strings.Contains(tc.want, "outcome: "+other) {
					continue
				}
				if _, problems := tc.at.rehearse(t, text+"expect: {outcome: "+other+"}"); len(problems.Errors()) != 1 {
					t.Errorf("%s, too:\n%s", other, problems)
				}
			}
		})
	}
}

// A directory stands in the settings, and nobody comes.
func TestJourneyTestsAskNothingOutside(t *testing.T) {
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan struct{})
	go func() {
		defer close(came)
		if c, err := door.Accept(); err == nil {
			t.Error("the directory was asked")
			c.Close()
		}
	}()
	at := site{service: "Outside", directory: "ldap://" + door.Addr().String()}
	for _, said := range []string{"true", "false", "locked", "expired"} {
		at.rehearse(t, request("")+", sources: {directory: "+said+"}, expect: {outcome: failure}")
	}
	at.rehearse(t, request("")+", owner: {locked: true}, expect: {outcome: failure}")
	door.Close()
	<-came
}

// What is wrong is told without any of the values that stand for secrets.
func TestFailingJourneyTestsShowNoSample(t *testing.T) {
	_, problems := site{service: "Code"}.rehearse(t,
		`expect: {outcome: success}, parameters: {username: demo, totp: "990011", password: pass}, owner: {code: "990022", password: pass}`,
		`parameters: {totp: "990011", username: demo, password: "990033"}, expect: {outcome: success}`,
		`parameters: {username: demo, password: "990033"}, owner: {password: "990044", code: "990022"}, expect: {outcome: success}`)
	if len(problems.Errors()) != 3 {
		t.Errorf("want three problems:\n%s", problems)
	}
	text := problems.String()
	for _, sample := range []string{"990011", "990022", "990033", "990044"} { // whole: the folder's name has digits, too
		if strings.Contains(text, sample) {
			t.Errorf("a sample is shown:\n%s", text)
		}
	}
}

func TestEffectiveKeepsJourneyTests(t *testing.T) {
	dir := folder(t)
	first := at(t, dir, `
realms:
  alpha:
    oauth2_provider: {password_grant_authentication_service: J}
    journeys:
      J:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: password, no_credentials: failure}}
          password: {type: DataStoreDecision, outcomes: {true: tell, false: failure}}
          tell: {type: SetSessionProperties, settings: {properties: {token: x}}, next: success}
    journey_tests:
      - name: all
        parameters: {username: demo, password: "0123", scope: a}
        owner: {password: "0123", code: "45", attributes: {token: x, a: "true"}, password_age: 90d}
        sources: {password: true}
        expect: {outcome: success, auth_level: 0, session: {token: x}}
      - {now: "2026-01-02T15:04:05.5+01:00", parameters: {username: demo, password: "true"}, expect: {outcome: failure}}
`)
	text, err := config.Effective(first)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "redacted"); n != 2 { // the session property, where it is set and expected
		t.Errorf("%d values are redacted:\n%s", n, text)
	}
	again, err := config.Effective(at(t, dir, string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(again)); diff != "" {
		t.Errorf("again (-first +second):\n%s", diff)
	}
	for _, want := range []string{`password: "0123"`, `now: "2026-01-02T15:04:05.5+01:00"`, `now: ""`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not there:\n%s", want, text)
		}
	}
}

// readmeExample is the first YAML below a heading of the README.
func readmeExample(t *testing.T, heading string) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n### "+heading+"\n")
	_, section, found := strings.Cut(section, "```yaml\n")
	example, _, closed := strings.Cut(section, "```")
	if !found || !closed {
		t.Fatalf("there is no example below %q", heading)
	}
	return example
}

// The README's journey with a second factor stands beside the shipped one as it is.
func TestReadmeExampleOfSecondFactorWorks(t *testing.T) {
	text := strings.Replace(readShipped(t), "    journeys:\n", "    journeys:\n"+readmeExample(t, "Second factor"), 1)
	c := at(t, folder(t), text)
	if j := c.Realms[0].Definitions; len(j) != 2 || j["PasswordAndCode"].Nodes["code"].Type != "OATHTokenVerifier" {
		t.Errorf("the realm has the journeys %v", j)
	}
}

// The README's example stands in the shipped file as it is.
func TestReadmeExampleOfJourneyTestsWorks(t *testing.T) {
	dir := folder(t)
	text := strings.Replace(readShipped(t), "    journey_tests: []\n", readmeExample(t, "Test your journeys"), 1)
	at(t, dir, text)
	broken := strings.Replace(text, "outcomes: {true: success, false: failure}", "outcomes: {true: failure, false: success}", 1)
	write(t, filepath.Join(dir, "config.yaml"), broken, 0o644)
	if _, problems := config.Load(filepath.Join(dir, "config.yaml"), options()); problems.Err() == nil || broken == text {
		t.Error("the example finds nothing when true and false are exchanged")
	}
}
