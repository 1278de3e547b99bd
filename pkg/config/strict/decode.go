package strict

import (
	"encoding"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Raw is a value that is decoded later, by whoever knows its type.
type Raw struct {
	d    *Document
	path Path
	node *yaml.Node
}

// IsZero reports whether nothing was written.
func (r Raw) IsZero() bool { return r.node == nil }

// Decode decodes into a pointer; see [Document.Decode]. It fails with [ErrReported] when there is a problem below the
// value; what it is stands among the Document's problems, in its place.
func (r Raw) Decode(into any) error {
	if r.node == nil {
		return nil
	}
	before := r.d.errors
	r.d.decode(r.path, r.node, reflect.ValueOf(into).Elem(), "")
	if r.d.errors > before {
		r.d.failed[r.path.id()] = true
	}
	if r.d.failed[r.path.id()] || r.d.Broken(r.path) || r.d.broken.below[r.path.id()] {
		return ErrReported
	}
	return nil
}

// ErrReported says that the problems are with the Document already.
var ErrReported = errors.New("has problems")

// Defaulter is what a type implements whose values are not empty when they are left out. Its method is called before
// something is decoded over it.
type Defaulter interface{ Default() }

var (
	rawType      = reflect.TypeFor[Raw]()
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// Decode decodes the whole document into a pointer to a struct. Fields have yaml tags as in the library, and `is` tags:
//
//	is:"lifetime"  a duration that may be "never" (or -1), which is stored as -1
//	is:"journey"   a name for which AM's [Empty], with or without quotes, means none
//	is:"plain"     no secret, whatever its key is called: Encode writes it
//	is:"sample"    a made-up secret: in no message and no excerpt, but Encode writes it
//
// Fields that are not in the document keep their values.
func (d *Document) Decode(into any) {
	v := reflect.ValueOf(into).Elem()
	applyDefault(v)
	if d.root != nil {
		d.decode(nil, d.root, v, "")
	}
}

func applyDefault(v reflect.Value) {
	if v.CanAddr() {
		if def, ok := v.Addr().Interface().(Defaulter); ok {
			def.Default()
		}
	}
}

func (d *Document) decode(p Path, n *yaml.Node, v reflect.Value, is string) {
	if is == "sample" && (n.Kind != yaml.MappingNode || v.Kind() != reflect.Map) {
		d.hideSample(n)
	}
	if d.Broken(p) {
		return
	}
	switch {
	case v.Type() == rawType:
		v.Set(reflect.ValueOf(Raw{d, p, n}))
	case v.Kind() == reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		applyDefault(fresh.Elem())
		d.decode(p, n, fresh.Elem(), is)
		v.Set(fresh)
	case v.Type() == durationType, reflect.PointerTo(v.Type()).Implements(textType):
		d.decodeScalar(p, n, v, is)
	case v.Kind() == reflect.Struct:
		d.decodeStruct(p, n, v)
	case v.Kind() == reflect.Map:
		d.decodeMap(p, n, v, is)
	case v.Kind() == reflect.Slice:
		d.decodeList(p, n, v, is)
	case v.Kind() == reflect.Interface:
		d.decodeAny(p, n, v)
	default:
		d.decodeScalar(p, n, v, is)
	}
}

// fail reports a value that can't be decoded, so that nothing else is said about it.
func (d *Document) fail(p Path, n *yaml.Node, message string) {
	d.add(n, d.entries[p.id()].written, p.secret(), false, message)
	d.broken.add(p)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func (d *Document) decodeStruct(p Path, n *yaml.Node, v reflect.Value) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(p, n, "must be a mapping, not "+kind(n))
		return
	}
	fields := fieldsOf(v.Type())
	for key, value := range d.pairs(p, n) {
		f, ok := fields[key.Value]
		if !ok {
			d.unknown(p, key, fields)
			continue
		}
		d.decode(p.With(key.Value), value, v.FieldByIndex(f.index), f.is)
	}
}

func (d *Document) unknown(p Path, key *yaml.Node, fields map[string]field) {
	known := make([]string, 0, len(fields))
	for name := range fields {
		known = append(known, name)
	}
	slices.Sort(known)
	hint := Suggest(key.Value, known)
	if hint == "" && len(known) > 0 {
		hint = "; known are " + strings.Join(known, ", ")
	}
	at := p.With(key.Value)
	d.add(key, d.entries[at.id()].written, false, false, "unknown key"+hint)
}

func (d *Document) decodeMap(p Path, n *yaml.Node, v reflect.Value, is string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(p, n, "must be a mapping, not "+kind(n))
		return
	}
	out := reflect.MakeMap(v.Type())
	for key, value := range d.pairs(p, n) {
		element := reflect.New(v.Type().Elem()).Elem()
		applyDefault(element)
		d.decode(p.With(key.Value), value, element, is)
		out.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), element)
	}
	v.Set(out)
}

func (d *Document) decodeList(p Path, n *yaml.Node, v reflect.Value, is string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(p, n, "must be a list, not "+kind(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, child := range n.Content {
		applyDefault(out.Index(i))
		d.decode(p.At(i), child, out.Index(i), is)
	}
	v.Set(out)
}

// pairs are the keys of a mapping that are not refused, with their values.
func (d *Document) pairs(p Path, n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if e, ok := d.entries[p.With(key.Value).id()]; ok && e.key == key && !yield(key, n.Content[i+1]) {
				return
			}
		}
	}
}
