package config

import (
	"encoding"
	"reflect"
	"strings"

	"github.com/ropcd/ropcd/pkg/config/strict"
)

// Keys are the names of all keys that the schema knows.
func Keys() []string {
	seen := map[reflect.Type]bool{}
	var keys []string
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if seen[t] || t == reflect.TypeFor[strict.Raw]() || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
				return
			}
			seen[t] = true
			for i := range t.NumField() {
				name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
				keys = append(keys, name)
				walk(t.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[file]())
	return keys
}

// Again looks at the files now.
func (w *Watcher) Again() bool { return w.again() }
