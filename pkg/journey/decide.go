package journey

import (
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Decide is why no token may follow a run of the journey on that input, one of the Reason constants; empty: one may. It
// is the one place that decides it. Where the tree led is not enough: the attempt must not be locked, the owner must
// exist (or be vouched for by an outside source), be enabled and not expired, and a credential must have been verified,
// unless the journey says that it need not.
func (j *Journey) Decide(in Input, r Result) (reason string) {
	if in.Locked {
		return ReasonLocked
	}
	if reason := Barred(in.User, in.Now); reason != "" && (reason != ReasonUnknownUser || r.Source == "") {
		return reason
	}
	switch {
	case r.Enabled != nil && !*r.Enabled:
		return ReasonDisabled // by this very run
	case r.Success && (r.Verified || j.definition.AllowUnverified):
		return ""
	case r.Reason != "":
		return r.Reason
	}
	return ReasonFailed
}

// Barred is why an owner may not log in whatever the credentials: [ReasonUnknownUser] for nil, [ReasonDisabled] or
// [ReasonExpired]; empty: the owner may. A lockout is a matter of attempts, not of the owner.
func Barred(u *realm.User, now time.Time) (reason string) {
	switch {
	case u == nil:
		return ReasonUnknownUser
	case !u.Enabled:
		return ReasonDisabled
	case u.Expired(now):
		return ReasonExpired
	}
	return ""
}
