package nodes_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/directory/directorytest"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
)

// filesOf are what the settings of nodes name, by name.
func filesOf(content map[string]string) journey.Env {
	return journey.Env{
		File: func(path string) ([]byte, error) {
			text, ok := content[path]
			if !ok {
				return nil, os.ErrNotExist
			}
			return []byte(text), nil
		},
		Secret: func(path string) (string, error) {
			text, ok := content[path]
			if !ok {
				return "", os.ErrNotExist
			}
			return text, nil
		},
	}
}

// ldapJourney asks the directory, as a first and a second node, and then the store.
func ldapJourney(t *testing.T, env journey.Env, settings string) *journey.Journey {
	t.Helper()
	ask := node{Type: "LDAPDecision", Settings: settings}.definition()
	ask.Outcomes = map[string]string{"true": "success", "false": "again", "locked": "failure", "expired": "failure"}
	again := ask
	again.Outcomes = map[string]string{"true": "success", "false": "check", "locked": "failure", "expired": "failure"}
	collect := collect
	collect.Outcomes = map[string]string{"has_credentials": "ask", "no_credentials": "ask"}
	set, problems := journey.Build(map[string]journey.Definition{"main": {Enabled: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{
		"collect": collect, "ask": ask, "again": again, "check": check,
	}}}, nodes.Table(), env)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	t.Cleanup(func() { _ = set.Close() })
	j, _ := set.Journey("main")
	return j
}

func ldapSettings(s *directorytest.Server, more string) string {
	return `{urls: ["` + s.TLSURL() + `"], ca_file: ca.pem, bind_dn: "` + directorytest.BindDN + `", bind_password_file: bind, base: "` +
		directorytest.People + `", attributes: {mail: mail, phone: telephoneNumber}` + more + `}`
}

