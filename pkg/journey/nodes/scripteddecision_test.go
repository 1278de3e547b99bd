package nodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/expr-lang/expr"

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
		`client.id == "batch" and client.public`,
		`scopes == scopes and len(scopes) == 2 and "read" in scopes and not ("admin" in scopes)`,
		`"admin" not in scopes`,
		`address == "10.1.2.3"`,
		`authLevel == 0 && authLevel > -1`,
		`owner.exists and owner.enabled and !owner.expired`,
		`attributes.mail == "Demo@Example.org" && attributes["mail"] == attributes.mail`,
		`attributes[client.id] == "" and attributes.nobody == "" and attributes.empty == ""`,
		`"mail" in attributes and "empty" in attributes and not ("nobody" in attributes)`,
		`lower(attributes.mail) endsWith "@example.org"`,
		`upper(attributes.mail) == "DEMO@EXAMPLE.ORG"`,
		`trim(attributes.kind) == "staff" and ::trim(attributes.kind) == "staff"`,
		`len("äö") == 2`,
		`attributes.mail matches "^[A-Z][a-z]+@"`,
		`not (attributes.mail matches "^[0-9]")`,
		`attributes.mail contains "@" and attributes.mail startsWith "Demo"`,
		`now.date == "2026-01-02" and now.time == "03:04" and now.hour == 3 and now.weekday == 5`,
		`now.time >= "03:00" and now.time < "17:30"`,
		`now.weekday in [1, 2, 3, 4, 5]`,
		`client.id in ["other", "batch"]`,
		`inNetwork(address, "10.0.0.0/8") and not inNetwork(address, "192.0.2.0/24")`,
		`not inNetwork("unknown", "0.0.0.0/0")`,
		`any(scopes, # startsWith "write:") and all(scopes, # != "admin")`,
		`none(scopes, # == "admin") and one(scopes, # == "read") and count(scopes, len(#) > 3) == 2`,
		`len(filter(scopes, # contains ":")) == 1`,
		`scopes | filter(# contains ":") | all(# == "write:all")`,
		`any(scopes, {let scope = #; any(["write:", "admin:"], scope startsWith #)})`,
		`let mail = lower(attributes.mail); mail endsWith ".org" or mail endsWith ".com"`,
		`now.hour < 12 ? username == "demo" : false`,
		`if owner.enabled { true } else { false }`,
		`1 < 2 < 3`,
		`true /* a comment */`,
	} {
		if got, result := run(t, script(expression), scripted); got != "true" || !result.Success || result.Verified {
			t.Errorf("%s: %q, %+v", expression, got, result)
		}
		if got, result := run(t, script("not ("+expression+")"), scripted); got != "false" || result.Success {
			t.Errorf("not %s: %q, %+v", expression, got, result)
		}
	}
}

