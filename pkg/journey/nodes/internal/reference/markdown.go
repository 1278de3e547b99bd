package main

import (
	"go/doc"
	"go/doc/comment"
	"regexp"
	"strings"
)

// width is how long a line of the README is, about.
const width = 124

var (
	quoted   = regexp.MustCompile(`"([^"\s]+)"`)
	special  = regexp.MustCompile(`[\\*\[\]~]|<[A-Za-z/!?]|\b_|_\b`)
	sentence = regexp.MustCompile(`[.!?] `)
	starts   = regexp.MustCompile(`^([-+*>#=|].*|\d+[.)])$`) // a block, at the beginning of a line
)

// markdown is a comment, a string a block. Links to names and the quoted words that are literals become code.
func markdown(pkg *doc.Package, text string, literal func(word string) bool) []string {
	var blocks []string
	for _, block := range pkg.Parser().Parse(text).Content {
		switch block := block.(type) {
		case *comment.Paragraph:
			blocks = append(blocks, inline(block.Text, literal))
		case *comment.List:
			var items []string
			for _, item := range block.Items {
				var parts []string
				for _, part := range item.Content {
					if p, ok := part.(*comment.Paragraph); ok {
						parts = append(parts, inline(p.Text, literal))
					}
				}
				items = append(items, wrap("- ", strings.Join(parts, " ")))
			}
			blocks = append(blocks, strings.Join(items, "\n"))
		case *comment.Code:
			blocks = append(blocks, "```\n"+block.Text+"```")
		case *comment.Heading:
			blocks = append(blocks, "**"+inline(block.Text, literal)+"**")
		}
	}
	return blocks
}

// inline is the text of one paragraph as one line. What is between backticks stays as it is.
func inline(text []comment.Text, literal func(word string) bool) string {
	parts := strings.Split(strings.Join(strings.Fields(plain(text)), " "), "`")
	for i := 0; i < len(parts); i += 2 {
		words := quoted.FindAllStringIndex(parts[i], -1)
		var b strings.Builder
		at := 0
		for _, w := range words {
			if word := parts[i][w[0]+1 : w[1]-1]; literal(word) {
				b.WriteString(escape(parts[i][at:w[0]]) + "`" + word + "`")
				at = w[1]
			}
		}
		parts[i] = b.String() + escape(parts[i][at:])
	}
	return strings.Join(parts, "`")
}

// plain is the text with links to names between backticks.
func plain(text []comment.Text) string {
	var b strings.Builder
	for _, t := range text {
		switch t := t.(type) {
		case comment.Plain:
			b.WriteString(string(t))
		case comment.Italic:
			b.WriteString(string(t))
		case *comment.Link:
			b.WriteString(plain(t.Text))
		case *comment.DocLink:
			b.WriteString("`" + plain(t.Text) + "`")
		}
	}
	return b.String()
}

// escape keeps Markdown from reading a plain text as anything else.
func escape(text string) string { return special.ReplaceAllString(text, `\$0`) }

// split parts the first sentence from what follows it; second reports whether that goes on with its paragraph.
func split(blocks []string) (first string, second bool, rest []string) {
	if len(blocks) == 0 {
		return "", false, nil
	}
	at := sentence.FindStringIndex(blocks[0])
	if at == nil {
		return blocks[0], false, blocks[1:]
	}
	return blocks[0][:at[0]+1], true, append([]string{blocks[0][at[1]:]}, blocks[1:]...)
}

// wrap breaks a paragraph, or an item with its mark, into lines. One that has lines already is left alone.
func wrap(mark, text string) string {
	if strings.Contains(text, "\n") {
		return mark + text
	}
	indent := "\n" + strings.Repeat(" ", len(mark))
	var b strings.Builder
	b.WriteString(mark)
	length := len(mark)
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case length+1+len(word) > width && !starts.MatchString(word):
			b.WriteString(indent)
			length = len(mark)
		default:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}
