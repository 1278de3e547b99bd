package config

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
)

// The bounds of what a start and a reload wait for.
const (
	maxJourneyTests = 500 // of one realm
	testTime        = 2 * time.Second
	testsTime       = 10 * time.Second // of all realms together
)

// testSection is one case: a request, the world that it meets, and what is expected of it.
type testSection struct {
	Name       string                  `yaml:"name"`
	Client     string                  `yaml:"client"`
	Parameters map[string]string       `yaml:"parameters" is:"sample"`
	Address    string                  `yaml:"address"`
	Now        instant                 `yaml:"now"` // zero: when the file is read
	Owner      *testOwner              `yaml:"owner"`
	Sources    map[string]sourceAnswer `yaml:"sources" is:"plain"` // by the id of the node that asks
	Expect     expectation             `yaml:"expect"`
}

// testOwner is the owner's state. The zero values are those of a new account without a password.
type testOwner struct {
	Password    string            `yaml:"password" is:"sample"`
	Enabled     bool              `yaml:"enabled"`
	Expired     bool              `yaml:"expired"`
	Locked      bool              `yaml:"locked"`
	Attributes  map[string]string `yaml:"attributes" is:"plain"`
	Code        string            `yaml:"code" is:"sample"`
	Logins      int               `yaml:"logins"`
	PasswordAge time.Duration     `yaml:"password_age"`
}

func (o *testOwner) Default() { o.Enabled = true }

// sourceAnswer is what an outside source of credentials says.
type sourceAnswer string

var sourceAnswers = map[sourceAnswer]journey.Answer{
	"true": {Right: true}, "false": {Reason: journey.ReasonWrongPassword},
	"locked": {Reason: journey.ReasonLocked}, "expired": {Reason: journey.ReasonExpired},
}

// UnmarshalText reads the words with and without quotes.
func (a *sourceAnswer) UnmarshalText(text []byte) error {
	*a = sourceAnswer(text)
	if _, ok := sourceAnswers[*a]; !ok {
		return strict.PredicateError("is not possible; write true, false, locked or expired")
	}
	return nil
}

// String is what UnmarshalText reads.
func (a sourceAnswer) String() string { return string(a) }

// journeyTests checks the cases of a realm, and runs them if nothing else is wrong with it. Those of which no request
// gets as far as a journey are left out: what is switched off in an emergency must not refuse the file.
func (l *loader) journeyTests(d declared, r Realm) {
	tests, at := d.section.JourneyTests, d.at.With("journey_tests")
	if len(tests) > maxJourneyTests {
		l.Report(at, "has %d tests; there may be %d", len(tests), maxJourneyTests)
		return
	}
	built := !l.FailedIn(d.at.With("journeys")) // or else nobody knows what they read
	for i := range tests {
		l.checkTest(at.At(i), &tests[i], r)
		if built {
			l.testParameters(at.At(i).With("parameters"), &tests[i], r)
		}
	}
	switch {
	case len(tests) == 0 || l.FailedIn(d.at):
		return
	case r.Provider == nil || !slices.Contains(r.Provider.GrantTypes, realm.GrantPassword):
		l.Warn(at, "the realm has no password grant, so that no request runs a journey: all tests are left out")
		return
	}
	now := time.Now()
	for i := range tests {
		t := &tests[i]
		if why := barred(r.client(t.Client)); why != "" {
			l.Warn(at.At(i).With("client"), "the client %s, so that no request of it runs a journey: the test is left out", why)
			continue
		}
		l.rehearse(at.At(i), rehearsal{realm: r, test: t, now: t.Now.or(now), hidden: l.Expanded})
	}
}

// rehearse runs a case and reports what is not as expected. After one that takes too long none runs, of no realm: what
// holds it up would hold up the others.
func (l *loader) rehearse(at strict.Path, run rehearsal) {
	if l.late {
		return
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), min(testTime, testsTime-l.rehearsed))
	defer cancel()
	v, err := run.verdict(ctx)
	l.rehearsed += time.Since(start)
	l.late = ctx.Err() != nil
	name := l.testName(run.test)
	switch {
	case l.late && l.rehearsed >= testsTime:
		l.Report(at, "%sthe tests of all realms take longer than %s together, so that none after this one ran%s",
			name, strict.FormatDuration(testsTime), v.way())
	case l.late:
		l.Report(at, "%sthe run takes longer than %s, so that no test after it ran%s", name, strict.FormatDuration(testTime), v.way())
	case err != nil:
		l.Report(at, "%sthe run came to no decision: %s%s", name, err, v.way())
	default:
		c := comparison{loader: l, at: at.With("expect"), test: name, got: v}
		c.compare(run.test.Expect)
	}
}

