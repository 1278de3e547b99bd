package guard

import (
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Rate is a limit as the generic cell rate algorithm has it. All that is kept of a party is the one time at which all its
// places are free again ("free"); the zero time is long ago.
type Rate struct {
	Interval time.Duration // in which one place comes back; whole microseconds
	Room     time.Duration // in which all do
}

// debts is how many times the limit the time may be away: once, and the rest for what was counted beyond it. It is more than
// what a burst brings that passes before the first of it has failed: all of that is waited for.
const debts = 64

// RateOf is a limit that is on. It is never faster than the limit.
func RateOf(l realm.Limit) Rate {
	n := int64(l.Requests)
	interval := max((l.Per.Microseconds()+n-1)/n, 1)
	return Rate{Interval: time.Duration(interval) * time.Microsecond, Room: time.Duration(interval*n) * time.Microsecond}
}

// Take is the time to keep when one more place is taken, and how long to wait until there is one; above zero there is
// none now. A time much further away than any debt, left by a longer limit or a clock that was set back, counts for nothing.
func (r Rate) Take(free, now time.Time) (next time.Time, wait time.Duration) {
	if free.Before(now) || free.After(now.Add(2*debts*r.Room)) {
		free = now
	}
	next = free.Add(r.Interval)
	return next, next.Sub(now) - r.Room
}

// Count is the time to keep when a place is taken although there may be none.
func (r Rate) Count(free, now time.Time) time.Time {
	next, _ := r.Take(free, now)
	if most := now.Add(debts * r.Room); next.After(most) {
		return most
	}
	return next
}
