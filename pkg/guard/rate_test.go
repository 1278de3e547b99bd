package guard_test

import (
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
)

// taken is how many places are taken at once from a time on.
func taken(r guard.Rate, free *time.Time, now time.Time) (n int) {
	for {
		next, wait := r.Take(*free, now)
		if wait > 0 {
			return n
		}
		*free = next
		n++
	}
}

func TestRateGivesExactlyItsPlaces(t *testing.T) {
	for _, l := range []realm.Limit{
		{Requests: 1, Per: time.Minute}, {Requests: 3, Per: time.Second}, {Requests: 7, Per: time.Second}, {Requests: 6000, Per: time.Minute},
		{Requests: 999983, Per: time.Second}, {Requests: 1000000, Per: time.Second}, {Requests: 5, Per: time.Hour},
	} {
		r, free := guard.RateOf(l), time.Time{}
		if got := taken(r, &free, noon); got != l.Requests {
			t.Errorf("%+v: %d places at once", l, got)
		}
		if r.Room < l.Per || r.Room > l.Per+time.Duration(l.Requests)*time.Microsecond {
			t.Errorf("%+v: all places are back in %v", l, r.Room)
		}
		if got := taken(r, &free, noon.Add(r.Interval)); got != 1 {
			t.Errorf("%+v: %d places after one interval", l, got)
		}
		if got := taken(r, &free, noon.Add(r.Interval+r.Room)); got != l.Requests {
			t.Errorf("%+v: %d places after a rest", l, got)
		}
	}
}

func TestRateTellsWhenThereIsAPlaceAgain(t *testing.T) {
	r, free := guard.RateOf(realm.Limit{Requests: 4, Per: time.Minute}), time.Time{}
	taken(r, &free, noon)
	_, wait := r.Take(free, noon.Add(5*time.Second))
	if wait != 10*time.Second {
		t.Fatalf("wait %v", wait)
	}
	if _, early := r.Take(free, noon.Add(15*time.Second-time.Microsecond)); early <= 0 {
		t.Error("there is a place before it was promised")
	}
	if _, late := r.Take(free, noon.Add(15*time.Second)); late > 0 {
		t.Error("there is no place when it was promised")
	}
}

func TestDebtIsBounded(t *testing.T) {
	r, free := guard.RateOf(realm.Limit{Requests: 4, Per: time.Minute}), time.Time{}
	for range 5 {
		free = r.Count(free, noon)
	}
	if _, wait := r.Take(free, noon); wait != 30*time.Second {
		t.Errorf("after five of four: wait %v", wait)
	}
	for range 1000 {
		free = r.Count(free, noon)
	}
	if _, wait := r.Take(free, noon); wait != 63*r.Room+r.Interval {
		t.Errorf("after a flood: wait %v", wait)
	}
}

func TestTimeThatCannotBeCountsForNothing(t *testing.T) {
	r := guard.RateOf(realm.Limit{Requests: 4, Per: time.Minute})
	if _, wait := r.Take(noon.Add(2*r.Room), noon.Add(-time.Second)); wait <= 0 {
		t.Error("a debt is forgotten when the clock goes back a little")
	}
	if next, wait := r.Take(noon.Add(1000*time.Hour), noon); wait > 0 || next != noon.Add(r.Interval) {
		t.Errorf("after the clock was set back: %v, wait %v", next, wait)
	}
}
