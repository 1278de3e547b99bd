package admin

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

const (
	day = 24 * time.Hour
	// longest is where "never" is the better word, as in config.yaml.
	longest = 36500 * day
)

var (
	errLifetime = errors.New(`not a lifetime: write 90s, 1h30m, 7d, "never" or "inherit"`)
	errTooLong  = errors.New(`longer than 36500d: write "never"`)
	errMoment   = errors.New(`not a time: write 2027-01-31, 2027-01-31T12:00:00Z or "never"`)
)

// Lifetime is a client's own lifetime of tokens, written as in config.yaml: 90s, 1h30m, 7d; never (also -1), which is
// realm.Never; inherit (also 0), which is the realm's and the zero value.
type Lifetime time.Duration

// MarshalText implements encoding.TextMarshaler.
func (l Lifetime) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

func (l Lifetime) String() string {
	d := time.Duration(l)
	if d == 0 {
		return "inherit"
	}
	if d == realm.Never {
		return "never"
	}
	var b strings.Builder
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / unit.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			d %= unit.size
		}
	}
	return b.String()
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Lifetime) UnmarshalText(text []byte) error {
	switch s := string(text); s {
	case "inherit", "0":
		*l = 0
	case "never", "-1":
		*l = Lifetime(realm.Never)
	default:
		d, err := parseDuration(s)
		if err != nil {
			return err
		}
		*l = Lifetime(d)
	}
	return nil
}

func parseDuration(s string) (time.Duration, error) {
	var d time.Duration
	if days, rest, found := strings.Cut(s, "d"); found {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil {
			return 0, errLifetime
		}
		if n > uint64(longest/day) {
			return 0, errTooLong
		}
		d, s = time.Duration(n)*day, rest
	}
	if s != "" {
		rest, err := time.ParseDuration(s)
		if err != nil || strings.ContainsAny(s, "+-") {
			return 0, errLifetime
		}
		d += rest
	}
	switch {
	case d > longest:
		return 0, errTooLong
	case d < time.Second || d%time.Millisecond != 0:
		return 0, errLifetime
	}
	return d, nil
}

// Moment is a time that may never come: the zero value, written never.
type Moment struct{ time.Time }

// UnmarshalText reads RFC 3339, a date (the beginning of that day in UTC), or never.
func (m *Moment) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "never" {
		*m = Moment{}
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 && t.Year() < 10000 {
			*m = Moment{t.UTC()}
			return nil
		}
	}
	return errMoment
}

// UnmarshalJSON is UnmarshalText for a string; null is never.
func (m *Moment) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*m = Moment{}
		return nil
	}
	s, err := strconv.Unquote(string(data))
	if err != nil {
		return errMoment
	}
	return m.UnmarshalText([]byte(s))
}

func (l *Lifetime) duration() time.Duration { return time.Duration(*l) }

// MarshalText is the opposite of UnmarshalText.
func (m Moment) MarshalText() ([]byte, error) {
	if m.IsZero() {
		return []byte("never"), nil
	}
	return []byte(m.UTC().Format(time.RFC3339)), nil
}

// MarshalJSON is MarshalText in quotes.
func (m Moment) MarshalJSON() ([]byte, error) {
	text, err := m.MarshalText()
	return []byte(strconv.Quote(string(text))), err
}
