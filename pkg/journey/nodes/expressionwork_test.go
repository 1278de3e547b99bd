package nodes_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
)

// largest is the largest input that an expression can read.
func largest() journey.Input {
	text := func(n int) string { return strings.Repeat("a", n) }
	in := journey.Input{
		Realm: text(256), Username: text(256), Password: "right", Address: text(256), Client: &realm.Client{ID: text(256)},
		User: &realm.User{Enabled: true, Attributes: map[string]string{"a": text(4096)}}, Now: now,
	}
	for range 64 {
		in.Scopes = append(in.Scopes, text(256))
	}
	for i := range 255 {
		in.User.Attributes[fmt.Sprint(i)] = text(4096)
	}
	return in
}

// costly are expressions close to the bound of work, each with another kind of it.
var costly = map[string]string{
	"lists":    `all(scopes, {let s = #; all(scopes, s != "b" and s != "c")})`,
	"compare":  `all(scopes, {let s = #; count(filter(scopes, # == s and s == #), true) == 64})`,
	"contains": `all(scopes, ` + strings.Repeat(`not (attributes.a contains "b") and `, 20) + `true)`,
	"lower":    `all(scopes, lower(attributes.a) != "b" and upper(attributes.a) != "b" and lower(attributes.b) == "")`,
	"members":  `all(scopes, ` + strings.Repeat(`# not in ["b", "c", "d", "e", "f", "g", "h"] and `, 20) + `# in scopes)`,
	"matches":  strings.Repeat(`not (attributes.a matches "(a|b|aa|ab|a*|b*){1,3}c") and `, 2) + `true`,
	"threads":  `not (attributes.a matches "(?:a?){45}c")`, // the text is too long for the backtracking of the pattern
	"pattern":  `all(scopes, ` + strings.Repeat(`not (# matches "(a|b)*c") and `, 3) + `true)`,
}

// The work that is counted is no less than what the machine does, and is multiplied by every list.
func TestScriptedDecisionCountsItsWork(t *testing.T) {
	for expression, atLeast := range map[string]int{
		`true`:                          1,
		`all(scopes, true)`:             64,
		`all(["a","b"], true)`:          2,
		`all(scopes, # == "a")`:         64 * 3,
		`filter(scopes, true)`:          64,
		`"a" in scopes`:                 16 << 10 / 64,
		`scopes == scopes`:              2 * 16 << 10 / 64,
		`lower(attributes.a)`:           4096 / 16,
		`attributes.a == "a"`:           4096 / 64,
		`upper(username)`:               256 / 16,
		`any(scopes, upper(#))`:         16 << 10 / 16,
		`attributes.a in ["b"]`:         4096 / 64,
		`"a" in attributes`:             1,
		`username matches "abc"`:        256 / 4 * 3,
		`all(scopes,all(scopes, true))`: 64 * 64,
		`all(scopes, all(filter(scopes, true), # == "a"))`:               64*64*3 + 64*64,
		`all(scopes, {let s = scopes; all(s, # == "a")})`:                64 * 64 * 3,
		`all(true ? scopes : ["a"], true)`:                               64,
		`all(scopes, {let a = attributes.a; all([1, 2], lower(a)=="")})`: 64 * 2 * 4096 / 16,
		`all(scopes, attributes.a matches "abc")`:                        64 * 4096 / 4 * 3,
		`any(true ? ["a"] : scopes, # matches "abc")`:                    16 << 10 / 4 * 3,
	} {
		if got := nodes.Work(expression); got < atLeast || got > 4*atLeast+16 {
			t.Errorf("%s: %d units, want %d or a little more", expression, got, atLeast)
		}
	}
	for name, expression := range costly {
		if got := nodes.Work(expression); got > nodes.MaxWork || got < nodes.MaxWork/2 {
			t.Errorf("%s has %d units, and is no benchmark of what %d allow", name, got, nodes.MaxWork)
		}
	}
}

// The most expensive expressions that load, with every branch of them taken, over the largest input.
func BenchmarkScriptedDecisionAtWorst(b *testing.B) {
	for name, expression := range costly {
		b.Run(name, func(b *testing.B) { benchmarkScript(b, expression, largest()) })
	}
}

func BenchmarkScriptedDecision(b *testing.B) {
	in := scripted
	in.Now = now
	benchmarkScript(b, `owner.enabled and (client.id in ["batch", "cli"] or inNetwork(address, "10.0.0.0/8")) and "read" in scopes`, in)
}

func benchmarkScript(b *testing.B, expression string, in journey.Input) {
	b.Helper()
	collected := collect
	s, problems := build(map[string]journey.NodeDefinition{"collect": collected, "it": script(expression).definition()}, "collect")
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	j, _ := s.Journey("main")
	b.ReportAllocs()
	for b.Loop() {
		if r, err := j.Run(b.Context(), in); err != nil || !r.Success {
			b.Fatal(r, err)
		}
	}
}

// FuzzScriptedDecision holds for any expression: it is refused in one printable line, or it runs over the largest input
// without a fault of the machine and ends with one of its outcomes.
func FuzzScriptedDecision(f *testing.F) {
	for _, expression := range costly {
		f.Add(expression, false)
	}
	for _, expression := range []string{
		`owner.exists ? "a" : "b"`, `let s = lower(username); s`, `any(scopes, {let s = #; any(["a"], s contains #)})`,
		`inNetwork(address, "::/0") and now.hour < 3`, `attributes["a"] matches "a+$"`, `if true { "a" } else { "b" }`,
		`1..2`, `"\u00ff"`, "`a`", `1<(1<(1<1<1)<1)<1`, `((true ?: true) ?: true) ?: true`, `{`, `#`, `$env`, "\x00", `b"a"`,
	} {
		f.Add(expression, true)
		f.Add(expression, false)
	}
	in := largest()
	f.Fuzz(func(t *testing.T, expression string, texts bool) {
		settings := &nodes.ScriptedDecision{Expression: expression}
		if texts {
			settings.Results = []string{"a", "b"}
		}
		start := time.Now()
		_, err := settings.Open(journey.Env{})
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it took %s to open", took)
		}
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("not one printable line: %q", err)
			}
			if strings.Contains(err.Error(), "panic") {
				t.Error(err)
			}
			return
		}
		def := journey.NodeDefinition{Type: "ScriptedDecision", Outcomes: map[string]string{}, Settings: func(into any) error {
			*into.(*nodes.ScriptedDecision) = *settings
			return nil
		}}
		for _, outcome := range settings.Outcomes() {
			def.Outcomes[outcome] = journey.Success
		}
		s, problems := build(map[string]journey.NodeDefinition{"collect": collect, "it": def}, "collect")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		j, _ := s.Journey("main")
		start = time.Now()
		_, err = j.Run(t.Context(), in)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it took %s to run", took)
		}
		if err != nil && !strings.HasSuffix(err.Error(), "its result is none of the outcomes") {
			t.Error(err)
		}
	})
}
