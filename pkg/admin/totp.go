package admin

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// Seeds seals the seeds of one-time codes for the store, each for its owner.
type Seeds interface {
	Seal(realmKey, userID string, seed []byte) []byte
	// Open is the opposite of Seal; current is false for what should be sealed anew.
	Open(realmKey, userID string, sealed []byte) (seed []byte, current bool, err error)
}

// Enrolment asks for a second factor: one-time codes (TOTP, RFC 6238). What is left out of digits, period and algorithm
// has the default of the node that judges the codes ([nodes.OATHTokenVerifier]), whose settings must be the same.
type Enrolment struct {
	UserRef
	Issuer    string   `json:"issuer,omitempty"` // how the authenticator names it; the realm's name if empty
	Secret    string   `json:"secret,omitempty"` // the seed in base32, brought along; a generated one if empty
	Digits    int      `json:"digits,omitempty"`
	Period    Lifetime `json:"period,omitempty"`
	Algorithm string   `json:"algorithm,omitempty"`
	Replace   bool     `json:"replace"` // a second factor that is there already
}

// Enrolled is what the owner's authenticator has to know. It is told this once.
type Enrolled struct {
	User   User   `json:"user"`
	URL    string `json:"url"`    // otpauth://
	Secret string `json:"secret"` // the seed in base32
}

// Resealed is how the seeds of a realm were found, and are left.
type Resealed struct {
	Resealed   int `json:"resealed"`   // by now under the first system secret
	Current    int `json:"current"`    // under it before
	Unreadable int `json:"unreadable"` // under a system secret that is not listed, or damaged
}

const (
	// A seed has at least 128 bits (RFC 4226 section 4, R6). More than a hash takes in at once is no stronger.
	minSeed, maxSeed = 16, 128
	// maxIssuer keeps the QR code small.
	maxIssuer = 64
	// resealPatience is how long all seeds of a realm may take.
	resealPatience = time.Hour
)

var (
	seedText   = base32.StdEncoding.WithPadding(base32.NoPadding)
	errNoSeeds = refuse(CodeInvalid, "this server keeps no seeds of one-time codes")

	errUnreadable = errors.New("the seed can't be opened")
)

// enrolUser adds a second factor, and ends no grants: what was logged in with one factor was right at its time.
func (a *api) enrolUser(ctx context.Context, in Enrolment, t *trail) (Enrolled, error) {
	if len(in.Issuer) > maxIssuer || strings.ContainsFunc(in.Issuer, func(r rune) bool { return r == ':' || !unicode.IsPrint(r) }) {
		return Enrolled{}, refuse(CodeInvalid, "an issuer has at most %d bytes of printable text without colons", maxIssuer)
	}
	codes, err := in.codes()
	if err != nil {
		return Enrolled{}, err
	}
	seed, err := in.seed(codes.SeedSize())
	if err != nil {
		return Enrolled{}, err
	}
	if a.Seeds == nil {
		return Enrolled{}, errNoSeeds
	}
	out := Enrolled{Secret: seedText.EncodeToString(seed)}
	answer, err := a.alterUser(ctx, in.UserRef, t, false, func(u *realm.User) error {
		if len(u.Seed) > 0 && !in.Replace {
			return refuse(CodeExists, "the user has a second factor already; say that it is to be replaced (--replace), which makes its authenticator useless")
		}
		u.Seed = a.Seeds.Seal(u.Realm, u.ID, seed)
		out.URL = codes.AuthenticatorURL(in.issuer(t.Realm), u.Username, seed)
		return nil
	})
	if err != nil {
		return Enrolled{}, err
	}
	out.User = answer.User
	return out, nil
}

// codes are the settings that the node must have as well.
func (in Enrolment) codes() (*nodes.OATHTokenVerifier, error) {
	codes := nodes.NewOATHTokenVerifier()
	if in.Digits != 0 {
		codes.Digits = in.Digits
	}
	if in.Period != 0 {
		codes.Period = in.Period.duration()
	}
	if in.Algorithm != "" {
		codes.Algorithm = in.Algorithm
	}
	if err := codes.CheckCodes(); err != nil {
		return nil, refuse(CodeInvalid, "%v", err)
	}
	return codes, nil
}

