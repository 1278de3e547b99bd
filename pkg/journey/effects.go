package journey

import "maps"

// SetEnabled enables or disables the owner's account when the attempt is settled, whether the run succeeds or not: a
// disabled one ends the owner's grants. Without an owner it does nothing. The last call counts; to enable counts only if a
// source has said yes in the run, since whoever knows nothing must not undo what an administrator did.
func (s *State) SetEnabled(enabled bool) {
	if s.User() != nil {
		s.enabled = &enabled
	}
}

// CountLogin counts the login in the owner's record if the run succeeds, once however often it is called.
func (s *State) CountLogin() { s.count = true }

// Logins is how many of the owner's logins have been counted, with this one if it is to be.
func (s *State) Logins() int {
	n := 0
	if u := s.User(); u != nil {
		n = u.Login.Logins
	}
	if s.count {
		n++
	}
	return n
}

// MigrateCredential has the password kept in the owner's record if the run succeeds, in the current form, when an
// outside source has said yes to it before; else it does nothing.
func (s *State) MigrateCredential() { s.migrate = s.migrate || s.source != "" }

// effects moves what the run leaves behind into its result. A refusal leaves the account's state and the used code only.
func (s *State) effects(r *Result) {
	r.CodeStep = s.codeStep
	if s.enabled != nil && (!*s.enabled || s.verified) {
		r.Enabled = s.enabled
	}
	r.WrongCode = s.code != nil && (*s.code == CodeWrong || *s.code == CodeUsed)
	if !r.Success {
		return
	}
	r.AuthLevel, r.Properties = s.level, s.properties
	r.Source, r.Attributes = s.source, maps.Clone(s.attributes)
	r.Migrate, r.CountLogin = s.migrate, s.count
}
