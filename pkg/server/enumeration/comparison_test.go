package enumeration_test

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"
	"text/tabwriter"
	"time"
)

// sort of a comparison: what its outcome has to be.
type sort int

const (
	promised sort = iota // no difference
	known                // SECURITY.md names it: the hash is of an older kind than the configured one
	planted              // the delay is found
)

// comparison is that of one class with another one.
type comparison struct {
	sort      sort
	of, above *class
	shift     shift
	bound     float64 // in milliseconds
}

// compare compares every class with the unknown names of its warmth. Owners of an older hash, whose kind costs what it
// costs, are compared with a wrong password for such a hash.
func compare(t testing.TB, classes []*class, current string, bound func(median float64) float64) (list []comparison) {
	t.Helper()
	find := func(what, hash string, warm bool) *class {
		for _, c := range classes {
			if c.what == what && c.hash == hash && c.warm == warm && c.delay == 0 {
				return c
			}
		}
		t.Fatalf("nobody is %s %s", what, hash)
		return nil
	}
	byWarmth := slices.SortedStableFunc(slices.Values(classes), func(a, b *class) int { return cmp.Compare(a.warmth(), b.warmth()) })
	for _, c := range byWarmth {
		x := comparison{of: c, above: find("unknown", "", c.warm)}
		switch {
		case c == x.above:
			continue
		case c.delay > 0:
			x.sort = planted
		case c.hash == "" || c.hash == current:
		case c.what == "wrong password":
			x.sort = known
		default:
			x.above = find("wrong password", c.hash, c.warm)
		}
		x.shift = shiftOf(t, c.times, x.above.times)
		x.bound = bound(medianOf(x.above.times))
		list = append(list, x)
	}
	return list
}

// found reports that the delay of a plant shows.
func (x *comparison) found() bool {
	return x.shift.p < significant && x.shift.by > milliseconds(x.of.delay)/2
}

// decided reports that more samples would change nothing.
func (x *comparison) decided() bool {
	switch x.sort {
	case known:
		return true
	case planted:
		return x.found()
	case promised:
		return x.shift.within(x.bound) || x.shift.differs(x.bound)
	}
	return false
}

func (x *comparison) verdict() string {
	switch {
	case x.sort == planted && x.found():
		return "found"
	case x.sort == planted:
		return "NOT FOUND"
	case x.sort == known && x.shift.differs(x.bound):
		return "differs, as said"
	case x.shift.differs(x.bound):
		return "DIFFERS"
	case x.shift.within(x.bound) && x.shift.p < significant:
		return "small"
	case x.shift.within(x.bound):
		return "same"
	}
	return "unclear"
}

// legend explains the last column.
const legend = `Times are in milliseconds, from before the request is sent to the first byte of the answer. The shift is that of Hodges
and Lehmann, p that of Mann and Whitney. A class DIFFERS when p < 1e-6 and the shift is above the bound. When the whole
interval is within the bound, it is the same, or the difference is small if p < 1e-6. Otherwise it is unclear: no
difference was found, but more samples could find one.
`

// table writes the comparisons of some sorts, in milliseconds.
func table(w io.Writer, title string, list []comparison, sorts ...sort) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer func() { _ = out.Flush() }()
	rows := 0
	for _, s := range sorts {
		for _, x := range list {
			if x.sort != s {
				continue
			}
			if rows++; rows == 1 {
				fmt.Fprintf(w, "\n%s\n\n", title)
				fmt.Fprintln(out, "class\tcompared with\tnames\tn\tmedian\tof the other\tshift\t99 % interval\tp\tbound\t")
			}
			fmt.Fprintf(out, "%v\t%v\t%s\t%d\t%.3f\t%.3f\t%+.3f\t%+.3f … %+.3f\t%s\t%.2f\t%s\n",
				x.of, x.above, x.of.warmth(), len(x.of.times), medianOf(x.of.times), medianOf(x.above.times),
				x.shift.by, x.shift.low, x.shift.high, chance(x.shift.p), x.bound, x.verdict())
		}
	}
}

// chance is p as far as it is exact.
func chance(p float64) string {
	if p < 1e-15 {
		return "<1e-15"
	}
	return fmt.Sprintf("%.2g", p)
}

// strict is the bound of the full form: 3 %, or 0.2 ms.
func strict(median float64) float64 { return math.Max(0.03*median, 0.2) }

// loose is the bound of the short form.
func loose(float64) float64 { return 3 }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
