package main

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// written is a default as an operator writes it; empty for what a new struct holds anyway.
func written(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	return value(v)
}

func value(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return period(x)
	case encoding.TextMarshaler:
		if text, err := x.MarshalText(); err == nil {
			return string(text)
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "null"
		}
		return value(v.Elem())
	case reflect.Slice, reflect.Array:
		var items []string
		for i := range v.Len() {
			items = append(items, value(v.Index(i)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		pairs := map[string]string{}
		for _, key := range v.MapKeys() {
			pairs[value(key)] = value(v.MapIndex(key))
		}
		return flow(pairs)
	case reflect.Struct:
		pairs := map[string]string{}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !v.Field(i).IsZero() {
				pairs[key(f)] = value(v.Field(i))
			}
		}
		return flow(pairs)
	}
	return fmt.Sprint(v.Interface())
}

func flow(pairs map[string]string) string {
	var items []string
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		items = append(items, key+": "+pairs[key])
	}
	return "{" + strings.Join(items, ", ") + "}"
}

// period is a duration in the largest unit that needs no fraction.
func period(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d%unit.length == 0 {
			return strconv.FormatInt(int64(d/unit.length), 10) + unit.name
		}
	}
	return d.String()
}
