package nodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
)

// script is a node with that expression, and with those outcomes if there are any.
func script(expression string, outcomes ...string) node {
	settings := map[string]any{"expression": expression}
	if len(outcomes) > 0 {
		settings["outcomes"] = outcomes
	} else {
		outcomes = trueFalse
	}
	text, err := json.Marshal(settings)
	if err != nil {
		panic(err)
	}
	return node{Type: "ScriptedDecision", Settings: string(text), Outcomes: outcomes}
}

var scripted = journey.Input{
	Realm: "/alpha", Username: "demo", Password: "right", Address: "10.1.2.3",
	Client: &realm.Client{ID: "batch", Public: true, SecretHash: "hash"},
	Scopes: []string{"read", "write:all"},
	User:   &realm.User{Enabled: true, PasswordHash: "hash", Attributes: map[string]string{"mail": "Demo@Example.org", "kind": " staff ", "empty": ""}},
}

func TestScriptedDecision(t *testing.T) {
	for _, expression := range []string{
		`username == "demo"`,
		`realm == "/alpha"`,
		`client.id == "batch" && client.public`,
		`scopes == scopes && scopes.size() == 2 && size(scopes) == 2 && "read" in scopes && !("admin" in scopes)`,
		`scopes == ["read", "write:all"]`,
		`address == "10.1.2.3"`,
		`authLevel == 0 && authLevel > -1`,
		`owner.exists && owner.enabled && !owner.expired`,
		`attributes.mail == "Demo@Example.org" && attributes["mail"] == attributes.mail`,
		`attributes[client.id] == "" && attributes.nobody == "" && attributes.empty == ""`,
		`attributes[attributes.empty] == "" && attributes[attributes.kind.trim()] == ""`,
		`"mail" in attributes && "empty" in attributes && !("nobody" in attributes)`,
		`attributes.mail.lowerAscii().endsWith("@example.org")`,
		`attributes.mail.upperAscii() == "DEMO@EXAMPLE.ORG"`,
		`"äÖ[Zz` + "`" + `@{".lowerAscii() == "äÖ[zz` + "`" + `@{" && "äÖ[Zz` + "`" + `@{".upperAscii() == "äÖ[ZZ` + "`" + `@{"`,
		`attributes.kind.trim() == "staff"`,
		`size("äö") == 2 && "äö".size() == 2`,
		`attributes.mail.matches("^[A-Z][a-z]+@") && matches(attributes.mail, "@")`,
		`!attributes.mail.matches("^[0-9]")`,
		`attributes.mail.contains("@") && attributes.mail.startsWith("Demo")`,
		`now.date == "2026-01-02" && now.time == "03:04" && now.hour == 3 && now.weekday == 5`,
		`now.time >= "03:00" && now.time < "17:30"`,
		`now.weekday in [1, 2, 3, 4, 5]`,
		`client.id in ["other", "batch"]`,
		`inNetwork(address, "10.0.0.0/8") && !inNetwork(address, "192.0.2.0/24")`,
		`!inNetwork("unknown", "0.0.0.0/0")`,
		`scopes.exists(s, s.startsWith("write:")) && scopes.all(s, s != "admin")`,
		`scopes.exists_one(s, s == "read") && scopes.filter(s, s.size() > 3).size() == 2`,
		`scopes.filter(s, s.contains(":")) == ["write:all"]`,
		`scopes.filter(s, s.contains(":")).all(s, s == "write:all")`,
		`scopes.exists(s, ["write:", "admin:"].exists(prefix, s.startsWith(prefix)))`,
		`now.hour < 12 ? username == "demo" : false`,
		`(owner.enabled ? attributes.mail : username) == "Demo@Example.org"`,
		`true // a comment`,
	} {
		if got, result := run(t, script(expression), scripted); got != "true" || !result.Success || result.Verified {
			t.Errorf("%s: %q, %+v", expression, got, result)
		}
		if got, result := run(t, script("!("+expression+"\n)"), scripted); got != "false" || result.Success {
			t.Errorf("not %s: %q, %+v", expression, got, result)
		}
	}
}

