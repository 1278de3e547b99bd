package nodes

import "github.com/ropcd/ropcd/pkg/journey"

// Table is the table of the built-in node types: a fresh copy, to which the caller may add.
func Table() journey.Types {
	types := journey.Types{
		"AccountActiveDecision":  func() journey.Settings { return new(AccountActiveDecision) },
		"AccountLockout":         func() journey.Settings { return new(AccountLockout) },
		"AttributeDecision":      func() journey.Settings { return new(AttributeDecision) },
		"AuthLevelDecision":      func() journey.Settings { return new(AuthLevelDecision) },
		"ClientDecision":         func() journey.Settings { return new(ClientDecision) },
		"CommonPasswordDecision": func() journey.Settings { return new(CommonPasswordDecision) },
		"DataStoreDecision":      func() journey.Settings { return new(DataStoreDecision) },
		"HTTPDecision":           newHTTPDecision,
		"IdentityStoreDecision":  func() journey.Settings { return new(IdentityStoreDecision) },
		"IncrementLoginCount":    func() journey.Settings { return new(IncrementLoginCount) },
		"InnerTreeEvaluator":     func() journey.Settings { return new(InnerTreeEvaluator) },
		"LDAPDecision":           newLDAPDecision,
		"LoginCountDecision":     func() journey.Settings { return new(LoginCountDecision) },
		"MigrateCredential":      func() journey.Settings { return new(MigrateCredential) },
		"ModifyAuthLevel":        func() journey.Settings { return new(ModifyAuthLevel) },
		"NetworkDecision":        func() journey.Settings { return new(NetworkDecision) },
		"OATHTokenVerifier":      func() journey.Settings { return NewOATHTokenVerifier() },
		"PageNode":               func() journey.Settings { return new(PageNode) },
		"PasswordCollector":      func() journey.Settings { return new(PasswordCollector) },
		"PasswordExpiryDecision": func() journey.Settings { return new(PasswordExpiryDecision) },
		"RetryLimitDecision":     func() journey.Settings { return &RetryLimitDecision{Limit: defaultRetries} },
		"ScopeDecision":          func() journey.Settings { return new(ScopeDecision) },
		"ScriptedDecision":       func() journey.Settings { return new(ScriptedDecision) },
		"SetSessionProperties":   func() journey.Settings { return new(SetSessionProperties) },
		"UsernameCollector":      func() journey.Settings { return new(UsernameCollector) },
		"ZeroPageLoginCollector": func() journey.Settings { return new(ZeroPageLoginCollector) },
	}
	addInteractive(types)
	return types
}

// The names of outcomes that many nodes share.
const (
	outcomeTrue  = "true"
	outcomeFalse = "false"
	outcomeOnly  = "outcome" // of a node that has no other
)

// decision is the outcome of a node that answers yes or no.
func decision(yes bool) string {
	if yes {
		return outcomeTrue
	}
	return outcomeFalse
}