// What is not known is empty, and no fault.
func TestScriptedDecisionOfNothing(t *testing.T) {
	for _, in := range []journey.Input{{}, {Username: "demo"}} {
		for expression, want := range map[string]string{
			`client.id == "" and not client.public`:                              "true",
			`owner.exists or owner.enabled or owner.expired`:                     "false",
			`attributes.mail == "" and not ("mail" in attributes)`:               "true",
			`any(scopes, true) or len(scopes) > 0`:                               "false",
			`all(scopes, false) and none(scopes, true) and scopes == scopes`:     "true",
			`address == "" and not inNetwork(address, "0.0.0.0/0")`:              "true",
			`attributes.mail matches "x" or lower(attributes.mail) contains "x"`: "false",
		} {
			if got, _ := run(t, script(expression), in); got != want {
				t.Errorf("%s: %q, want %q", expression, got, want)
			}
		}
	}
	gone := journey.Input{Username: "demo", User: &realm.User{Expires: now, Attributes: map[string]string{"a": "b"}}}
	if got, _ := run(t, script(`owner.exists and owner.expired and not owner.enabled and attributes.a == "b"`), gone); got != "true" {
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
		expression := fmt.Sprintf(`now.date == %q and now.time == %q and now.hour == %s and now.weekday == %s`, f[0], f[1], f[2], f[3])
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
	n := script(`owner.enabled ? (attributes.kind matches "staff" ? "strong" : "usual") : "weak"`, levels...)
	for want, user := range map[string]*realm.User{"strong": scripted.User, "usual": &owner, "weak": &disabled} {
		in := scripted
		in.User = user
		if got, result := run(t, n, in); got != want || result.Success != (want == "strong") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got, _ := run(t, script(`let kind = trim(attributes.kind); kind`, "guest", "staff"), scripted); got != "staff" {
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
		"or 16384 bytes of them":      {`"a" in scopes`, journey.Input{Scopes: []string{"s3cr3t", strings.Repeat("x", 16<<10)}}},
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

// No expression that loads is known to stop the machine, but if one does, its message may hold what it read.
func TestScriptedDecisionStopsWithoutValues(t *testing.T) {
	program, err := expr.Compile(`true and int(username) == 1`, expr.Env(map[string]any{"username": ""}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = expr.Run(program, map[string]any{"username": "s3cr3t"})
	if err == nil || !strings.Contains(err.Error(), "s3cr3t") {
		t.Fatalf("the language's own message is %v", err)
	}
	if got := nodes.Stopped(err).Error(); got != "expression: stopped at line 1, column 10" {
		t.Error(got)
	}
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
	refuse(script(`true or `+strings.Repeat(" ", 4096)), "expression: has 4104 bytes, at most 4096 are allowed")
	refuse(script(`usrname == "a"`), "expression: unknown name usrname (line 1, column 1)")
	refuse(script("true and\n  owner.locked"), "expression: type owner has no field locked (line 2, column 9)")
	refuse(script(`client == "a"`), "expression: invalid operation: == (mismatched types client and string) (line 1, column 8)")
	refuse(script(`now < 3`), "expression: invalid operation: < (mismatched types now and int) (line 1, column 5)")
	refuse(script(`client`), "expression: expected bool, but got client")
	refuse(script(`username`), "expression: expected bool, but got string")
	refuse(script(`true`, "a", "b"), "expression: expected string, but got bool")
	refuse(script(`1`, "a", "b"), "expression: expected string, but got int")
	refuse(script(`authLevel > 1 ? "a" : "B"`, "a", "b"), `expression: its result "B" is none of the outcomes (line 1, column 23)`)
	refuse(script(`let x = 1; "c"`, "a", "b"), `expression: its result "c" is none of the outcomes (line 1, column 12)`)
	refuse(script(`username == 1`), "expression: invalid operation: == (mismatched types string and int) (line 1, column 10)")
	refuse(script(`username ==`), "expression: unexpected token EOF (line 1, column 11)")
	refuse(script(`username == "a`), "expression: literal not terminated (line 1, column 15)")
	refuse(script(`(authLevel > 1 ? 1 : "b") == 1`), "expression: both ways must yield the same kind of value (line 1, column 25)")
	refuse(script(`authLevel > 1 ? true : "a"`), "expression: expected bool, but got unknown")
	refuse(script(`now.weekday == "Monday"`), "expression: invalid operation: == (mismatched types int and string) (line 1, column 13)")
}

// What is outside the sandbox is refused when the journey loads, however it is spelled.
func TestScriptedDecisionRefusesHostileExpressions(t *testing.T) {
	nested := func(n int, before, inside, after string) string {
		return strings.Repeat(before, n) + inside + strings.Repeat(after, n)
	}
	for expression, want := range map[string]string{
		`len(map(1..1000000, map(1..1000000, #))) > 0`:        "there is no function map",
		`len(1..1000000) > 0`:                                 "the operator .. is not allowed",
		`1 in 1..10`:                                          "the operator .. is not allowed",
		`repeat("a", 1000000) == ""`:                          "there is no function repeat",
		`::repeat("a", 1000000) == ""`:                        "there is no function repeat",
		`"a" | repeat(100) == ""`:                             "there is no function repeat",
		`len(split(attributes.a, "")) > 0`:                    "there is no function split",
		`reduce(scopes, #acc, "") == ""`:                      "there is no function reduce",
		`len(sortBy(scopes, #)) > 0`:                          "there is no function sortBy",
		`len(groupBy(scopes, #)) > 0`:                         "there is no function groupBy",
		`now() == now()`:                                      "there is no function now",
		`toJSON(attributes) == ""`:                            "there is no function toJSON",
		`len(keys(attributes)) > 0`:                           "there is no function keys",
		`get(attributes, "a") == ""`:                          "there is no function get",
		`find(scopes, true) == ""`:                            "there is no function find",
		`let a = username + username; a == ""`:                "there is no arithmetic and no joining of texts",
		`2 ** 1000 > 1`:                                       "there is no arithmetic and no joining of texts",
		`1 % 0 == 0`:                                          "there is no arithmetic and no joining of texts",
		`+1 == 1`:                                             "there is no arithmetic",
		`username matches attributes.pattern`:                 "the pattern must be a constant",
		`username matches lower("a")`:                         "the pattern must be a constant",
		`username matches "("`:                                "the pattern: error parsing regexp: missing closing ): `(`",
		`username matches "((a{100}){100}){100}"`:             "the pattern: error parsing regexp: invalid repeat count",
		`username matches "` + strings.Repeat("a", 257) + `"`: "the pattern has more than 256 bytes",
		`attributes.a matches "(a|b){1000}"`:                  "may take too long",
		`any(scopes, # matches "[a-z]{1,100}")`:               "may take too long",
		`any(scopes,any(scopes, lower(attributes.a) == ""))`:  "may take too long",
		`any(scopes,any(scopes,any(scopes, true)))`:           "any is nested too deep, at most 2 may be in each other",
		`any(scopes, {let s = #; count(scopes, {let t = #; one(scopes, # == t)}) == 1})`: "one is nested too deep",
		`any([scopes, scopes], true)`:             "a list holds texts or numbers",
		`any([], true)`:                           "a list has 1 to 64 elements",
		`1 in [` + strings.Repeat("1,", 65) + `]`: "a list has 1 to 64 elements",
		`username in ["a", 1]`:                    "a list holds texts or numbers, as constants and not both",
		`username in [1, "a"]`:                    "a list holds texts or numbers, as constants and not both",
		`username in [address]`:                   "a list holds texts or numbers, as constants and not both",
		`any(attributes, true)`:                   "attributes can only be looked up",
		`attributes == attributes`:                "attributes can only be looked up",
		`any(scopes, #index == 0)`:                "unknown name #index",
		`$env.username == ""`:                     "only attributes, client, now and owner have members",
		`$env == $env`:                            "unknown name $env",
		`scopes[5] == ""`:                         "only attributes, client, now and owner have members",
		`username[0] == ""`:                       "only attributes, client, now and owner have members",
		`username[1:2] == ""`:                     "a part of a text or a list can't be taken",
		`owner?.enabled`:                          "write . instead of ?.",
		`username == nil`:                         "there is no nil",
		`(username ?? "a") == ""`:                 "the operator ?? is not allowed",
		`{"a": 1} == {"a": 1}`:                    "there are no maps",
		`authLevel > 1.5`:                         "numbers are whole",
		`true; false`:                             "there can be only one expression",
		`owner.String() == ""`:                    "nothing has methods",
		`inNetwork(address, attributes.network)`:  "the network must be a constant",
		`inNetwork(address, "10.0.0.1")`:          "the network must be in CIDR notation",
		`inNetwork(address, "10.0.0.1/8")`:        `the network has bits set behind the prefix; did you mean "10.0.0.0/8"?`,
		`inNetwork(address)`:                      "wrong number of arguments for inNetwork",
		`trim(username, "a") == ""`:               "wrong number of arguments for trim",
		`count(scopes) == 0`:                      "wrong number of arguments for count",
		`password == ""`:                          "unknown name password",
		`owner.PasswordHash == ""`:                "has no field PasswordHash",
		`client.SecretHash == ""`:                 "has no field SecretHash",
		`Username == ""`:                          "unknown name Username",
		// short texts of trees with 2^n nodes
		nested(300, "1<(", "1", "<1)<1"):           "has more than 512 parts",
		nested(300, "(", "true", "?:true)"):        "has more than 512 parts",
		nested(100, "trim(", "username", `=="")`):  "cannot use bool as argument",
		nested(600, "not (", "true", ")"):          "has more than 512 parts",
		nested(4000, "(", "", ""):                  "",
		nested(4000, "[", "", ""):                  "",
		strings.Repeat("true or ", 500) + "true":   "has more than 512 parts",
		strings.Repeat("!", 4000) + "true":         "has more than 512 parts",
		strings.Repeat("any(scopes,", 300) + "#":   "",
		strings.Repeat("username | lower() | ", 9): "",
	} {
		_, problems := set(t, script(expression))
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Message, "expression: ") || !strings.Contains(problems[0].Message, want) {
			t.Errorf("%.80s:\n got %v\nwant %s", expression, problems, want)
		}
	}
}

// One compiled expression serves all runs, each with its own values.
func TestScriptedDecisionServesManyRunsAtOnce(t *testing.T) {
	s, problems := set(t, script(`let name = username; any(scopes, # == name) and attributes.name == name and lower(client.id) == name`))
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
