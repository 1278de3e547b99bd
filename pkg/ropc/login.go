package ropc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// Login is the [Authenticator] that runs a realm's journey behind the guard. It needs a [Site] with a realm, and a
// [Client]. Safe for concurrent use.
type Login struct {
	Guard     *guard.Guard
	Passwords *password.Set
}

var _ Authenticator = (*Login)(nil)

// Authenticate implements [Authenticator]. The journey is chosen first: [ErrUnknownJourney], [ErrInteractiveJourney] and
// [ErrInternal] (none is configured) charge nobody. Then an attempt is reserved, the journey runs, and the attempt is
// settled unless it succeeded: then the Issuer settles it, through Result.Turn.
func (l *Login) Authenticate(ctx context.Context, r Request) (Result, error) {
	site := SiteOf(ctx)
	client, isClient := r.Client.(Client)
	if !isClient || site.provider() == nil {
		return Result{}, errSetup
	}
	chosen, err := choose(site, client, r.AuthChain)
	if err != nil {
		return Result{}, err
	}
	username := accountName(r.Username)
	site.Trace.Username = auditName(r.Username, username)
	turn, err := l.Guard.Enter(ctx, guard.Entry{
		Client: r.Realm + "\x00" + client.ID, Realm: r.Realm, Username: username, Policy: site.Realm.Lockout,
	})
	if err != nil {
		return Result{}, err
	}
	a := &attempt{turn: turn, passwords: l.Passwords}
	run, err := a.run(ctx, chosen, journey.Input{
		Realm: r.Realm, Username: username, Password: r.Password, Parameters: r.Parameters,
		Client: client.Client, Scopes: r.Scopes, Address: r.Address,
		User: turn.User, Verify: a.verify, Locked: turn.Standing != storage.Reserved, Now: turn.Reservation.Clock(),
	})
	if err != nil {
		return Result{}, errors.Join(err, a.abandon(ctx, run))
	}
	site.Trace.Node = lastNode(run.Trail)
	if reason := a.denied(run); reason != "" {
		if err := a.refuse(ctx, run); err != nil {
			return Result{}, err
		}
		return Result{Denied: reason}, nil
	}
	site.Trace.Subject = turn.User.ID
	return Result{
		Subject: turn.User.ID, Username: turn.User.Username, AuthTime: turn.Reservation.Clock(), AuthLevel: run.AuthLevel,
		Journey: site.Trace.Journey, Rule: site.Trace.Rule, Claims: run.Properties, Turn: turn, Rehash: a.rehash,
	}, nil
}

// choose is the request's journey (one place for all three rules: journey.Choose).
func choose(s *Site, c Client, authChain string) (*journey.Journey, error) {
	p, a := s.Realm.Provider, s.Realm.Authentication
	name, _ := journey.Select(authChain, p.PasswordGrantAuthenticationService, a.OrganizationAuthenticationConfiguration)
	chosen, rule, err := s.Realm.Journeys.Choose(
		authChain, p.PasswordGrantAuthenticationService, a.OrganizationAuthenticationConfiguration, c.AllowsJourney)
	s.Trace.Journey, s.Trace.Rule = name, string(rule)
	switch {
	case errors.Is(err, journey.ErrUnknown):
		return nil, deny(s, audit.JourneyRefused, ErrUnknownJourney)
	case errors.Is(err, journey.ErrInteractive):
		return nil, deny(s, audit.JourneyRefused, ErrInteractiveJourney)
	case err != nil:
		return nil, deny(s, audit.JourneyRefused, ErrInternal.WithWrap(err))
	}
	return chosen, nil
}

// accountName is the name under which attempts are counted. What can't be the name of anybody is counted too, with the
// same work, under a name that nobody can have: it begins with a space.
func accountName(typed string) string {
	if name, ok := realm.Username(typed); ok {
		return name
	}
	sum := sha256.Sum256([]byte(typed))
	return " " + hex.EncodeToString(sum[:8])
}

// auditName is the name for logs: canonical if there is such a form, else as typed, cut to the longest that could be.
func auditName(typed, canonical string) string {
	if canonical[0] != ' ' {
		return canonical
	}
	return typed[:min(len(typed), realm.MaxUsername)]
}

func lastNode(trail []journey.Step) string {
	if len(trail) == 0 {
		return ""
	}
	return trail[len(trail)-1].Node
}

// attempt is the one place that compares a resource owner's password.
type attempt struct {
	turn      *guard.Turn
	passwords *password.Set

	right  bool   // the password was right
	rehash string // its new hash, if the stored one is not current
}

// run runs the journey. A panic, which journeys stop only within nodes, counts as a failure like an attempt that nobody
// settles, but its place in the pool is free at once.
func (a *attempt) run(ctx context.Context, j *journey.Journey, in journey.Input) (journey.Result, error) {
	returned := false
	defer func() {
		if !returned {
			_ = a.turn.Fail(ctx, guard.Effects{})
		}
	}()
	result, err := j.Run(ctx, in)
	returned = true
	return result, err
}

// verify compares the password with the owner's, in the hashing pool. It does the same work, and says no, for an owner
// that does not exist, has no password, is locked, disabled or expired.
func (a *attempt) verify(ctx context.Context, given string) (bool, error) {
	user := a.turn.User
	var err error
	inPool := a.turn.Hash(ctx, func() {
		switch {
		case user == nil || user.PasswordHash == "":
			a.passwords.Decoy(given)
		case a.turn.Standing != storage.Reserved:
			// The work of this owner's own hash, which may be of another kind, with a password that is none.
			_, _, err = a.passwords.Verify("", user.PasswordHash)
		default:
			a.right, a.rehash, err = a.passwords.Verify(given, user.PasswordHash)
		}
	})
	if inPool != nil {
		return false, inPool
	}
	if err != nil {
		return false, fmt.Errorf("verify password: %w", err)
	}
	return a.right && a.barred() == "", nil
}

// barred is why the owner may not log in whatever the password; empty: the owner may.
func (a *attempt) barred() string {
	user := a.turn.User
	switch {
	case a.turn.Standing != storage.Reserved:
		return audit.Locked
	case user == nil:
		return audit.UnknownUser
	case !user.Enabled:
		return audit.Disabled
	case user.Expired(a.turn.Reservation.Clock()):
		return audit.Expired
	}
	return ""
}

// denied is why the run gives no token; empty: it does. A journey's success is not enough: a credential must have been
// verified, for an owner who may log in.
func (a *attempt) denied(run journey.Result) string {
	if reason := a.barred(); reason != "" {
		return reason
	}
	switch {
	case run.Success && run.Verified:
		return ""
	case run.Reason != "":
		return run.Reason
	}
	return audit.JourneyFailed
}

// refuse settles a denial: as a failure as soon as a password was evaluated, else as void. A right password of somebody
// who may not log in is charged like a wrong one, because settling differently would take a different time. Who was
// locked already is settled with the same work and without effect.
func (a *attempt) refuse(ctx context.Context, run journey.Result) error {
	if run.Evaluated {
		return a.turn.Fail(ctx, guard.Effects{})
	}
	return a.turn.Void(ctx)
}

// abandon settles after a fault: as a failure only if a password was found wrong before it.
func (a *attempt) abandon(ctx context.Context, run journey.Result) error {
	if run.Evaluated && !run.Verified {
		return a.turn.Fail(ctx, guard.Effects{})
	}
	return a.turn.Void(ctx)
}
