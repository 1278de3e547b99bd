package admin

import (
	"context"
	"errors"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

const (
	// minSecret is the shortest client secret that may be chosen.
	minSecret = 12
	// maxOverlap is enough for who changes secrets four times a year, and keeps a forgotten one from living on.
	maxOverlap = 90 * day
)

var (
	errOverlap     = errors.New("not an overlap: write 90s, 24h, 7d or 0")
	errLongOverlap = errors.New("an overlap is at most 90d long")
)

// SecretChange asks for a new secret; a generated one if Secret is empty.
type SecretChange struct {
	ClientRef
	Secret  string  `json:"secret,omitempty"`
	Overlap Overlap `json:"overlap,omitempty"` // how long the present one stays right; 0: it ends at once
}

// Overlap is how long two secrets of a client are right, written as in config.yaml: 90s, 24h, 7d; 0 is not at all.
type Overlap time.Duration

// MarshalText implements encoding.TextMarshaler.
func (o Overlap) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

func (o Overlap) String() string {
	if o == 0 {
		return "0"
	}
	return Lifetime(o).String()
}

// UnmarshalText implements encoding.TextUnmarshaler. It takes up to 90 days.
func (o *Overlap) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*o = 0
		return nil
	}
	d, err := parseDuration(string(text))
	switch {
	case errors.Is(err, errTooLong), d > maxOverlap:
		return errLongOverlap
	case err != nil:
		return errOverlap
	}
	*o = Overlap(d)
	return nil
}

// secret is what is kept of a secret: of the chosen one, or of a generated one, which is returned too.
func (a *api) secret(ctx context.Context, c *realm.Client, chosen string) (generated, hash string, err error) {
	if chosen == "" {
		generated = password.NewSecret()
		return generated, password.HashSecret(c.Realm, c.ID, generated), nil
	}
	hash, err = a.hash(ctx, chosen)
	return "", hash, err
}

// rotateSecret gives a client a new secret. No grant ends: its tokens are as good as they were. Of the secrets before, at
// most the last one stays right, for the overlap.
func (a *api) rotateSecret(ctx context.Context, in SecretChange, t *trail) (ClientAnswer, error) {
	generated, third := "", false
	answer, err := a.alter(ctx, in.ClientRef, t, false, func(_ *ropc.Realm, c *realm.Client) error {
		if c.Public {
			return refuse(CodeInvalid, "the client %q is public and has no secret", c.ID)
		}
		if err := checkSecret(in.Secret); err != nil {
			return err
		}
		made, hash, err := a.secret(ctx, c, in.Secret)
		if err != nil {
			return err
		}
		generated, third = made, in.Overlap > 0 && c.PreviousSecretHash != ""
		c.PreviousSecretHash, c.PreviousSecretUntil = "", time.Time{}
		if in.Overlap > 0 {
			c.PreviousSecretHash, c.PreviousSecretUntil = c.SecretHash, storage.Trim(time.Now().Add(time.Duration(in.Overlap)))
		}
		c.SecretHash = hash
		return nil
	})
	if err != nil {
		return ClientAnswer{}, err
	}
	answer.Secret = generated
	if third {
		answer.Warnings = append(answer.Warnings, "the last rotation's overlap had not ended: the secret before that one is no longer accepted")
	}
	return answer, nil
}

// dropOverSecret forgets a previous secret that is no longer right.
func dropOverSecret(c *realm.Client) {
	if !c.Overlaps(time.Now()) {
		c.PreviousSecretHash, c.PreviousSecretUntil = "", time.Time{}
	}
}
