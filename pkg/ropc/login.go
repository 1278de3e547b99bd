package ropc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

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
	// Limiter keeps the realm's rate limits; nil: there are none.
	Limiter *guard.Limiter
	// Watch raises the realm's alarms; nil: there are none.
	Watch *guard.Watch
	// Users takes in whom an outside source vouches for. nil: nobody is taken in.
	Users Owners
	// Seeds are the one-time codes' seeds; nil: nobody has one.
	Seeds Seeds
}

var _ Authenticator = (*Login)(nil)

// Owners is where a resource owner is made whom an outside source vouches for; see [storage.Users].
type Owners interface {
	CreateUser(ctx context.Context, u *realm.User) error
}

// Seeds seals and opens the seeds that owners keep for one-time codes; see token.Sealer.
type Seeds interface {
	Seal(realmKey, userID string, seed []byte) []byte
	// Open is the seed; current is false when it is to be sealed anew.
	Open(realmKey, userID string, sealed []byte) (seed []byte, current bool, err error)
}

// Authenticate implements [Authenticator]. The journey is chosen first: [ErrUnknownJourney], [ErrInteractiveJourney] and
// [ErrInternal] (none is configured) charge nobody, and neither does a rate limit that is used up: *guard.LimitError. Then
// an attempt is reserved, the journey runs, and the attempt is settled unless it succeeded: then the Issuer settles it,
// through Result.Turn.
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
	if err := l.limit(ctx, site, client, username); err != nil {
		return Result{}, err
	}
	a := &attempt{login: l, password: r.Password, entry: guard.Entry{
		Client: r.Realm + "\x00" + client.ID, Realm: r.Realm, Username: username, Policy: site.Realm.Lockout,
		Source: site.Source(client, username),
	}}
	if a.turn, err = l.Guard.Enter(ctx, a.entry); err != nil {
		return Result{}, err
	}
	in := journey.Input{
		Realm: r.Realm, Username: username, Password: r.Password, Parameters: r.Parameters,
		Client: client.Client, Scopes: r.Scopes, Address: r.Address,
		User: a.turn.User, Verify: a.verify, Seed: a.seed, Away: a.turn.Away,
		Locked: a.turn.Standing != storage.Reserved, Now: a.turn.Reservation.Clock(),
	}
	run, err := a.run(ctx, chosen, in)
	site.Trace.Trail, site.Trace.Node = run.Trail, lastNode(run.Trail)
	if err != nil {
		charged, settled := a.abandon(ctx, run)
		if charged {
			settled = errors.Join(settled, l.failed(ctx, site, client))
		}
		return Result{}, errors.Join(err, settled)
	}
	reason, decided := chosen.Decide(in, run), guard.Decided{Username: username, At: in.Now}
	if reason == "" {
		reason, err = a.admit(ctx, run)
	} else {
		err = a.refuse(ctx, run)
	}
	if err == nil || reason != "" {
		decided.Denied = reason != ""
		l.watch(site, client, decided)
	}
	if reason != "" {
		return Result{Denied: reason}, errors.Join(err, l.failed(ctx, site, client))
	}
	if err != nil {
		return Result{}, err
	}
	user := a.turn.User
	site.Trace.Subject = user.ID
	return Result{
		Subject: user.ID, Username: user.Username, AuthTime: a.turn.Reservation.Clock(), AuthLevel: run.AuthLevel,
		Journey: site.Trace.Journey, Rule: site.Trace.Rule, Claims: run.Properties, Turn: a.turn, Effects: a.effects,
		Refused: func(ctx context.Context) error { return l.refused(ctx, site, client, decided) },
	}, nil
}

// refused counts a denial that was counted as granted before.
func (l *Login) refused(ctx context.Context, s *Site, c Client, d guard.Decided) error {
	d.Denied, d.Counted = true, true
	l.watch(s, c, d)
	return l.failed(ctx, s, c)
}

// limit takes a place for the request in the realm's rate limits.
func (l *Login) limit(ctx context.Context, s *Site, c Client, username string) error {
	if l.Limiter == nil {
		return nil
	}
	g := guard.Grant{Username: username, Address: s.limited(c)}
	if !c.Public {
		g.ClientID = c.ID
	}
	err := l.Limiter.Admit(ctx, s.Realm.Realm, g)
	var over *guard.LimitError
	if errors.As(err, &over) {
		return deny(s, audit.Budget, err)
	}
	return err
}

// failed counts a denial, for whatever reason, or what a guess was spent on, at the end user's address.
func (l *Login) failed(ctx context.Context, s *Site, c Client) error {
	address := s.limited(c)
	if l.Limiter == nil || address == "" {
		return nil
	}
	return l.Limiter.Fail(ctx, s.Realm.Realm, address)
}

// watch counts a decision, granted or denied, and leaves the alarms that it raises to whoever writes the audit log.
func (l *Login) watch(s *Site, c Client, d guard.Decided) {
	if l.Watch == nil {
		return
	}
	d.ClientID, d.Address = c.ID, s.limited(c)
	s.Trace.Alarms = append(s.Trace.Alarms, l.Watch.Note(s.Realm.Realm, d)...)
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