// What is not known is empty, and no fault.
func TestScriptedDecisionOfNothing(t *testing.T) {
	for _, in := range []journey.Input{{}, {Username: "demo"}} {
		for expression, want := range map[string]string{
			`client.id == "" && !client.public`:                                          "true",
			`owner.exists || owner.enabled || owner.expired`:                             "false",
			`attributes.mail == "" && !("mail" in attributes)`:                           "true",
			`scopes.exists(s, true) || scopes.size() > 0`:                                "false",
			`scopes.all(s, false) && !scopes.exists_one(s, true) && scopes == scopes`:    "true",
			`address == "" && !inNetwork(address, "0.0.0.0/0")`:                          "true",
			`attributes.mail.matches("x") || attributes.mail.lowerAscii().contains("x")`: "false",
		} {
			if got, _ := run(t, script(expression), in); got != want {
				t.Errorf("%s: %q, want %q", expression, got, want)
			}
		}
	}
	gone := journey.Input{Username: "demo", User: &realm.User{Expires: now, Attributes: map[string]string{"a": "b"}}}
	if got, _ := run(t, script(`owner.exists && owner.expired && !owner.enabled && attributes.a == "b"`), gone); got != "true" {
		t.Error(got)
	}
}

// The time is that of the run, in UTC, whatever its zone.
func TestScriptedDecisionTellsTheTimeInUTC(t *testing.T) {
	for at, want := range map[string]string{
		"2026-01-04T23:30:00Z":      `2026-01-04 23:30 23 7`,
		"2026-01-05T01:30:00+02:00": `2026-01-04 23:30 23 7`,
		"2026-01-05T00:05:00Z":      `2026-01-05 00:05 0 1`,
	} {
		parsed, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(want)
		expression := fmt.Sprintf(`now.date == %q && now.time == %q && now.hour == %s && now.weekday == %s`, f[0], f[1], f[2], f[3])
		s, problems := set(t, script(expression))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		j, _ := s.Journey("main")
		if result, err := j.Run(t.Context(), journey.Input{Now: parsed}); err != nil || !result.Success {
			t.Errorf("%s is not %s: %v", at, want, err)
		}
	}
}

