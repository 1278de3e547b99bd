package strict

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// maxExcerpt is how much of a line is shown, in characters.
const maxExcerpt = 120

const masked = "[hidden]"

// secretName is how keys are named whose values are never shown.
const secretName = `(?:(?:[\w-]*[_-])?(?:secret|password|passwd|passphrase|hash|api_key|private_key)|(?:(?:api|auth|access|bearer)[_-])?token)`

var (
	secretKey    = regexp.MustCompile(`(?i)^` + secretName + `$`)
	secretInLine = regexp.MustCompile(`(?i)(?:^|[\s{,\[?])["']?` + secretName + `["']?\s*:\s*`)
)

// Secret reports whether the value of a key of this name is never shown.
func Secret(key string) bool { return secretKey.MatchString(key) }

// excerpt is a line and a caret below its column. With hide, nothing from the column on is shown.
func excerpt(lines []string, line, column int, hide bool) string {
	if line < 1 || line > len(lines) {
		return ""
	}
	text := lines[line-1]
	hidden := len([]rune(text))
	if at := secretInLine.FindStringIndex(text); at != nil && strings.TrimSpace(text[at[1]:]) != "" {
		hidden = len([]rune(text[:at[1]]))
	}
	if hide {
		hidden = min(hidden, max(column-1, 0))
	}
	runes := []rune(text)
	if hidden < len(runes) {
		runes = append(runes[:hidden:hidden], []rune(masked)...)
	}
	caret := min(max(column-1, 0), hidden)
	runes, caret = window(runes, caret)
	margin := fmt.Sprintf("%5d | ", line)
	return margin + visible(runes) + "\n" + strings.Repeat(" ", len(margin)-2) + "| " + strings.Repeat(" ", caret) + "^"
}

// window cuts a long line around the caret.
func window(runes []rune, caret int) ([]rune, int) {
	if len(runes) <= maxExcerpt {
		return runes, caret
	}
	start := min(max(caret-maxExcerpt/2, 0), len(runes)-maxExcerpt)
	return runes[start : start+maxExcerpt], caret - start
}

// visible replaces what could move the cursor, or the reader.
func visible(runes []rune) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '·'
		}
		return r
	}, string(runes)), " ")
}
