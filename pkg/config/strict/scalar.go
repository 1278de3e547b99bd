package strict

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Never is what is:"lifetime" stores for "never".
const Never time.Duration = -1

func (d *Document) decodeScalar(p Path, n *yaml.Node, v reflect.Value, is string) {
	if is == "journey" && isEmptyLiteral(n) {
		v.SetString("")
		return
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		d.fail(p, n, "must be "+wanted(v)+", not "+kind(n))
		return
	case isNull(n):
		d.fail(p, n, "has no value; give "+wanted(v)+", or remove the key")
		return
	}
	text, expanded := d.text(n)
	if v.Type() == durationType {
		d.decodeDuration(p, n, v, is)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.decodeText(p, n, u)
		return
	}
	if err := setScalar(v, n, text, expanded); err != nil {
		d.fail(p, n, err.Error())
		return
	}
	if is == "journey" && (text == "[Empty]" || text == `"[Empty]"`) {
		v.SetString("")
	}
}

// isEmptyLiteral is AM's [Empty] without quotes, which is a list to YAML.
func isEmptyLiteral(n *yaml.Node) bool {
	return n.Kind == yaml.SequenceNode && len(n.Content) == 1 &&
		n.Content[0].Kind == yaml.ScalarNode && n.Content[0].Value == "Empty"
}

func (d *Document) decodeDuration(p Path, n *yaml.Node, v reflect.Value, is string) {
	text, _ := d.text(n)
	if text == "never" || text == "-1" {
		if is != "lifetime" {
			d.fail(p, n, d.show(p, n)+" is not possible here; write a duration such as 90s or 1h")
			return
		}
		v.SetInt(int64(Never))
		return
	}
	parsed, err := ParseDuration(text)
	if err != nil {
		d.fail(p, n, d.show(p, n)+" "+err.Error())
		return
	}
	v.SetInt(int64(parsed))
}

// PredicateError is an error whose text continues the value: "has no unit". Errors of other types may hold the value.
type PredicateError string

func (e PredicateError) Error() string { return string(e) }

func (d *Document) decodeText(p Path, n *yaml.Node, u encoding.TextUnmarshaler) {
	text, expanded := d.text(n)
	err := u.UnmarshalText([]byte(text))
	if err == nil {
		return
	}
	message := err.Error()
	var predicate PredicateError
	if errors.As(err, &predicate) {
		message = d.show(p, n) + " " + message
	} else if expanded || d.hidden(p, n) {
		message = d.show(p, n) + " is not valid"
	}
	d.fail(p, n, message)
}

// setScalar holds a scalar to the type it is written in; a value with variables is text that may become anything.
func setScalar(v reflect.Value, n *yaml.Node, text string, expanded bool) error {
	wrong := fmt.Errorf("must be %s, not %s", wanted(v), kind(n))
	tag := n.ShortTag()
	is := func(tags ...string) bool { return expanded || slices.Contains(tags, tag) }
	switch v.Kind() {
	case reflect.String:
		if !expanded && is("!!int", "!!float", "!!bool") {
			return fmt.Errorf("%w; put it in quotes", wrong)
		}
		v.SetString(text)
	case reflect.Bool:
		lower := strings.ToLower(text)
		if !is("!!bool") || lower != "true" && lower != "false" {
			return wrong
		}
		v.SetBool(lower == "true")
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil || !is("!!int", "!!float") {
			return wrong
		}
		v.SetFloat(f)
	default:
		return setWhole(v, text, is("!!int"), numberError(wrong, tag))
	}
	return nil
}

// setWhole sets a whole number in its one spelling: 017 is 15 to some.
func setWhole(v reflect.Value, text string, isInt bool, wrong error) error {
	switch {
	case v.CanInt():
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil || !isInt || strconv.FormatInt(i, 10) != text {
			return wrong
		}
		v.SetInt(i)
	case v.CanUint():
		i, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil || !isInt || strconv.FormatUint(i, 10) != text {
			return wrong
		}
		v.SetUint(i)
	default:
		return fmt.Errorf("can't be configured (a field of type %s)", v.Type())
	}
	return nil
}

func numberError(wrong error, tag string) error {
	if tag == "!!int" || tag == "!!float" {
		return errors.New("is not a whole number that is possible here")
	}
	return wrong
}

func wanted(v reflect.Value) string {
	switch {
	case v.Type() == durationType:
		return "a duration"
	case reflect.PointerTo(v.Type()).Implements(textType):
		return "a value"
	}
	switch v.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// decodeAny makes strings, booleans, numbers, lists and mappings of what is written.
func (d *Document) decodeAny(p Path, n *yaml.Node, v reflect.Value) {
	if v.NumMethod() > 0 {
		d.fail(p, n, "can't be configured (a field of type "+v.Type().String()+")")
		return
	}
	var target reflect.Value
	switch {
	case isNull(n):
		return
	case n.Kind == yaml.MappingNode:
		target = reflect.ValueOf(new(map[string]any))
	case n.Kind == yaml.SequenceNode:
		target = reflect.ValueOf(new([]any))
	case n.ShortTag() == "!!bool":
		target = reflect.ValueOf(new(bool))
	case n.ShortTag() == "!!int":
		target = reflect.ValueOf(new(int64))
	case n.ShortTag() == "!!float":
		target = reflect.ValueOf(new(float64))
	default:
		target = reflect.ValueOf(new(string))
	}
	d.decode(p, n, target.Elem(), "")
	v.Set(target.Elem())
}
