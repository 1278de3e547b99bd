package journey

import "errors"

// Rule is what chose a journey.
type Rule string

// The rules in their order. The empty Rule is none of them.
const (
	RuleAuthChain Rule = "auth_chain" // the request's parameter
	RuleProvider  Rule = "provider"   // the OAuth2 provider's password_grant_authentication_service
	RuleRealm     Rule = "realm"      // the realm's organization_authentication_configuration
)

// Why no journey was chosen. Their texts are not for clients.
var (
	ErrNotConfigured = errors.New("no journey is configured")
	ErrUnknown       = errors.New("unknown or unavailable journey")
	ErrInteractive   = errors.New("the journey needs user interaction")
)

// Select is the order in which a journey is chosen: the first name that is set wins. Empty, and AM's literal [Empty]
// with or without double quotes around it, mean unset. rule is empty, like name, when none is set. It does not look
// whether there is such a journey.
func Select(parameter, provider, realm string) (name string, rule Rule) {
	switch {
	case isSet(parameter):
		return parameter, RuleAuthChain
	case isSet(provider):
		return provider, RuleProvider
	case isSet(realm):
		return realm, RuleRealm
	}
	return "", ""
}

func isSet(name string) bool {
	return name != "" && name != "[Empty]" && name != `"[Empty]"`
}

// Choose applies [Select] and decides whether the journey may run for a client: allowed reports whether the client may
// use the name; nil allows every one. The error is ErrNotConfigured; ErrUnknown for a journey that is unknown, disabled,
// inner-only or not allowed; or ErrInteractive. The next rule is never tried instead. The rule that hit is returned with
// an error too.
func (s *Set) Choose(parameter, provider, realm string, allowed func(name string) bool) (*Journey, Rule, error) {
	name, rule := Select(parameter, provider, realm)
	if rule == "" {
		return nil, "", ErrNotConfigured
	}
	j, ok := s.Journey(name)
	switch {
	case !ok, !j.Enabled(), j.InnerOnly(), allowed != nil && !allowed(name):
		return nil, rule, ErrUnknown
	case j.interactive != "":
		return nil, rule, ErrInteractive
	}
	return j, rule, nil
}
