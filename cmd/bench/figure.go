package main

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"
)

// figure is a number that may not be known: null in JSON, a dash in a table.
type figure float64

var unknown = figure(math.NaN())

func (f figure) known() bool { return !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) }

// MarshalJSON implements json.Marshaler.
func (f figure) MarshalJSON() ([]byte, error) {
	if !f.known() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// text is the figure with so many decimals.
func (f figure) text(decimals int) string {
	if !f.known() {
		return "-"
	}
	return strconv.FormatFloat(float64(f), 'f', decimals, 64)
}

// median is that of the figures that are known.
func median(list []figure) figure {
	list = slices.DeleteFunc(slices.Clone(list), func(f figure) bool { return !f.known() })
	if len(list) == 0 {
		return unknown
	}
	slices.Sort(list)
	if n := len(list); n%2 == 0 {
		return (list[n/2-1] + list[n/2]) / 2
	}
	return list[len(list)/2]
}

// least is the smaller one of the figures that are known.
func least(a, b figure) figure {
	if !a.known() || (b.known() && b < a) {
		return b
	}
	return a
}

// quantile of sorted times.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func millis(d time.Duration) figure { return figure(d) / figure(time.Millisecond) }

func mib(bytes figure) figure { return bytes / (1 << 20) }
