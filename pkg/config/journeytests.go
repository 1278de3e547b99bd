package config

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

// maxJourneyTests bounds what a start and a reload run for one realm.
const maxJourneyTests = 1000

// testSection is one case: a request, the world that it meets, and what is expected of it.
type testSection struct {
	Name       string                  `yaml:"name"`
	Client     string                  `yaml:"client"`
	Parameters map[string]string       `yaml:"parameters" is:"sample"`
	Address    string                  `yaml:"address"`
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

// What a request comes to.
const (
	testSuccess = "success"
	testFailure = "failure"
	testRefused = "refused" // before any journey ran
)

// expectation is compared as far as it is given.
type expectation struct {
	Outcome   string            `yaml:"outcome"`
	Journey   string            `yaml:"journey"`
	Rule      string            `yaml:"rule"`
	Reason    string            `yaml:"reason"`
	AuthLevel *int              `yaml:"auth_level"`
	Scope     string            `yaml:"scope"`
	Session   map[string]string `yaml:"session"` // as redacted as the settings that it comes from
}

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

// journeyTests checks the cases of a realm, and runs them if nothing else is wrong with it.
func (l *loader) journeyTests(d declared, r Realm) {
	tests, at := d.section.JourneyTests, d.at.With("journey_tests")
	switch {
	case len(tests) == 0:
		return
	case len(tests) > maxJourneyTests:
		l.Report(at, "has %d tests; there may be %d", len(tests), maxJourneyTests)
	case r.Provider == nil || !slices.Contains(r.Provider.GrantTypes, realm.GrantPassword):
		l.Report(at, "the realm has no password grant, so that no request runs a journey")
	default:
		for i := range tests {
			l.checkTest(at.At(i), &tests[i], r)
		}
	}
	if l.FailedIn(d.at) {
		return
	}
	now := time.Now()
	for i := range tests {
		run := rehearsal{realm: r, test: &tests[i], now: now, hidden: l.Expanded}
		if v, err := run.verdict(); err != nil {
			l.Report(at.At(i), "the run came to no decision: %s; the way was %s", err, v.way())
		} else {
			l.compare(at.At(i).With("expect"), tests[i].Expect, v)
		}
	}
}

// checkTest checks what a case names.
func (l *loader) checkTest(at strict.Path, t *testSection, r Realm) {
	if t.Client != "" {
		l.testClient(at.With("client"), t.Client, r)
	}
	known := append([]string{"username", "password", "scope", "auth_chain"}, r.Journeys.Parameters()...)
	for name := range t.Parameters {
		if !slices.Contains(known, name) {
			hint := strict.Suggest(name, known)
			if hint == "" {
				hint = "; known are " + strings.Join(known, ", ")
			}
			l.Report(at.With("parameters", name), "no journey of the realm reads this parameter%s", hint)
		}
	}
	if name := t.Parameters["username"]; name != "" {
		if _, ok := realm.Username(name); !ok {
			l.Report(at.With("parameters", "username"), "can be nobody's user name")
		}
	}
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
		between(l, at.With("owner", "logins"), t.Owner.Logins, 0, 1<<30)
	}
	if t.Expect.Outcome == "" {
		l.Report(at.With("expect", "outcome"), "say what is expected: success, failure or refused")
	} else {
		l.oneOf(at.With("expect", "outcome"), t.Expect.Outcome, testSuccess, testFailure, testRefused)
	}
}

// testClient holds that a case's client is of the file and gets as far as a journey.
func (l *loader) testClient(at strict.Path, id string, r Realm) {
	var ids []string
	for _, c := range r.Clients {
		ids = append(ids, c.ID)
	}
	c := r.client(id)
	switch {
	case c == nil:
		l.Bad(at, "is not the id of one of the realm's clients in this file%s", strict.Suggest(id, ids))
	case !c.Enabled, !c.Allows(realm.GrantPassword), c.Public && !c.AllowPublicPasswordGrant:
		l.Bad(at, "can't use the password grant, so that no request of this client runs a journey")
	}
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
