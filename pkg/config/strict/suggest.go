package strict

import (
	"slices"
	"strings"
)

// Suggest is `; did you mean "x"?` for the known word nearest to the written one, or nothing when none is near.
func Suggest(written string, known []string) string {
	best, distance := "", min(len(written), 1+max(1, len(written)/3)) // so that something is left of it
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := editDistance(fold(written), fold(k)); d < distance {
			best, distance = k, d
		}
	}
	for _, k := range slices.Sorted(slices.Values(known)) {
		if best == "" && len(written) > 2 && strings.HasPrefix(k, fold(written)+"_") {
			best = k
		}
	}
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}

// fold makes spellings that people mix up equal.
func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// editDistance is the number of bytes to insert, delete, replace or swap with their neighbour.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
