package main

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// leftOut is how a comment tells a default, with what follows.
var leftOut = regexp.MustCompile("[;,] `?([^\\s`]+)`? if it is left out(.?)")

// settings are the settings of a struct, an item each; v holds the defaults. Those of a struct in it are indented.
func settings(pkg *doc.Package, v reflect.Value) ([]string, error) {
	var items []string
	comments := fieldComments(pkg, v.Type().Name())
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() && !f.Anonymous || key(f) == "-" {
			continue
		}
		if strings.HasSuffix(f.Tag.Get("yaml"), ",inline") {
			more, err := settings(pkg, v.Field(i))
			if err != nil {
				return nil, err
			}
			items = append(items, more...)
			continue
		}
		item, err := setting(pkg, f, v.Field(i), comments[f.Name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		items = append(items, item)
		if inner := structIn(f.Type); inner != nil {
			more, err := settings(pkg, reflect.New(inner).Elem())
			if err != nil {
				return nil, err
			}
			for _, line := range more {
				items = append(items, "  "+line)
			}
		}
	}
	return items, nil
}

// setting is one of them, as the sentence that its comment is.
func setting(pkg *doc.Package, f reflect.StructField, v reflect.Value, text string) (string, error) {
	text, ok := strings.CutPrefix(text, f.Name)
	if !ok || text == "" {
		return "", fmt.Errorf("its comment does not begin with %q", f.Name)
	}
	said := strings.Join(markdown(pkg, strings.TrimSpace(text), func(string) bool { return true }), " ")
	facts := kind(f.Type)
	required := f.Tag.Get("reference") == "required"
	if required {
		facts += ", required"
	}
	if required && !v.IsZero() {
		return "", errors.New("it is required, but it has a default")
	}
	if standard := written(v); standard != "" {
		if told := leftOut.FindStringSubmatch(said); told != nil {
			if told[1] != standard {
				return "", fmt.Errorf("its comment says that %s is the default, but %s is", told[1], standard)
			}
			if told[2] != "," { // nothing hangs on it
				said = strings.Replace(said, told[0], told[2], 1)
			}
		}
		facts += ", default `" + standard + "`"
	}
	comma := " "
	if strings.HasPrefix(said, ",") {
		comma = ""
	}
	return "`" + key(f) + "` (" + facts + ")" + comma + said, nil
}

// key is the field's name in the configuration.
func key(f reflect.StructField) string {
	tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return cmp.Or(tag, strings.ToLower(f.Name))
}

// fieldComments are the comments of a struct's fields, by their names in Go.
func fieldComments(pkg *doc.Package, name string) map[string]string {
	comments := map[string]string{}
	t := typeNamed(pkg, name)
	if t == nil {
		return comments
	}
	for _, spec := range t.Decl.Specs {
		s, ok := spec.(*ast.TypeSpec)
		if !ok || s.Name.Name != name {
			continue
		}
		if structure, ok := s.Type.(*ast.StructType); ok {
			for _, f := range structure.Fields.List {
				for _, n := range f.Names {
					comments[n.Name] = f.Doc.Text()
				}
			}
		}
	}
	return comments
}

var (
	duration = reflect.TypeFor[time.Duration]()
	prefix   = reflect.TypeFor[netip.Prefix]()
	texts    = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// kind is what an operator writes for a type.
func kind(t reflect.Type) string {
	switch {
	case t == duration:
		return "duration"
	case t == prefix:
		return "network"
	case reflect.PointerTo(t).Implements(texts), t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Pointer:
		return kind(t.Elem())
	case t.Kind() == reflect.Bool:
		return "bool"
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Array:
		return "list of " + kinds(t.Elem())
	case t.Kind() == reflect.Map:
		return "map of " + kinds(t.Elem())
	case t.Kind() == reflect.Struct:
		return "map"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return "number"
	}
	return "any value"
}

// kinds is many of them.
func kinds(t reflect.Type) string {
	one, of, composed := strings.Cut(kind(t), " ")
	if composed {
		return one + "s " + of
	}
	return one + "s"
}

// structIn is the struct with settings of its own that a field holds, alone or many; nil: none.
func structIn(t reflect.Type) reflect.Type {
	switch {
	case reflect.PointerTo(t).Implements(texts):
		return nil
	case t.Kind() == reflect.Struct:
		return t
	case slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map}, t.Kind()):
		return structIn(t.Elem())
	}
	return nil
}
