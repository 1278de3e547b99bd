package strict

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
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

// line is a line to be shown, and from which character on it is not.
type line struct {
	runes  []rune
	hidden int
}

func newLine(text string) *line {
	l := &line{runes: []rune(text)}
	l.hidden = len(l.runes)
	if at := secretInLine.FindStringIndex(text); at != nil && strings.TrimSpace(text[at[1]:]) != "" {
		l.hidden = len([]rune(text[:at[1]]))
	}
	return l
}

// hideSample keeps a value out of excerpts, with all that follows in its line.
func (d *Document) hideSample(n *yaml.Node) {
	d.samples[n] = true
	column := n.Column - 1
	if before, ok := d.sampled[n.Line]; ok {
		column = min(column, before)
	}
	d.sampled[n.Line] = column
}

// excerpt is a line and a caret below its column; empty without a line. With hide, nothing from the column on is shown.
func (d *Document) excerpt(number, column int, hide bool) string {
	if number < 1 || number > len(d.lines) {
		return ""
	}
	l, ok := d.shown[number]
	if !ok {
		l = newLine(d.lines[number-1])
		d.shown[number] = l
	}
	runes, hidden, caret := l.runes, l.hidden, max(column-1, 0)
	if hide {
		hidden = min(hidden, caret)
	}
	if sample, ok := d.sampled[number]; ok {
		hidden = min(hidden, sample)
	}
	if hidden < len(runes) {
		runes = append(runes[:hidden:hidden], []rune(masked)...)
	}
	runes, caret = window(runes, min(caret, hidden))
	margin := fmt.Sprintf("%5d | ", number)
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
