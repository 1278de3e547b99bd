package enumeration_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/aclements/go-moremath/stats"
)

// significant is the p below which a difference is none of chance.
const significant = 1e-6

// z99 is the quantile of the normal distribution for an interval of 99 %.
const z99 = 2.5758293035489

// shift is how far a sample lies above another one.
type shift struct {
	by        float64 // Hodges and Lehmann: the median of all differences
	low, high float64 // by, with a confidence of 99 %
	p         float64 // two-sided, Mann and Whitney
}

// shiftOf compares two samples. The interval is that of order statistics of the differences, by the normal approximation.
func shiftOf(t testing.TB, of, above []float64) shift {
	t.Helper()
	s := shift{p: 1}
	test, err := stats.MannWhitneyUTest(of, above, stats.LocationDiffers)
	switch {
	case err == nil:
		s.p = test.P
	case !errors.Is(err, stats.ErrSamplesEqual):
		t.Fatal(err)
	}
	differences := make([]float64, 0, len(of)*len(above))
	for _, x := range of {
		for _, y := range above {
			differences = append(differences, x-y)
		}
	}
	slices.Sort(differences)
	m, n := float64(len(of)), float64(len(above))
	k := max(0, int(math.Round(m*n/2-z99*math.Sqrt(m*n*(m+n+1)/12)))-1)
	s.by, s.low, s.high = median(differences), differences[k], differences[len(differences)-1-k]
	return s
}

// differs reports a difference that is neither chance nor below the bound.
func (s shift) differs(bound float64) bool { return s.p < significant && math.Abs(s.by) > bound }

// within reports that the shift is certainly within the bound.
func (s shift) within(bound float64) bool { return s.low >= -bound && s.high <= bound }

// median is that of a sorted sample.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func medianOf(sample []float64) float64 { return median(slices.Sorted(slices.Values(sample))) }