// seed is the one that was brought along, or a new one of that size.
func (in Enrolment) seed(size int) ([]byte, error) {
	if in.Secret != "" {
		return readSeed(in.Secret)
	}
	seed := make([]byte, size)
	_, _ = rand.Read(seed) // never fails, see crypto/rand
	return seed, nil
}

// readSeed reads a seed as authenticators show it: base32 in any case, in groups and lines, padded or not.
func readSeed(text string) ([]byte, error) {
	text = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(" -\r\n", r):
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, text)
	text = strings.TrimRight(text, "=")
	seed, err := seedText.DecodeString(text)
	switch {
	case err != nil || seedText.EncodedLen(len(seed)) != len(text): // the library drops what is cut short
		return nil, refuse(CodeInvalid, "the secret is not base32") // the cause would quote it
	case len(seed) < minSeed || len(seed) > maxSeed:
		return nil, refuse(CodeInvalid, "the secret has %d bytes, not %d to %d", len(seed), minSeed, maxSeed)
	}
	return seed, nil
}

// issuer is who is asking for codes, as the authenticator shows it.
func (in Enrolment) issuer(path string) string {
	switch {
	case in.Issuer != "":
		return in.Issuer
	case path == string(realm.Root):
		return "root"
	}
	return strings.TrimPrefix(path, "/")
}

// removeSeed ends the second factor, not the grants.
func (a *api) removeSeed(ctx context.Context, in UserRef, t *trail) (UserAnswer, error) {
	return a.alterUser(ctx, in, t, false, func(u *realm.User) error {
		if len(u.Seed) == 0 {
			return refuse(CodeNotFound, "the user has no second factor")
		}
		u.Seed = nil
		return nil
	})
}

// resealSeeds puts all seeds of a realm under the system secret that comes first, so that the others can go. It may be
// done again at any time, and goes on where it was.
func (a *api) resealSeeds(ctx context.Context, in InRealm, t *trail) (out Resealed, err error) {
	r, err := a.realm(in.Realm)
	if err != nil {
		return Resealed{}, err
	}
	if a.Seeds == nil {
		return Resealed{}, errNoSeeds
	}
	t.Realm = string(r.Path)
	for u, err := range a.Store.Users(ctx, r.Path.Key()) {
		if err == nil && len(u.Seed) > 0 {
			err = a.reseal(ctx, u, &out)
		}
		switch {
		case errors.Is(err, storage.ErrDamaged), errors.Is(err, errUnreadable):
			out.Unreadable++
		case err != nil:
			return Resealed{}, fmt.Errorf("%d seeds are sealed anew, do it again for the others: %w", out.Resealed, err)
		}
	}
	return out, nil
}

// reseal seals one seed, again if others change the user in between, and counts it. errUnreadable: it can't be opened.
func (a *api) reseal(ctx context.Context, u *realm.User, out *Resealed) error {
	for range attempts {
		seed, current, err := a.Seeds.Open(u.Realm, u.ID, u.Seed)
		switch {
		case err != nil:
			return errUnreadable
		case current:
			out.Current++
			return nil
		}
		u.Seed = a.Seeds.Seal(u.Realm, u.ID, seed)
		err = a.Store.UpdateUser(ctx, u, false)
		if err == nil {
			out.Resealed++
			return nil
		}
		if errors.Is(err, storage.ErrConflict) {
			u, err = a.Store.UserByName(ctx, u.Realm, u.Username)
		}
		switch {
		case errors.Is(err, storage.ErrNotFound), err == nil && len(u.Seed) == 0:
			return nil
		case err != nil:
			return err
		}
	}
	return refuse(CodeUnavailable, "a user is changed by others again and again; do it again")
}
