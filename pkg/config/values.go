package config

import (
	"regexp"
	"strconv"
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
)

// Size is a number of bytes.
type Size int64

// Units of sizes.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

var (
	sizeForm   = regexp.MustCompile(`^(\d{1,9})(KiB|MiB|GiB)$`)
	bareNumber = regexp.MustCompile(`^\d+$`)
	sizeUnits  = map[string]Size{"KiB": KiB, "MiB": MiB, "GiB": GiB}
)

// UnmarshalText reads 512KiB, 19MiB, 1GiB.
func (s *Size) UnmarshalText(text []byte) error {
	if bareNumber.Match(text) {
		return strict.PredicateError("has no unit; did you mean " + string(text) + "MiB?")
	}
	m := sizeForm.FindSubmatch(text)
	if m == nil {
		return strict.PredicateError("is not a size; write 512KiB, 19MiB or 1GiB")
	}
	n, _ := strconv.ParseInt(string(m[1]), 10, 64) // nine digits at most
	*s = Size(n) * sizeUnits[string(m[2])]
	return nil
}

// String is what UnmarshalText reads.
func (s Size) String() string {
	for _, unit := range []string{"GiB", "MiB"} {
		if n := sizeUnits[unit]; s != 0 && s%n == 0 {
			return strconv.FormatInt(int64(s/n), 10) + unit
		}
	}
	return strconv.FormatInt(int64(s/KiB), 10) + "KiB"
}

// KiB is the size in KiB, as package password counts memory.
func (s Size) KiB() uint32 { return uint32(s / KiB) }

// Concurrency is a number of workers; 0 is "auto", one per core.
type Concurrency int

// UnmarshalText reads auto or a number from 1 to 1024.
func (c *Concurrency) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*c = 0
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 1024 {
		return strict.PredicateError("is not possible; write auto (one per core) or a number from 1 to 1024")
	}
	*c = Concurrency(n)
	return nil
}

// String is what UnmarshalText reads.
func (c Concurrency) String() string {
	if c == 0 {
		return "auto"
	}
	return strconv.Itoa(int(c))
}

// onOff is "on" or "off".
type onOff bool

func (o *onOff) UnmarshalText(text []byte) error {
	switch string(text) {
	case "on", "off":
		*o = string(text) == "on"
		return nil
	}
	return strict.PredicateError(`is not possible; write "on" or "off"`)
}

func (o onOff) String() string {
	if o {
		return "on"
	}
	return "off"
}

// instant is a point in time; zero: none is given.
type instant time.Time

func (i *instant) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*i = instant{}
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil || t.Unix() < 0 {
		return strict.PredicateError("is not possible; write a time since 1970, such as 2026-01-02T15:04:05Z")
	}
	*i = instant(t)
	return nil
}

func (i instant) String() string {
	if time.Time(i).IsZero() {
		return ""
	}
	return time.Time(i).Format(time.RFC3339Nano)
}

// or is the instant, or another time where none is given.
func (i instant) or(other time.Time) time.Time {
	if t := time.Time(i); !t.IsZero() {
		return t
	}
	return other
}