func TestLDAPDecision(t *testing.T) {
	server := directorytest.Start(t, directorytest.Options{})
	server.AddUser("ada", "right", map[string][]string{"mail": {"ada@example.org"}})
	server.AddUser("locked", "right", map[string][]string{"pwdPolicySubentry": {directorytest.PolicyLockout}})
	env := filesOf(map[string]string{"ca.pem": string(server.CA()), "bind": directorytest.BindPassword})
	j := ldapJourney(t, env, ldapSettings(server, ""))
	run := func(name, password string, locked bool) (journey.Result, int) {
		calls := 0
		result, err := j.Run(t.Context(), journey.Input{
			Username: name, Password: password, Locked: locked, Now: now,
			Verify: func(context.Context, string) (bool, error) { calls++; return false, nil },
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return result, calls
	}
	way := func(r journey.Result) string {
		var steps []string
		for _, s := range r.Trail[1:] {
			steps = append(steps, s.Node+":"+s.Outcome)
		}
		return strings.Join(steps, " ")
	}
	for _, tt := range []struct {
		name, user, password, way, reason string
		calls                             int
	}{
		{"right", "ada", "right", "ask:true", "", 0},
		{"wrong", "ada", "wrong", "ask:false again:false check:false", "unknown_user", 1},
		{"unknown", "nobody", "right", "ask:false again:false check:false", "unknown_user", 1},
		{"injection", "*", "right", "ask:false again:false check:false", "unknown_user", 1},
		{"injection, closed", "ada)(uid=*", "right", "ask:false again:false check:false", "unknown_user", 1},
		{"none", "ada", "", "ask:false again:false check:false", "unknown_user", 0},
	} {
		result, calls := run(tt.user, tt.password, false)
		if got := way(result); got != tt.way || result.Reason != tt.reason || calls != tt.calls {
			t.Errorf("%s: %s, reason %q, %d local comparisons", tt.name, got, result.Reason, calls)
		}
		if result.Success {
			want := map[string]string{"mail": "ada@example.org", "phone": ""}
			if diff := cmp.Diff(want, result.Attributes); diff != "" || !result.Verified || result.Source != strings.ToLower(directorytest.People) {
				t.Errorf("source %q, verified %t, attributes %s", result.Source, result.Verified, diff)
			}
		}
	}
	for range 10 {
		if result, _ := run("locked", "wrong", false); way(result) == "ask:locked" {
			break
		}
	}
	if result, _ := run("locked", "right", false); way(result) != "ask:locked" || result.Reason != "locked" || result.Success {
		t.Errorf("locked there: %s, %+v", way(result), result)
	}
	if result, calls := run("ada", "right", true); way(result) != "ask:locked" || result.Success || calls != 0 {
		t.Errorf("locked here: %s, %+v, %d local comparisons", way(result), result, calls)
	}
	server.Stop()
	_, err := j.Run(t.Context(), journey.Input{Username: "ada", Password: "right", User: &realm.User{}})
	if !errors.Is(err, journey.ErrUnavailable) || strings.Contains(err.Error(), "ada") {
		t.Errorf("the server is gone: %v", err)
	}
}

func TestLDAPDecisionRefusesWrongSettings(t *testing.T) {
	ca, err := directorytest.CA()
	if err != nil {
		t.Fatal(err)
	}
	env := filesOf(map[string]string{"ca.pem": string(ca), "bind": "secret-canary", "empty.pem": "x"})
	for settings, want := range map[string]string{
		`{base: "dc=a"}`: "urls are missing: list at least one server, such as ldaps://directory.example.org",
		`{urls: ["ldap://example.org"], base: "dc=a"}`:                                           "directory: URL 1: passwords would go to example.org:389 in clear: use ldaps://, or ldap:// with StartTLS (start_tls: true)",
		`{urls: ["ldaps://example.org"]}`:                                                        "base is missing: write the DN below which users are, such as ou=people,dc=example,dc=org",
		`{urls: ["http://example.org"], base: "dc=a"}`:                                           "",
		`{urls: ["ldaps://example.org"], base: "dc=a", filter: "(uid=ada)"}`:                     `directory: filter "(uid=ada)" has no {username}: put it where the user's name goes, as in (uid={username})`,
		`{urls: ["ldaps://example.org"], base: "dc=a", filter: "(uid={username}"}`:               "",
		`{urls: ["ldaps://example.org"], base: "nonsense"}`:                                      "",
		`{urls: ["ldaps://example.org"], base: "dc=a", scope: all}`:                              `scope: must be sub, one or base, not "all"`,
		`{urls: ["ldaps://example.org"], base: "dc=a", timeout: -1s}`:                            "timeout: must be longer than 0s",
		`{urls: ["ldaps://example.org"], base: "dc=a", timeout: 0s}`:                             "timeout: must be longer than 0s",
		`{urls: ["ldaps://example.org"], base: "dc=a", timeout: 2s}`:                             "timeout: must be shorter than the 2s a request has",
		`{urls: ["ldaps://example.org"], base: "dc=a", timeout: 5s}`:                             "timeout: must be shorter than the 2s a request has",
		`{urls: ["ldaps://example.org"], base: "dc=a", connections: -1}`:                         "connections: must not be negative",
		`{urls: ["ldaps://example.org"], base: "dc=a", ca_file: none.pem}`:                       "ca_file: file does not exist",
		`{urls: ["ldaps://example.org"], base: "dc=a", ca_file: empty.pem}`:                      "",
		`{urls: ["ldaps://example.org"], base: "dc=a", bind_dn: "cn=a"}`:                         "bind_password_file is missing: name the file with the password of bind_dn, or leave out both for an anonymous search",
		`{urls: ["ldaps://example.org"], base: "dc=a", bind_password_file: bind}`:                "bind_dn is missing: write the DN whose password is in bind_password_file, or leave out both for an anonymous search",
		`{urls: ["ldaps://example.org"], base: "dc=a", bind_dn: "cn=a", bind_password_file: no}`: "bind_password_file: file does not exist",
	} {
		def := node{Type: "LDAPDecision", Settings: settings, Outcomes: []string{"true", "false", "locked", "expired"}}.definition()
		_, problems := journey.Build(map[string]journey.Definition{"main": {Enabled: true, Entry: "it", Nodes: map[string]journey.NodeDefinition{"it": def}}}, nodes.Table(), env)
		if len(problems) != 1 || (want != "" && problems[0].Message != want) || strings.Contains(problems[0].Message, "canary") {
			t.Errorf("%s:\n got %v\nwant %s", settings, problems, want)
		}
	}
	def := node{Type: "LDAPDecision", Settings: `{urls: ["ldaps://example.org"], base: "dc=a", ca_file: ca.pem}`, Outcomes: []string{"true", "false", "locked", "expired"}}.definition()
	if _, problems := journey.Build(map[string]journey.Definition{"main": {Enabled: true, Entry: "it", Nodes: map[string]journey.NodeDefinition{"it": def}}}, nodes.Table(), journey.Env{}); len(problems) != 1 || problems[0].Message != "ca_file: there are no files here" {
		t.Errorf("without files: %v", problems)
	}
	good := node{Type: "LDAPDecision", Settings: `{urls: ["ldaps://example.org"], base: "dc=a", scope: one, ca_file: ca.pem, bind_dn: "cn=a", bind_password_file: bind}`, Outcomes: []string{"true", "false", "locked", "expired"}}.definition()
	if _, problems := journey.Build(map[string]journey.Definition{"main": {Enabled: true, Entry: "it", Nodes: map[string]journey.NodeDefinition{"it": good}}}, nodes.Table(), env); len(problems) != 1 || !problems[0].Warning {
		t.Errorf("good settings: %v", problems)
	}
}
