package journey

import (
	"fmt"
	"strings"
)

// didYouMean is the end of a message about a name that does not exist; empty if none of the others is near.
func didYouMean(name string, others []string) string {
	if best := nearest(name, others); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

// nearest is the first of the others with the fewest typing mistakes, at most one for three letters; case does not
// count.
func nearest(name string, others []string) string {
	best, least := "", 0
	for _, other := range others {
		d := distance(strings.ToLower(name), strings.ToLower(other))
		if d <= (len(other)+1)/3 && (best == "" || d < least) {
			best, least = other, d
		}
	}
	return best
}

// distance counts the bytes to insert, remove or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
