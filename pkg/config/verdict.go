package config

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ropcd/ropcd/pkg/config/strict"
)

// compare reports where a verdict is not the expected one. An outcome that differs is told alone: the rest follows from
// it.
func (l *loader) compare(at strict.Path, want expectation, got verdict) {
	if want.Outcome != got.outcome {
		l.Report(at.With("outcome"), "expected outcome %s, got %s", want.Outcome, got)
		return
	}
	for _, c := range []struct{ key, want, got string }{
		{"journey", want.Journey, got.journey}, {"rule", want.Rule, got.rule}, {"reason", want.Reason, got.reason},
		{"scope", want.Scope, strings.Join(got.scope, " ")},
	} {
		if c.want != "" && c.want != c.got {
			l.differs(at.With(c.key), c.want, c.got, got)
		}
	}
	if want.AuthLevel != nil && *want.AuthLevel != got.level {
		l.differs(at.With("auth_level"), strconv.Itoa(*want.AuthLevel), strconv.Itoa(got.level), got)
	}
	for _, name := range slices.Sorted(maps.Keys(want.Session)) {
		if want.Session[name] != got.session[name] {
			l.differs(at.With("session", name), want.Session[name], got.session[name], got)
		}
	}
}

func (l *loader) differs(at strict.Path, want, got string, v verdict) {
	key := at[len(at)-1]
	if at[len(at)-2] == "session" {
		key = "session property " + word(key)
	}
	l.Report(at, "expected %s %s, got %s; the outcome was %s", key, l.word(want), l.word(got), v)
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
		b.WriteString(" at node " + strconv.Quote(v.trail[n-1].Node) + "; the way was " + v.way())
	}
	return b.String()
}

// maxWay is how many steps of a way are told: the last ones.
const maxWay = 20

// way is node:outcome for each step, with the journey's name before nodes of inner ones.
func (v verdict) way() string {
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
	return strings.Join(steps, ", ")
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
