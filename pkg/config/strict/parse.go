package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDepth is how deep values may be nested.
const maxDepth = 64

// Parse reads one YAML document. file is its name in problems. Variables are looked up in env. What is wrong is found in
// [Document.Problems]; the Document can be used all the same.
func Parse(file string, data []byte, env func(string) (string, bool)) *Document {
	d := &Document{
		file: file, env: env,
		lines: splitLines(data), shown: map[int]*line{}, samples: map[*yaml.Node]bool{}, sampled: map[int]int{},
		entries: map[string]entry{}, expanded: map[*yaml.Node]string{},
		broken: newBroken(), failed: map[string]bool{}, seen: map[string]bool{},
	}
	if !utf8.Valid(data) {
		d.add(nil, "", false, false, "is not UTF-8 text")
		return d
	}
	root, err := parseYAML(data)
	if err != nil {
		d.syntax(err)
		return d
	}
	if root != nil && len(root.Content) == 1 {
		d.root = root.Content[0]
		d.walk(nil, entry{value: d.root})
	}
	return d
}

// splitLines cuts at what YAML takes for a line break.
func splitLines(data []byte) []string {
	text := strings.TrimPrefix(string(data), "\ufeff")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(text)
	return strings.Split(text, "\n")
}

// parseYAML is nil without an error for an empty file.
func parseYAML(data []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil { // the library's own mistakes must not end the process at a reload
			err = fmt.Errorf("yaml: the file can't be parsed: %v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	root = new(yaml.Node)
	if err := dec.Decode(root); errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // an empty file is a value
	} else if err != nil {
		return nil, err
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		return nil, fmt.Errorf("yaml: line %d: a second document begins; one file is one document", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return root, nil
}

var libraryError = regexp.MustCompile(`^(?s)yaml: (?:line (\d+): )?(.*)$`)

// syntax reports what the library found: the line it names, and the first column of its text. The line of what it "did
// not find" is counted from 0, and is where the surrounding mapping or list begins.
func (d *Document) syntax(err error) {
	m := libraryError.FindStringSubmatch(err.Error())
	if m == nil {
		d.add(nil, "", false, false, "can't be parsed as YAML")
		return
	}
	line, _ := strconv.Atoi(m[1])
	message := m[2]
	if strings.HasPrefix(message, "did not find") {
		line++
		message += ", in this line or further down"
	}
	line = min(max(line, 1), len(d.lines))
	text := d.lines[line-1]
	if bareVariable.MatchString(text) {
		message += "; inside { } and [ ] put ${…} in quotes"
	}
	column := 1 + utf8.RuneCountInString(text) - utf8.RuneCountInString(strings.TrimLeft(text, " \t"))
	d.add(&yaml.Node{Line: line, Column: column}, "", false, false, message)
}

// bareVariable is a variable without quotes where YAML takes its braces for a mapping's.
var bareVariable = regexp.MustCompile(`[{\[][^"']*\$\{`)

// walk records where everything stands, expands variables, and refuses what this package does not take.
func (d *Document) walk(p Path, e entry) {
	d.entries[p.id()] = e
	n := e.value
	if !d.plain(p, n, e.written) {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		d.walkMapping(p, e)
	case yaml.SequenceNode:
		for i, child := range n.Content {
			d.walk(p.At(i), entry{value: child, written: step(e.written, strconv.Itoa(i), true)})
		}
	case yaml.ScalarNode:
		d.expandNode(p, n, e.written)
	}
}

// plain refuses aliases, anchors, tags and bottomless nesting.
func (d *Document) plain(p Path, n *yaml.Node, written string) bool {
	var message string
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "":
		message = "anchors and aliases are not supported; write the value out"
	case n.Style&yaml.TaggedStyle != 0:
		message = "tags are not supported; remove " + strconv.Quote(shorten(n.Tag))
	case len(p) > maxDepth:
		message = fmt.Sprintf("is nested deeper than %d levels", maxDepth)
	default:
		return true
	}
	d.add(n, written, p.secret(), false, message)
	d.broken.add(p)
	return false
}

func (d *Document) walkMapping(p Path, e entry) {
	first := map[string]int{}
	for i := 0; i+1 < len(e.value.Content); i += 2 {
		key, value := e.value.Content[i], e.value.Content[i+1]
		if !d.plainKey(p, key, e.written) {
			continue
		}
		at := p.With(key.Value)
		written := step(e.written, key.Value, false)
		if line, twice := first[key.Value]; twice {
			d.add(key, written, false, false, fmt.Sprintf("is here twice; the first is in line %d", line))
			continue
		}
		first[key.Value] = key.Line
		d.walk(at, entry{key: key, value: value, written: written})
	}
}

func (d *Document) plainKey(p Path, key *yaml.Node, written string) bool {
	switch {
	case key.Kind != yaml.ScalarNode:
		d.add(key, written, p.secret(), false, "a key must be a plain word")
		return false
	case key.Value == "<<" && key.Style == 0:
		d.add(key, written, p.secret(), false, "merge keys are not supported; write the values out")
		return false
	case strings.Contains(key.Value, "${"):
		d.add(key, written, p.secret(), false, "variables are expanded in values only, not in keys")
		return false
	}
	return d.plain(p.With(key.Value), key, written)
}

func (d *Document) expandNode(p Path, n *yaml.Node, written string) {
	if !strings.Contains(n.Value, "${") {
		return
	}
	text, err := expand(n.Value, d.env)
	if err != nil {
		message := err.Error()
		if p.secret() && !strings.HasPrefix(message, "the environment variable") {
			message = "the value holds a ${…} that can't be read; write ${NAME}, or $${ for a literal ${"
		}
		d.add(n, written, p.secret(), false, message)
		d.broken.add(p)
		return
	}
	d.expanded[n] = text
}
