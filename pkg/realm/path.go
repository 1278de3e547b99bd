package realm

import (
	"errors"
	"fmt"
	"strings"
)

// Path names a realm as it was declared: "/" is the root, "/alpha/emea" a realm two levels below it. The zero value is
// not a path; make one with [ParsePath].
type Path string

// Root is the top of the tree.
const Root Path = "/"

// errName is the rule for one level of a path.
var errName = errors.New("a realm name is made of letters, digits, '-' and '_'")

// reserved are the names that the URL forms of the endpoints take for themselves.
var reserved = map[string]bool{
	"root": true, "realms": true,
	"access_token": true, "introspect": true, "token": true, "tokeninfo": true, ".well-known": true,
}

// ParsePath reads a realm as people write it: "alpha", "/alpha", "alpha/emea", "/" and "root" (both the root). It keeps
// the spelling and refuses empty levels, characters outside [A-Za-z0-9_-] and reserved names.
func ParsePath(s string) (Path, error) {
	s = strings.TrimPrefix(s, "/")
	if s == "" || strings.EqualFold(s, "root") {
		return Root, nil
	}
	for level := range strings.SplitSeq(s, "/") {
		if !validName(level) {
			return "", errName
		}
		if reserved[strings.ToLower(level)] {
			return "", fmt.Errorf("the realm name %q is reserved", level)
		}
	}
	return Path("/" + s), nil
}

func validName(level string) bool {
	if level == "" {
		return false
	}
	for i := range len(level) {
		c := level[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// Key is the one form in which a realm is compared, stored and derived from: realm names are equal regardless of case.
func (p Path) Key() string { return strings.ToLower(string(p)) }

// Levels are the names from the top down; none for the root.
func (p Path) Levels() []string {
	if p == Root || p == "" {
		return nil
	}
	return strings.Split(string(p[1:]), "/")
}

// Parent is the realm one level up. The root is its own parent.
func (p Path) Parent() Path {
	i := strings.LastIndexByte(string(p), '/')
	if i <= 0 {
		return Root
	}
	return p[:i]
}

// LongForm is the path of the realm in its unambiguous URL form, without slashes at the ends: "realms/root/realms/alpha".
func (p Path) LongForm() string {
	var b strings.Builder
	b.WriteString("realms/root")
	for _, level := range p.Levels() {
		b.WriteString("/realms/")
		b.WriteString(level)
	}
	return b.String()
}
