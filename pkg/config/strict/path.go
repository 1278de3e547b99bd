package strict

import (
	"regexp"
	"strconv"
	"strings"
)

// Path leads from the top of a document to a value: keys of mappings, and positions in lists as decimal numbers.
type Path []string

// With is the path of something further down.
func (p Path) With(steps ...string) Path {
	out := make(Path, 0, len(p)+len(steps))
	return append(append(out, p...), steps...)
}

// At is the path of an element of a list.
func (p Path) At(i int) Path { return p.With(strconv.Itoa(i)) }

// id is the path as a key of maps.
func (p Path) id() string { return strings.Join(p, "\x00") }

// secret reports whether the path ends at, or in a list at, a key that is named like a secret. Names further up may be
// anybody's choice: a journey may be called "password".
func (p Path) secret() bool {
	for i := len(p) - 1; i >= 0; i-- {
		if _, err := strconv.Atoi(p[i]); err != nil {
			return Secret(p[i])
		}
	}
	return false
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_/-]+$`)

// step writes one more step behind the written form of a path.
func step(written, key string, inList bool) string {
	switch {
	case inList:
		return written + "[" + key + "]"
	case !plainKey.MatchString(key):
		key = strconv.Quote(shorten(key))
	}
	if written == "" {
		return key
	}
	return written + "." + key
}

// shorten cuts what is too long for a message.
func shorten(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
