package strict

import (
	"reflect"
	"strings"
)

// field is one key that a struct knows.
type field struct {
	index []int
	is    string
}

// fieldsOf are the keys that a struct knows: the names of the yaml tags, or the lower-case names of the fields, with
// those of inlined structs.
func fieldsOf(t reflect.Type) map[string]field {
	out := map[string]field{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case options == "inline" || f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			for inner, g := range fieldsOf(f.Type) {
				out[inner] = field{append([]int{i}, g.index...), g.is}
			}
		case name == "":
			out[strings.ToLower(f.Name)] = field{f.Index, f.Tag.Get("is")}
		default:
			out[name] = field{f.Index, f.Tag.Get("is")}
		}
	}
	return out
}
