package ropc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

// Explanation is what a password grant of a client would meet before anything is evaluated.
type Explanation struct {
	Rules    []RuleState // in their order
	Journey  string      // the one that is chosen, whether it may run or not
	Rule     string      // that chose it
	Refusals []string    // why there would be no run; none: the journey would run
	Scopes   []string    // of the token
	Settings realm.Provider
	// Parameters are what the journey reads beyond user name and password.
	Parameters []string
}

// RuleState is one of the rules that choose a journey.
type RuleState struct {
	Rule  string
	Value string // as configured or sent
	State string // not set | chosen | not reached
}

// The states of a rule.
const (
	RuleNotSet     = "not set"
	RuleChosen     = "chosen"
	RuleNotReached = "not reached"
)

// Explain tells what a password grant of the client with that auth_chain and those scopes would meet. It goes through the
// very checks that a request goes through, and reserves, evaluates and changes nothing.
func Explain(r *Realm, c *realm.Client, authChain string, requested []string) Explanation {
	site, client := &Site{Realm: r, Trace: &Trace{}}, Client{c}
	if r.Provider == nil {
		return Explanation{Refusals: []string{"the realm has no oauth2_provider"}}
	}
	e := Explanation{Settings: settings(r.Provider, client)}
	e.rules(r, authChain)
	if !r.Active {
		e.Refusals = append(e.Refusals, "the realm, or one above it, is not active")
	}
	if !c.Enabled {
		e.Refusals = append(e.Refusals, "the client is disabled")
	}
	if err := mayUse(site, client, realm.GrantPassword); err != nil {
		e.Refusals = append(e.Refusals, refusalOf(err))
	}
	granted, err := scopes(site, client, requested)
	if err != nil {
		e.Refusals = append(e.Refusals, refusalOf(err)+wanting(requested, c.Scopes))
	}
	e.Scopes = granted
	chosen, err := choose(site, client, authChain)
	e.Journey, e.Rule = site.Trace.Journey, site.Trace.Rule
	if err != nil {
		e.Refusals = append(e.Refusals, unavailable(r, c, e.Journey))
		return e
	}
	e.Parameters = chosen.Parameters()
	return e
}

func (e *Explanation) rules(r *Realm, authChain string) {
	service, organization := r.Provider.PasswordGrantAuthenticationService, r.OrganizationAuthenticationConfiguration
	_, hit := journey.Select(authChain, service, organization)
	reached := true
	for _, rule := range []struct {
		rule  journey.Rule
		value string
	}{{journey.RuleAuthChain, authChain}, {journey.RuleProvider, service}, {journey.RuleRealm, organization}} {
		state := RuleNotReached
		switch name, _ := journey.Select(rule.value, "", ""); {
		case rule.rule == hit:
			state, reached = RuleChosen, false
		case name == "" && reached:
			state = RuleNotSet
		}
		e.Rules = append(e.Rules, RuleState{string(rule.rule), rule.value, state})
	}
}

// refusalOf is the text that a client would get.
func refusalOf(err error) string {
	rfc := Fault(err)
	return rfc.ErrorField + ": " + rfc.DescriptionField
}

// wanting names the scopes that the client may not have.
func wanting(requested, allowed []string) string {
	var more []string
	for _, s := range requested {
		if !slices.Contains(allowed, s) {
			more = append(more, s)
		}
	}
	if len(more) == 0 {
		return ""
	}
	return fmt.Sprintf(" (not the client's: %s)", strings.Join(more, " "))
}

// unavailable is why a journey that was chosen may not run, as no client may be told.
func unavailable(r *Realm, c *realm.Client, name string) string {
	if name == "" {
		return "no journey is configured, and the request names none"
	}
	return r.Journeys.Unavailable(name, c.AllowsJourney)
}