// testName begins a message about a case; empty where there is no name, or none that may be shown.
func (l *loader) testName(t *testSection) string {
	if t.Name == "" || l.Expanded(t.Name) {
		return ""
	}
	return strconv.Quote(t.Name) + ": "
}

// testParameters finds those that nothing reads.
func (l *loader) testParameters(at strict.Path, t *testSection, r Realm) {
	known := append([]string{"username", "password", "scope", "auth_chain"}, r.Journeys.Parameters()...)
	for name := range t.Parameters {
		if !slices.Contains(known, name) {
			shown := l.shown(known)
			hint := strict.Suggest(name, shown)
			if hint == "" {
				hint = "; known are " + strings.Join(shown, ", ")
			}
			l.Report(at.With(name), "no journey of the realm reads this parameter%s", hint)
		}
	}
}

// checkTest checks what a case names.
func (l *loader) checkTest(at strict.Path, t *testSection, r Realm) {
	if t.Client != "" {
		l.testClient(at.With("client"), t.Client, r)
	}
	if name := t.Parameters["username"]; name != "" {
		if _, ok := realm.Username(name); !ok {
			l.Report(at.With("parameters", "username"), "can be nobody's user name")
		}
	}
	l.testPassword(at.With("parameters", "password"), t.Parameters["password"])
	if _, err := netip.ParseAddr(t.Address); t.Address != "" && err != nil {
		l.Bad(at.With("address"), "is not an IP address")
	}
	ids := nodeIDs(r.Definitions)
	for id := range t.Sources {
		if !slices.Contains(ids, id) {
			l.Report(at.With("sources", id), "there is no such node in the realm's journeys%s", strict.Suggest(id, ids))
		}
	}
	if t.Owner != nil {
		l.testPassword(at.With("owner", "password"), t.Owner.Password)
		between(l, at.With("owner", "logins"), t.Owner.Logins, 0, 1<<30)
	}
	l.checkExpectation(at.With("expect"), &t.Expect)
}

// testPassword holds that a login could have the password, unless there is none.
func (l *loader) testPassword(at strict.Path, sample string) {
	if sample != "" && !password.Usable(sample) {
		l.Report(at, "can be nobody's password: it has at most %d bytes, and no NUL", password.MaxPassword)
	}
}

// testClient holds that a case's client is of the file.
func (l *loader) testClient(at strict.Path, id string, r Realm) {
	if r.client(id) != nil {
		return
	}
	var ids []string
	for _, c := range r.Clients {
		ids = append(ids, c.ID)
	}
	l.Bad(at, "is not the id of one of the realm's clients in this file%s", strict.Suggest(id, l.shown(ids)))
}

// shown are the words that may be in a message.
func (l *loader) shown(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), l.Expanded)
}

// barred is why no request of a client runs a journey; empty: they do, or it is nil.
func barred(c *realm.Client) string {
	switch {
	case c == nil:
		return ""
	case !c.Enabled:
		return "is disabled"
	case !c.Allows(realm.GrantPassword), c.Public && !c.AllowPublicPasswordGrant:
		return "can't use the password grant"
	}
	return ""
}

// client is the static client of that id; nil: there is none.
func (r Realm) client(id string) *realm.Client {
	if i := slices.IndexFunc(r.Clients, func(c *realm.Client) bool { return c.ID == id }); i >= 0 {
		return r.Clients[i]
	}
	return nil
}

// nodeIDs are the ids of all nodes of the journeys, sorted.
func nodeIDs(definitions map[string]journey.Definition) []string {
	var ids []string
	for _, d := range definitions {
		ids = slices.AppendSeq(ids, maps.Keys(d.Nodes))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
