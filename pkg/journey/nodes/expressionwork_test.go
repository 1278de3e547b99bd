package nodes_test

import (
	"fmt"
	"runtime"
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
	"lists":    `scopes.all(s, scopes.all(t, s.size() > 0))`,
	"compare":  `scopes.all(s, scopes.filter(t, t == s).size() == 64)`,
	"equal":    strings.Repeat(`scopes.all(s, scopes == scopes) && `, 2) + `true`,
	"contains": `scopes.all(s, ` + strings.Repeat(`!attributes.a.contains("ab") && `, 20) + `true)`,
	"lower":    `scopes.all(s, attributes.a.lowerAscii() != "b" && attributes.a.upperAscii() != "b" && attributes.b.trim() == "")`,
	"size":     `scopes.all(s, ` + strings.Repeat(`attributes.a.size() > 0 && `, 5) + `true)`,
	"members":  `scopes.all(s, ` + strings.Repeat(`!(s in ["b", "c", "d", "e", "f", "g", "h"]) && `, 18) + `s in scopes)`,
	"matches":  strings.Repeat(`!attributes.a.matches("(a|b|aa|ab|a*|b*){1,3}c") && `, 2) + `true`,
	"threads":  `!attributes.a.matches("(?:a?){45}c")`, // the text is too long for the backtracking of the pattern
	"pattern":  `scopes.all(s, ` + strings.Repeat(`!s.matches("(a|b)*c") && `, 3) + `true)`,
	"networks": `scopes.all(s, ` + strings.Repeat(`!inNetwork(s, "fe80::/10") && `, 30) + `true)`,
}

// The work that is estimated is no less than what is done, and is multiplied by every list.
func TestScriptedDecisionEstimatesItsWork(t *testing.T) {
	for expression, atLeast := range map[string]uint64{
		`authLevel == 1`:                                              1,
		`scopes.all(s, true)`:                                         64,
		`["a","b"].all(s, true)`:                                      2,
		`scopes.all(s, s == "a")`:                                     64 * 5,
		`scopes.filter(s, true) == scopes`:                            64 * 13,
		`"a" in scopes`:                                               16 << 10 / 64,
		`scopes == scopes`:                                            2 * 16 << 10 / 64,
		`attributes.a.lowerAscii() == ""`:                             4096 / 16,
		`attributes.a.lowerAscii().trim() == ""`:                      2 * 4096 / 16,
		`attributes["a"].size() == 1`:                                 4096 / 16,
		`attributes.a == "a"`:                                         4096 / 64,
		`username.upperAscii() == ""`:                                 256 / 16,
		`scopes.exists(s, s.upperAscii() == "")`:                      16 << 10 / 16,
		`attributes.a in ["b"]`:                                       4096 / 64,
		`"a" in attributes`:                                           1,
		`attributes.a in attributes`:                                  4096 / 64,
		`attributes[attributes.a] == ""`:                              2 * 4096 / 64,
		`username.matches("abc")`:                                     256 / 4 * 5,
		`scopes.all(s, scopes.all(t, true))`:                          64 * 64 * 3,
		`scopes.all(s, scopes.filter(t, true).all(u, false))`:         64 * 64 * 13,
		`(true ? scopes : ["a"]).all(s, true)`:                        64,
		`scopes.all(s, attributes.a.matches("abc"))`:                  64 * 4096 / 4 * 5,
		`(true ? ["a"] : scopes).all(s, s.matches("abc"))`:            16 << 10 / 4 * 5,
		`(true ? "a" : attributes.a).matches("abc")`:                  4096 / 4 * 5,
		`username.matches("(abc){100}")`:                              256 / 4 * 300,
		`["` + strings.Repeat("ä", 500) + `"].all(s, s.trim() == "")`: 1000 / 16,
	} {
		if got := nodes.Work(expression); got < atLeast || got > 4*atLeast+32 {
			t.Errorf("%s: %d units, want %d or a little more", expression, got, atLeast)
		}
		if _, err := runNode(t, nodes.Stops(expression, nodes.Work(expression)), largest()); err != nil {
			t.Errorf("%s: does more than its estimate: %v", expression, err)
		}
	}
	for name, expression := range costly {
		if got := nodes.Work(expression); got > nodes.MaxWork || got < nodes.MaxWork/4 {
			t.Errorf("%s has %d units, and is no benchmark of what %d allow", name, got, nodes.MaxWork)
		}
	}
}

// An estimate that were wrong would not let an expression run on: what it does is counted.
func TestScriptedDecisionStopsAfterTooMuchWork(t *testing.T) {
	for name, expression := range costly {
		if _, err := runNode(t, nodes.Stops(expression, nodes.MaxWork), largest()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, err := runNode(t, nodes.Stops(expression, 1000), largest())
		if err == nil || !strings.HasSuffix(err.Error(), "expression: stopped after 100000 units of work") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The most expensive expressions that load make little garbage over the largest input.
func TestScriptedDecisionTakesLittleMemoryAtWorst(t *testing.T) {
	in := largest()
	for name, expression := range costly {
		n := nodes.Stops(expression, nodes.MaxWork)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := runNode(t, n, in); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 { // a megabyte, and more with the race detector, which empties pools
			t.Errorf("%s allocates %d bytes", name, took)
		}
	}
}

// ready is the settings of a node that is open already.
type ready struct{ journey.Node }

func (ready) Outcomes() []string                       { return trueFalse }
func (r ready) Open(journey.Env) (journey.Node, error) { return r.Node, nil }

// runNode runs a journey of the collectors and that node.
func runNode(t *testing.T, n journey.Node, in journey.Input) (journey.Result, error) {
	t.Helper()
	types := nodes.Table()
	types["Ready"] = func() journey.Settings { return ready{n} }
	s, problems := builds(map[string]journey.Definition{"main": {Enabled: true, Entry: "collect", Nodes: map[string]journey.NodeDefinition{
		"collect": collect, "it": node{Type: "Ready", Outcomes: trueFalse}.definition(),
	}}}, types, journey.Env{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	j, _ := s.Journey("main")
	return j.Run(t.Context(), in)
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
	benchmarkScript(b, `owner.enabled && (client.id in ["batch", "cli"] || inNetwork(address, "10.0.0.0/8")) && "read" in scopes`, in)
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
		`owner.exists ? "a" : "b"`, `username.lowerAscii()`, `scopes.exists(s, ["a"].exists(t, s.contains(t)))`,
		`inNetwork(address, "::/0") && now.hour < 3`, `attributes["a"].matches("a+$")`, `scopes.filter(s, s > "b").size() == 0`,
		`["ä", "ö"].all(s, ["ü"].exists(t, s < t))`, `[1, 2].exists_one(i, i == authLevel)`, `1 in [1, 2] ? "ä" : r"\a"`,
		`"\u00ff"`, "`a`", `1<(1<(1<1<1)<1)<1`, `{`, `$env`, "\x00", `b"a"`, `"""a"""`, `a.b{c: 1}`, `[?a]`, `a.?b`, `a[?b]`, `0x1F`,
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
		if !texts {
			if _, err := runNode(t, nodes.Stops(expression, nodes.Work(expression)), in); err != nil {
				t.Errorf("it does more than its estimate: %v", err)
			}
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
