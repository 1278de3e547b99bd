package pace_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ropcd/ropcd/pkg/pace"
)

// waits are how long many waits take, each from its own start; some of the time has gone by already.
func waits(t *testing.T, p *pace.Pace, gone time.Duration) (all []time.Duration) {
	t.Helper()
	for range 1000 {
		start := time.Now()
		time.Sleep(gone)
		if err := p.Wait(t.Context(), start); err != nil {
			t.Fatal(err)
		}
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	return all
}

func TestPaceWaitsAsLongAsWrongPasswordsTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace.Pace
		if p.Known() {
			t.Error("a time is known before any was added")
		}
		if all := waits(t, &p, 0); all[999] != 0 {
			t.Errorf("waits %v for no time that is known", all[999])
		}
		p.Add(30 * time.Millisecond)
		if !p.Known() {
			t.Error("the time is not known")
		}
		if all := waits(t, &p, 10*time.Millisecond); all[0] != 30*time.Millisecond || all[999] != 30*time.Millisecond {
			t.Errorf("waits %v to %v, want 30ms", all[0], all[999])
		}
		p.Add(90 * time.Millisecond)
		all := slices.Compact(waits(t, &p, 10*time.Millisecond))
		if !slices.Equal(all, []time.Duration{30 * time.Millisecond, 90 * time.Millisecond}) {
			t.Errorf("waits %v, want either of the two", all)
		}
		if all := waits(t, &p, 100*time.Millisecond); all[999] != 100*time.Millisecond {
			t.Errorf("waits until %v, though the time has gone by", all[999])
		}
	})
}

func TestPaceForgetsOldTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace.Pace
		p.Add(time.Hour)
		for range 32 {
			p.Add(time.Millisecond)
		}
		if all := waits(t, &p, 0); all[999] != time.Millisecond {
			t.Errorf("waits %v", all[999])
		}
	})
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace.Pace
		p.Add(time.Hour)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Wait(ctx, start); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
