package histories

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// kind is a method of the store.
type kind string

const (
	begin        kind = "Begin"
	finish       kind = "Finish"
	look         kind = "UserByName"
	update       kind = "UpdateUser"
	unlock       kind = "UnlockUser"
	inspect      kind = "Inspect"
	inspectOwner kind = "InspectOwner"
	list         kind = "GrantsOf"
	refresh      kind = "Refresh"
	revoke       kind = "Revoke"
	endGrant     kind = "EndGrant"
	endUser      kind = "EndUser"
	endClient    kind = "EndClient"
	endRealm     kind = "EndRealm"
)

// pending is when a call without an answer returned.
const pending = math.MaxInt64

// call is one call of the store, with its answer. Reservations, grants and refresh requests are numbered by the history.
type call struct {
	caller, view int // who asked, through which view of the store
	kind         kind
	fault        Fault

	reservation int             // Begin, Finish
	slack       int             // Begin: settlements and lost attempts beside it, which may be seen half done
	outcome     storage.Outcome // Finish
	grant       int             // Finish, and all that names a grant
	version     uint32          // Finish: that Begin read; UpdateUser: that was read
	enabled     bool            // UpdateUser
	ending      bool            // UpdateUser
	generation  uint32          // Refresh
	request     uint32          // Refresh: its nonce
	grace       time.Duration   // Refresh
	rotate      bool            // Refresh
	counting    bool            // Finish: with Settlement.CountLogin
	access      bool            // Revoke
	seq         uint32          // Revoke: of an access token
	client      string          // Finish and EndClient, where it matters

	called, returned int64 // nanoseconds since the history began
	early            bool  // in a report that ends before the call returned
	answer           answer
}

// answer is what the store said.
type answer struct {
	unknown        bool // no reply came
	err            error
	standing       storage.Standing       // Begin
	owner          view                   // Begin, UserByName, InspectOwner
	outcome        storage.RefreshOutcome // Refresh
	generation     uint32                 // Inspect, Refresh
	seq            uint32                 // Inspect, Refresh
	revoked        uint64                 // Inspect: the numbers of the access tokens that are revoked
	live           uint64                 // GrantsOf: the numbers of the grants
	now, refreshed time.Time              // Begin, Refresh
}

// view is what callers see of an owner.
type view struct {
	version                       uint32
	enabled, locked               bool
	failures, consecutive, logins int
}

func viewOf(u *realm.User) view {
	return view{
		version: u.Version, enabled: u.Enabled, locked: !u.Login.LockedUntil.IsZero(), failures: u.Login.Failures,
		consecutive: u.Login.Consecutive, logins: u.Login.Logins,
	}
}

// is reports whether the answer may be that error, or nil.
func (a answer) is(want error) bool { return a.unknown || a.err == want } //nolint:errorlint // both are sentinels

// sentinel is the storage's own error behind err. ok is false for an error that no store may answer with.
func sentinel(err error) (bare error, ok bool) {
	for _, e := range []error{nil, storage.ErrNotFound, storage.ErrConflict, storage.ErrUnavailable} {
		if errors.Is(err, e) {
			return e, true
		}
	}
	return err, false
}

// within reports whether a grace was not over when a refresh was answered. What has no answer has a grace that never ends.
func (a answer) within(grace time.Duration) bool {
	return grace > 0 && (a.unknown || a.now.Before(a.refreshed.Add(grace)))
}

// silent reports whether a call cannot have changed anything, whatever the store's state.
func (c *call) silent() bool {
	a := c.answer
	switch c.kind {
	case look, inspect, inspectOwner, list:
		return true
	case begin:
		return !a.unknown && a.standing != storage.Reserved
	case refresh:
		return !a.unknown && a.outcome == storage.RefreshRefused
	case finish:
		return false
	}
	return !a.unknown && a.err != nil
}

// String is one line of a report.
func (c *call) String() string {
	to := "never"
	if c.returned != pending {
		to = time.Duration(c.returned).Round(time.Microsecond).String()
	}
	fault := ""
	if c.fault != None {
		fault = " (" + c.fault.String() + ")"
	}
	return fmt.Sprintf("%s-%s caller %d view %d%s: %s%s -> %s", time.Duration(c.called).Round(time.Microsecond), to, c.caller, c.view,
		fault, c.kind, c.question(), c.reply())
}

func (c *call) question() string {
	switch c.kind {
	case begin:
		return fmt.Sprintf("(#%d)", c.reservation)
	case finish:
		return fmt.Sprintf("(#%d read at version %d, %s, grant %d %s)", c.reservation, c.version,
			[]string{"void", "failure", "success"}[c.outcome], c.grant, c.client)
	case update:
		return fmt.Sprintf("(version %d, enabled %t, ending grants %t)", c.version, c.enabled, c.ending)
	case inspect, inspectOwner, endGrant:
		return fmt.Sprintf("(grant %d)", c.grant)
	case refresh:
		return fmt.Sprintf("(grant %d, generation %d, request %d, rotate %t, grace %v)", c.grant, c.generation, c.request, c.rotate, c.grace)
	case revoke:
		return fmt.Sprintf("(grant %d, access %t, seq %d)", c.grant, c.access, c.seq)
	}
	return "(" + c.client + ")"
}

func (c *call) reply() string {
	a := c.answer
	switch {
	case c.early:
		return "no reply yet"
	case a.unknown:
		return "no reply"
	case a.err != nil:
		return a.err.Error()
	}
	switch c.kind {
	case begin:
		return fmt.Sprintf("%s, %+v", []string{"reserved", "busy", "locked", "stopped"}[a.standing], a.owner)
	case look:
		return fmt.Sprintf("%+v", a.owner)
	case inspect, inspectOwner:
		return fmt.Sprintf("generation %d, seq %d, revoked %b, owner %+v", a.generation, a.seq, a.revoked, a.owner)
	case list:
		return fmt.Sprintf("live %b", a.live)
	case refresh:
		return fmt.Sprintf("%s, generation %d, seq %d",
			[]string{"done", "refused", "reused", "wider", "no scope"}[a.outcome], a.generation, a.seq)
	}
	return "ok"
}

func lines(calls []*call) string {
	var b strings.Builder
	for _, c := range calls {
		b.WriteString("  " + c.String() + "\n")
	}
	return b.String()
}
