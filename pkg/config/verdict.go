package config

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ropcd/ropcd/pkg/config/strict"
)

// comparison is between what a case expects and what came out.
type comparison struct {
	*loader
	at   strict.Path // of what is expected
	test string      // begins each message
	got  verdict
}

// compare reports what is not as expected. An outcome that differs is told alone: the rest follows from it.
func (c *comparison) compare(want expectation) {
	got := c.got
	if want.Outcome != got.outcome {
		c.Report(c.at.With("outcome"), "%sexpected outcome %s, got %s", c.test, want.Outcome, got)
		return
	}
	for _, k := range []struct{ key, want, got string }{
		{"journey", want.Journey, got.journey}, {"rule", want.Rule, got.rule}, {"reason", want.Reason, got.reason},
		{"scope", want.Scope, strings.Join(got.scope, " ")},
	} {
		if k.want != "" && k.want != k.got {
			c.differs(c.at.With(k.key), k.want, k.got)
		}
	}
	if want.AuthLevel != nil && *want.AuthLevel != got.level {
		c.differs(c.at.With("auth_level"), strconv.Itoa(*want.AuthLevel), strconv.Itoa(got.level))
	}
	for _, name := range slices.Sorted(maps.Keys(want.Session)) {
		if want.Session[name] != got.session[name] {
			c.differs(c.at.With("session", name), want.Session[name], got.session[name])
		}
	}
}

func (c *comparison) differs(at strict.Path, want, got string) {
	key := at[len(at)-1]
	if at[len(at)-2] == "session" {
		key = "session property " + word(key)
	}
	c.Report(at, "%sexpected %s %s, got %s; the outcome was %s", c.test, key, c.word(want), c.word(got), c.got)
}

// String tells what came out, and how.
func (v verdict) String() string {
	var b strings.Builder
	b.WriteString(v.outcome)
	if v.reason != "" {
		b.WriteString(" (" + v.reason)
		if v.detail != "" {
			b.WriteString(": " + v.detail)
		}
		b.WriteString(")")
	}
	if n := len(v.trail); n > 0 {
		b.WriteString(" at node " + strconv.Quote(v.trail[n-1].Node) + v.way())
	}
	return b.String()
}

// maxWay is how many steps of a way are told: the last ones.
const maxWay = 20

// way ends a message: node:outcome for each step, with the journey's name before nodes of inner ones.
func (v verdict) way() string {
	if len(v.trail) == 0 {
		return ""
	}
	var steps []string
	trail := v.trail[max(0, len(v.trail)-maxWay):]
	if len(trail) < len(v.trail) {
		steps = append(steps, "…")
	}
	for _, s := range trail {
		step := word(s.Node)
		if s.Journey != v.journey {
			step = word(s.Journey) + "/" + step
		}
		if s.Outcome != "" { // else the node faulted
			step += ":" + word(s.Outcome)
		}
		steps = append(steps, step)
	}
	return "; the way was " + strings.Join(steps, ", ")
}

// word is a value for a message, unless it came from the environment.
func (l *loader) word(s string) string {
	if slices.ContainsFunc(append(strings.Fields(s), s), l.Expanded) {
		return "a value from the environment"
	}
	return word(s)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.:/-]+$`)

// word is a value for a message, with quotes if it needs them.
func word(s string) string {
	switch {
	case s == "":
		return "none"
	case plainWord.MatchString(s):
		return s
	}
	return strconv.Quote(s)
}
