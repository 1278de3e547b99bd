package strict

import (
	"fmt"
	"strings"
)

// expand replaces ${NAME} and ${NAME:-default} in a value; $${ is a literal ${. The default also stands in for an empty
// variable, as in a shell, and ends at the first brace.
func expand(s string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i])
		inner, rest, closed := strings.Cut(s[i+2:], "}")
		if !closed {
			return "", fmt.Errorf("a variable is not closed; write ${NAME}, or $${ for a literal ${")
		}
		value, err := variable(inner, env)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		s = rest
	}
}

func variable(inner string, env func(string) (string, bool)) (string, error) {
	name, fallback, hasFallback := strings.Cut(inner, ":-")
	if !validVariable(name) {
		return "", fmt.Errorf("%q is not the name of a variable; write ${NAME} or ${NAME:-default}", shorten(name))
	}
	value, set := env(name)
	switch {
	case hasFallback && value == "":
		return fallback, nil
	case !set:
		return "", fmt.Errorf("the environment variable %s is not set; ${%s:-default} gives it a default", name, name)
	}
	return value, nil
}

func validVariable(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', i > 0 && '0' <= c && c <= '9':
		default:
			return false
		}
	}
	return name != ""
}
