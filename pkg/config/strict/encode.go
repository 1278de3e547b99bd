package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// hidden stands in place of secrets.
const hidden = "[redacted]"

// Encode writes as YAML what [Document.Decode] would decode to the same value, in the order of the struct's fields and
// with map keys sorted. Values of keys that are named like secrets are replaced, unless their fields say that they are
// "plain" or a "sample". [Raw] values are as they were written,
// with variables unexpanded.
func Encode(from any) ([]byte, error) {
	root := encode("", reflect.ValueOf(from), "")
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return []byte(b.String()), nil
}

// encode is nil for what is left out.
func encode(key string, v reflect.Value, is string) *yaml.Node {
	if is == "plain" || is == "sample" {
		key = ""
	}
	switch x := v.Interface().(type) {
	case Raw:
		return x.encode()
	case time.Duration:
		if is == "lifetime" && x == Never {
			return scalar(key, "never")
		}
		return scalar(key, FormatDuration(x))
	case fmt.Stringer:
		return scalar(key, x.String())
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return encode(key, v.Elem(), is)
	case reflect.Struct:
		return encodeStruct(v)
	case reflect.Map:
		return encodeMap(v, is)
	case reflect.Slice:
		return encodeList(key, v, is)
	case reflect.String:
		return scalar(key, strings.ReplaceAll(v.String(), "${", "$${"))
	}
	n := new(yaml.Node)
	if err := n.Encode(v.Interface()); err != nil {
		return scalar(key, fmt.Sprint(v.Interface()))
	}
	return n
}

func scalar(key, text string) *yaml.Node {
	if Secret(key) && text != "" {
		text = hidden
	}
	n := new(yaml.Node)
	n.SetString(text)
	switch text {
	case "", "on", "off", "yes", "no": // the words are booleans to readers of YAML 1.1
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func encodeStruct(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if value := encode(name, v.Field(i), f.Tag.Get("is")); value != nil {
			n.Content = append(n.Content, key(name), value)
		}
	}
	return n
}

func encodeMap(v reflect.Value, is string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		if value := encode(k.String(), v.MapIndex(k), is); value != nil {
			n.Content = append(n.Content, key(k.String()), value)
		}
	}
	return n
}

func key(name string) *yaml.Node {
	n := new(yaml.Node)
	n.SetString(name)
	return n
}

func encodeList(key string, v reflect.Value, is string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if v.Type().Elem().Kind() == reflect.String {
		n.Style = yaml.FlowStyle
	}
	for i := range v.Len() {
		n.Content = append(n.Content, encode(key, v.Index(i), is))
	}
	return n
}

// encode is a copy without comments and secrets; nil when nothing was written.
func (r Raw) encode() *yaml.Node {
	if r.node == nil {
		return nil
	}
	return redact(r.node, false)
}

func redact(n *yaml.Node, hide bool) *yaml.Node {
	out := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	if hide && n.Kind == yaml.ScalarNode && n.Value != "" {
		return scalar("secret", n.Value)
	}
	for i, child := range n.Content {
		inside := hide
		if n.Kind == yaml.MappingNode {
			inside = i%2 == 1 && (hide || Secret(n.Content[i-1].Value))
		}
		out.Content = append(out.Content, redact(child, inside))
	}
	return out
}
