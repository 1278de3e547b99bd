package enumeration_test

import (
	"math"
	"math/rand/v2"
	"testing"
)

// R's own examples: help(wilcox.test), Hollander and Wolfe (1973) page 69, and two months of the data set airquality.
var (
	permeabilityAtTerm = []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	permeabilityEarly  = []float64{1.15, 0.88, 0.90, 0.74, 1.21}

	ozoneInMay    = []float64{41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37}
	ozoneInAugust = []float64{39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118, 84, 85}
)

func TestShiftIsThatOfKnownSamples(t *testing.T) {
	for _, tc := range []struct {
		name      string
		of, above []float64
		p, by     float64
	}{
		{"permeability", permeabilityAtTerm, permeabilityEarly, 0.2544, 0.305},
		{"permeability, the other way", permeabilityEarly, permeabilityAtTerm, 0.2544, -0.305},
		{"ozone, with ties", ozoneInMay, ozoneInAugust, 0.0001208, -32},
		{"all the same", []float64{1, 1, 1}, []float64{1, 1, 1}, 1, 0},
		{"apart", []float64{3, 3}, []float64{1, 1}, 1.0 / 3, 2},
	} {
		s := shiftOf(t, tc.of, tc.above)
		if math.Abs(s.p-tc.p) > 0.0005*tc.p || math.Abs(s.by-tc.by) > 1e-9 {
			t.Errorf("%s: shift %v, p %v; want %v, %v", tc.name, s.by, s.p, tc.by, tc.p)
		}
		if s.low > s.by || s.by > s.high {
			t.Errorf("%s: %v is not within %v and %v", tc.name, s.by, s.low, s.high)
		}
	}
}

// Samples as they come from a busy machine: most are near each other, and some are far away.
func TestIntervalHasTheTrueShift(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	sample := func(by float64) []float64 {
		s := make([]float64, 60)
		for i := range s {
			s[i] = by + math.Exp(r.NormFloat64())
		}
		return s
	}
	const times = 300
	inside, chance := 0, 0
	for range times {
		s := shiftOf(t, sample(0.5), sample(0))
		if s.low <= 0.5 && 0.5 <= s.high {
			inside++
		}
		if shiftOf(t, sample(0), sample(0)).p < 0.05 {
			chance++
		}
	}
	if inside < 291 {
		t.Errorf("the shift is in %d of %d intervals of 99 %%", inside, times)
	}
	if chance < 6 || chance > 26 {
		t.Errorf("p is below 5 %% for %d of %d pairs without a difference", chance, times)
	}
}

func TestDifferenceNeedsSizeAndEvidence(t *testing.T) {
	for _, tc := range []struct {
		name            string
		s               shift
		differs, within bool
	}{
		{"large and certain", shift{by: 2, low: 1.5, high: 2.5, p: 1e-9}, true, false},
		{"the other way", shift{by: -2, low: -2.5, high: -1.5, p: 1e-9}, true, false},
		{"small and certain", shift{by: 0.1, low: 0.05, high: 0.15, p: 1e-9}, false, true},
		{"large by chance", shift{by: 2, low: -5, high: 9, p: 0.1}, false, false},
		{"nothing", shift{by: 0, low: -0.1, high: 0.1, p: 0.9}, false, true},
		{"no evidence against it", shift{by: 0, low: -3, high: 0.1, p: 0.9}, false, false},
	} {
		if tc.s.differs(1) != tc.differs || tc.s.within(1) != tc.within {
			t.Errorf("%s: differs %v, within %v", tc.name, tc.s.differs(1), tc.s.within(1))
		}
	}
}