func TestScriptedDecisionWithOutcomes(t *testing.T) {
	levels := []string{"strong", "usual", "weak"}
	n := script(`owner.enabled ? (attributes.kind.matches("staff") ? "strong" : "usual") : "weak"`, levels...)
	for want, user := range map[string]*realm.User{"strong": scripted.User, "usual": &owner, "weak": &disabled} {
		in := scripted
		in.User = user
		if got, result := run(t, n, in); got != want || result.Success != (want == "strong") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got, _ := run(t, script(`attributes.kind.trim()`, "guest", "staff"), scripted); got != "staff" {
		t.Errorf("%q of an attribute", got)
	}
	if got, _ := run(t, script(`"only"`, "only"), scripted); got != "only" {
		t.Errorf("%q of one", got)
	}
}

// fault runs the node, which must not reach a decision nor tell what it read.
func fault(t *testing.T, n node, in journey.Input) string {
	t.Helper()
	s, problems := set(t, n)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	result, err := j.Run(t.Context(), in)
	if err == nil || result.Success {
		t.Fatalf("%s: %+v, %v", n.Settings, result, err)
	}
	for _, value := range []string{"Demo@", "staff", "s3cr3t", strings.Repeat("x", 20)} {
		if strings.Contains(err.Error(), value) {
			t.Errorf("the fault tells a value: %v", err)
		}
	}
	return err.Error()
}

func TestScriptedDecisionFaultsWithoutValues(t *testing.T) {
	got := fault(t, script(`attributes.mail`, "a", "b"), scripted)
	if want := `journey "main": node "it": expression: its result is none of the outcomes`; got != want {
		t.Error(got)
	}
	long := strings.Repeat("x", 257)
	many := map[string]string{}
	for i := range 257 {
		many[fmt.Sprint(i)] = "s3cr3t"
	}
	with := func(attributes map[string]string) journey.Input {
		return journey.Input{Username: "demo", Password: "right", User: &realm.User{Attributes: attributes}}
	}
	for want, tt := range map[string]struct {
		expression string
		in         journey.Input
	}{
		"more than 64 scopes":         {`"a" in scopes`, journey.Input{Scopes: strings.Split(strings.Repeat("s3cr3t ", 65), " ")}},
		"one of more than 256 bytes":  {`"a" in scopes`, journey.Input{Scopes: []string{"s3cr3t", long}}},
		"more than 256 attributes":    {`attributes.a == ""`, with(many)},
		"attribute of more than 4096": {`attributes.a == ""`, with(map[string]string{"b": strings.Repeat("x", 4097)})},
		"the user name":               {`username == ""`, journey.Input{Username: long, Password: "right"}},
		"the realm":                   {`realm == ""`, journey.Input{Realm: long}},
		"the client's id":             {`client.id == ""`, journey.Input{Client: &realm.Client{ID: long}}},
		"the address":                 {`address == ""`, journey.Input{Address: long}},
	} {
		if got := fault(t, script(tt.expression), tt.in); !strings.Contains(got, want) {
			t.Errorf("%s: %s", want, got)
		}
	}
}

// No expression that loads is known to fail, but if one does, the language's message may hold what it read.
func TestScriptedDecisionStopsWithoutValues(t *testing.T) {
	if got := nodes.Stopped(errors.New("s3cr3t")).Error(); got != "expression: stopped" {
		t.Error(got)
	}
}

func TestScriptedDecisionRefusesWrongSettings(t *testing.T) {
	refuse := func(n node, want string) {
		t.Helper()
		_, problems := set(t, n)
		if !slices.ContainsFunc(problems, func(p journey.Problem) bool { return p.Message == want }) {
			t.Errorf("%s:\n got %v\nwant %s", n.Settings, problems, want)
		}
	}
	refuse(node{Type: "ScriptedDecision"}, "expression: write one")
	refuse(script(""), "expression: write one")
	refuse(script(" \n", "a"), "expression: write one")
	refuse(script(`"a"`, "a", ""), "outcomes[1]: is empty")
	refuse(script(`"a"`, "a", "b", "a"), `outcomes[2]: "a" is listed twice`)
	refuse(script(`true || `+strings.Repeat(" ", 4096)), "expression: has 4104 bytes, at most 4096 are allowed")
	refuse(script(`usrname == "a"`), "expression: unknown name usrname (line 1, column 1)")
	refuse(script("true &&\n  owner.locked"), "expression: unknown name owner.locked (line 2, column 8)")
	refuse(script(`client == "a"`), "expression: client is not a value, but its members are (line 1, column 1)")
	refuse(script(`now.time < "7:30"`), `expression: now.time is never so; write "07:30" (line 1, column 12)`)
	refuse(script(`"17:30:00" > now.time`), `expression: now.time is never so; write "07:30" (line 1, column 1)`)
	refuse(script(`now.date in ["2026-01-02", "2026-1-5"]`), `expression: now.date is never so; write "2026-01-02" (line 1, column 28)`)
	refuse(script(`username`), "expression: yields string and has to yield bool (line 1, column 1)")
	refuse(script(`scopes`), "expression: yields list(string) and has to yield bool (line 1, column 1)")
	refuse(script(`true`, "a", "b"), "expression: yields bool and has to yield string (line 1, column 1)")
	refuse(script(`1`, "a", "b"), "expression: yields int and has to yield string (line 1, column 1)")
	refuse(script(`authLevel > 1 ? "a" : "B"`, "a", "b"), `expression: its result "B" is none of the outcomes (line 1, column 23)`)
	refuse(script(`true ? "a" : (true ? "c" : "b")`, "a", "b"), `expression: its result "c" is none of the outcomes (line 1, column 22)`)
	refuse(script(`username == 1`), "expression: == does not take (string, int) (line 1, column 10)")
	refuse(script(`username ==`), "expression: syntax error: mismatched input '<EOF>' (line 1, column 12)")
	refuse(script(`username == "a`), `expression: syntax error: token recognition error at: '"a' (line 1, column 13)`)
	refuse(script(`username == "a" and true`), "expression: syntax error: mismatched input 'and' (line 1, column 17)")
	refuse(script(`(authLevel > 1 ? 1 : "b") == 1`), "expression: ? : does not take (bool, int, string) (line 1, column 16)")
	refuse(script(`authLevel > 1 ? true : "a"`), "expression: ? : does not take (bool, bool, string) (line 1, column 15)")
	refuse(script(`now.weekday == "Monday"`), "expression: == does not take (int, string) (line 1, column 13)")
	refuse(script(`scopes.exists("a", true)`), "expression: argument must be a simple name (line 1, column 15)")
	refuse(script(`scopes.contains("a")`), "expression: contains does not take list(string).(string) (line 1, column 16)")
	refuse(script(`attributes.a.matches("(a|b){1000}")`),
		"expression: may take too long: up to 3077053 units of work, at most 100000 are allowed (line 1, column 21)")
}

// What is outside the sandbox is refused when the journey loads, however it is spelled.
func TestScriptedDecisionRefusesHostileExpressions(t *testing.T) {
	nested := func(n int, before, inside, after string) string {
		return strings.Repeat(before, n) + inside + strings.Repeat(after, n)
	}
	many := func(format string, n int) (out string) {
		for i := range n {
			out += fmt.Sprintf(format, i)
		}
		return out
	}
	for expression, want := range map[string]string{
		`scopes.map(s, s).size() > 0`:                           "there is no function map",
		`scopes.map(s, scopes.map(t, scopes)).size() > 0`:       "there is no function map",
		`has(attributes.mail)`:                                  `there is no has; write "mail" in attributes`,
		`username.split("").size() > 0`:                         "there is no function split",
		`username.replace("a", "aa") == ""`:                     "there is no function replace",
		`"%s".format([username]) == ""`:                         "there is no function format",
		`scopes.join() == ""`:                                   "there is no function join",
		`cel.bind(a, username, a == "")`:                        "there is no function bind",
		`timestamp("2026-01-02T03:04:05Z") == now`:              "there is no function timestamp",
		`duration("1h") == duration("1h")`:                      "there is no function duration",
		`dyn(username) == 1`:                                    "there is no function dyn",
		`type(username) == string`:                              "there is no function type",
		`int(username) == 1`:                                    "there is no function int",
		`string(authLevel) == "1"`:                              "there is no function string",
		`bytes(username).size() > 1`:                            "there is no function bytes",
		`lowerAscii(username) == ""`:                            "lowerAscii does not take (string)",
		`username.lower() == ""`:                                "there is no function lower",
		`username + username == ""`:                             "there is no arithmetic and no joining of texts",
		`(scopes + scopes).size() > 1`:                          "there is no arithmetic and no joining of texts",
		`2 * 1000 > 1`:                                          "there is no arithmetic and no joining of texts",
		`1 % 0 == 0`:                                            "there is no arithmetic and no joining of texts",
		`-authLevel == 1`:                                       "there is no arithmetic and no joining of texts",
		`authLevel - 1 == 1`:                                    "there is no arithmetic and no joining of texts",
		`username.matches(attributes.pattern)`:                  "the pattern must be a constant",
		`matches(username, attributes.pattern)`:                 "the pattern must be a constant",
		`username.matches("a".lowerAscii())`:                    "the pattern must be a constant",
		`username.matches(true ? "a" : "b")`:                    "the pattern must be a constant",
		`["a"].all(p, username.matches(p))`:                     "the pattern must be a constant",
		`username.matches(1)`:                                   "the pattern must be a constant",
		`username.matches()`:                                    "matches does not take string.()",
		`username.matches("(")`:                                 "the pattern: error parsing regexp: missing closing ): `(`",
		`username.matches("((a{100}){100}){100}")`:              "the pattern: error parsing regexp: invalid repeat count",
		`username.matches("` + strings.Repeat("a", 257) + `")`:  "the pattern has more than 256 bytes",
		`scopes.exists(s, s.matches("[a-z]{1,100}"))`:           "may take too long",
		`scopes.all(s, scopes.all(t, attributes.a.trim()==""))`: "may take too long",
		`scopes.all(a, scopes.all(b, scopes.all(c, true)))`:     "may take too long",
		`attributes.a.contains(attributes.b) && scopes.all(s, scopes.all(t, s.trim() == t.trim()))`: "may take too long",
		`scopes.all(s, scopes.all(t, scopes.size() > attributes.a.size()))`:                         "may take too long",
		many("scopes.all(s%d, ", 12) + "true" + strings.Repeat(")", 12):                             "millions of units of work",
		`[scopes, scopes].exists(s, true)`:                                                          "a list holds texts or numbers",
		`[].exists(s, true)`:                                                                        "a list has 1 to 64 elements",
		`1 in [` + strings.Repeat("1,", 64) + `1]`:                                                  "a list has 1 to 64 elements",
		`username in ["a", 1]`:                                                                      "a list holds texts or numbers, as constants and not both",
		`username in [1, "a"]`:                                                                      "a list holds texts or numbers, as constants and not both",
		`username in [address]`:                                                                     "a list holds texts or numbers, as constants and not both",
		`username in [address, "a"]`:                                                                "a list holds texts or numbers, as constants and not both",
		`username in ["a", address]`:                                                                "a list holds texts or numbers, as constants and not both",
		`true in [true]`:                                                                            "a list holds texts or numbers, as constants and not both",
		`attributes.exists(a, true)`:                                                                "attributes can only be looked up",
		`attributes == attributes`:                                                                  "attributes can only be looked up",
		`attributes.size() == 1`:                                                                    "attributes can only be looked up",
		`(true ? attributes : attributes).a == ""`:                                                  "only attributes, client, now and owner have members",
		`attributes.a.b == ""`:                                                                      `an attribute has no members; write attributes["a.b"]`,
		`username.a == ""`:                                                                          "unknown name username.a",
		`scopes.exists(s, s.a == "")`:                                                               "only attributes, client, now and owner have members",
		`scopes.exists(username, username == "")`:                                                   "the name username is taken",
		`scopes.exists(client, client.id == "")`:                                                    "the name client is taken",
		`scopes.exists(attributes, true)`:                                                           "the name attributes is taken",
		`scopes.exists(s, s == "" || scopes.all(s, true))`:                                          "the name s is taken",
		`scopes.exists(s, true) && s == ""`:                                                         "unknown name s",
		`scopes.exists(s, @result)`:                                                                 "syntax error",
		`scopes[5] == ""`:                                                                           "only attributes can be looked up with [ ]",
		`username[0] == ""`:                                                                         "only attributes can be looked up with [ ]",
		`attributes["a"]["b"] == ""`:                                                                "only attributes can be looked up with [ ]",
		`attributes[0] == ""`:                                                                       "[_] does not take",
		`username == null`:                                                                          "there is no null",
		`{"a": 1} == {"a": 1}`:                                                                      "there are no maps",
		`google.protobuf.Empty{} == google.protobuf.Empty{}`:                                        "is not allowed here",
		`authLevel > 1.5`:                                                                           "numbers are whole",
		`authLevel > 1u`:                                                                            "numbers are whole",
		`b"a" == b"a"`:                                                                              "is not allowed here",
		`authLevel > 9223372036854775808`:                                                           "invalid int literal",
		`true; false`:                                                                               "syntax error",
		`owner.String() == ""`:                                                                      "there is no function String",
		`inNetwork(address, attributes.network)`:                                                    "the network must be a constant",
		`inNetwork(address, "10.0.0.1")`:                                                            "the network must be in CIDR notation",
		`inNetwork(address, "10.0.0.1/8")`:                                                          `the network has bits set behind the prefix; did you mean "10.0.0.0/8"?`,
		`address.inNetwork("10.0.0.0/8")`:                                                           "inNetwork does not take string.(string)",
		`inNetwork(address)`:                                                                        "inNetwork does not take (string)",
		`username.trim("a") == ""`:                                                                  "trim does not take string.(string)",
		`scopes.exists(s) == 0`:                                                                     "there is no function exists",
		`password == ""`:                                                                            "unknown name password",
		`owner.PasswordHash == ""`:                                                                  "unknown name owner.PasswordHash",
		`client.SecretHash == ""`:                                                                   "unknown name client.SecretHash",
		`Username == ""`:                                                                            "unknown name Username",
		`.username == ""`:                                                                           "unknown name .username",
		// many parts, and many levels
		strings.Repeat("true || ", 500) + "true":      "exceeds",
		nested(4000, "(", "", ""):                     "",
		nested(4000, "[", "", ""):                     "",
		nested(1000, "1<(", "1", ""):                  "",
		nested(300, "true?(", "true", "):true"):       "",
		"username" + nested(300, ".trim()", "", ""):   "",
		strings.Repeat("scopes.all(s,", 300) + "true": "",
		"username == \x00":                            "syntax error",
		"username == \"\\u00e\"":                      "syntax error",
	} {
		_, problems := set(t, script(expression))
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Message, "expression: ") || !strings.Contains(problems[0].Message, want) {
			t.Errorf("%.80s:\n got %v\nwant %s", expression, problems, want)
		}
	}
}

