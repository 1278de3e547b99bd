package strict

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// longest is where "never" is the better word, and far from the end of time.Duration.
const longest = 100 * 365 * 24 * time.Hour

var (
	units = []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}
	durationForm = regexp.MustCompile(`^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$`)
	bareNumber   = regexp.MustCompile(`^\d+$`)
)

// ParseDuration reads 500ms, 90s, 1h, 7d and compounds such as 1h30m. A number without a unit is refused, but for 0.
func ParseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	if bareNumber.MatchString(s) {
		return 0, errors.New("has no unit; did you mean " + strings.TrimLeft(s[:len(s)-1], "0") + s[len(s)-1:] + "s?")
	}
	m := durationForm.FindStringSubmatch(s)
	if m == nil || s == "" {
		return 0, errors.New("is not a duration; write 500ms, 90s, 1h30m or 7d")
	}
	var d time.Duration
	for i, digits := range m[1:] {
		if digits == "" {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > int64(longest/units[i].size) {
			return 0, errTooLong
		}
		d += time.Duration(n) * units[i].size
	}
	if d > longest {
		return 0, errTooLong
	}
	return d, nil
}

var errTooLong = errors.New("is longer than 36500d")

// FormatDuration writes what [ParseDuration] reads; what is below a millisecond is dropped.
func FormatDuration(d time.Duration) string {
	var b strings.Builder
	for _, u := range units {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d %= u.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}