// What a run has read is garbage after it, though its node lives on.
func TestScriptedDecisionForgetsWhatItRead(t *testing.T) {
	set, problems := set(t, script(`attributes.mail.trim() != "" && scopes.filter(s, s == attributes.mail).size() == 1`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := set.Journey("main")
	kept := make([]weak.Pointer[byte], 8)
	for i := range kept {
		value := strings.Repeat("x", 200+i) // is allocated
		kept[i] = weak.Make(unsafe.StringData(value))
		in := journey.Input{Username: "demo", Password: "right", Scopes: []string{value}, User: &realm.User{Attributes: map[string]string{"mail": value}}}
		if r, err := j.Run(t.Context(), in); err != nil || !r.Success {
			t.Fatal(r, err)
		}
	}
	runtime.GC()
	runtime.GC() // and what waits in pools
	for i, p := range kept {
		if p.Value() != nil {
			t.Errorf("the value of run %d is kept", i)
		}
	}
	runtime.KeepAlive(j)
}

// One compiled expression serves all runs, each with its own values.
func TestScriptedDecisionServesManyRunsAtOnce(t *testing.T) {
	s, problems := set(t, script(`scopes.exists(s, s == username) && attributes.name == username && client.id.lowerAscii() == username`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := fmt.Sprintf("user%d", i)
			for round := range 200 {
				in := journey.Input{
					Username: name, Password: "right", Scopes: []string{"a", name}, Client: &realm.Client{ID: strings.ToUpper(name)},
					User:   &realm.User{Attributes: map[string]string{"name": name}},
					Verify: func(context.Context, string) (bool, error) { return false, nil },
				}
				want := round%2 == 0
				if !want {
					in.User.Attributes["name"] = "other"
				}
				if r, err := j.Run(t.Context(), in); err != nil || r.Success != want {
					t.Errorf("%s: %+v, %v, want %t", name, r, err, want)
					return
				}
			}
		})
	}
	group.Wait()
}
