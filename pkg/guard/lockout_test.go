package guard_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

var policy = realm.Lockout{
	Threshold: 3, Window: 15 * time.Minute, Duration: 30 * time.Second, MaxDuration: 3 * time.Minute, StopAfter: 100,
}

func with(change func(p *realm.Lockout)) realm.Lockout {
	p := policy
	change(&p)
	return p
}

func TestJudge(t *testing.T) {
	lenient := with(func(p *realm.Lockout) { p.Threshold = 0; p.StopAfter = 0 })
	for _, tc := range []struct {
		name     string
		login    realm.Login
		policy   realm.Lockout
		inFlight int
		want     storage.Standing
	}{
		{"nothing happened", realm.Login{}, policy, 0, storage.Reserved},
		{"room for the last one", realm.Login{}, policy, 2, storage.Reserved},
		{"no room for one more", realm.Login{}, policy, 3, storage.Busy},
		{"failures and in flight together", realm.Login{Failures: 1, LastFailure: noon}, policy, 2, storage.Busy},
		{"one less", realm.Login{Failures: 1, LastFailure: noon}, policy, 1, storage.Reserved},
		{"old failures leave room", realm.Login{Failures: 2, LastFailure: noon.Add(-16 * time.Minute)}, policy, 2, storage.Reserved},
		{"failures at the end of the window count", realm.Login{Failures: 2, LastFailure: noon.Add(-15 * time.Minute)}, policy, 2, storage.Busy},
		{"locked", realm.Login{Failures: 3, LastFailure: noon, LockedUntil: noon.Add(1)}, policy, 0, storage.Locked},
		{"locked with others under way", realm.Login{Failures: 3, LastFailure: noon, LockedUntil: noon.Add(1)}, policy, 5, storage.Locked},
		{"the lock ends at its moment", realm.Login{Failures: 3, LastFailure: noon, LockedUntil: noon}, policy, 2, storage.Reserved},
		{"stopped", realm.Login{Consecutive: 100}, policy, 0, storage.Stopped},
		{"stopped, years later", realm.Login{Consecutive: 100, LastFailure: noon.AddDate(-5, 0, 0)}, policy, 0, storage.Stopped},
		{"stopped goes before locked", realm.Login{Consecutive: 100, LockedUntil: noon.Add(time.Hour)}, policy, 0, storage.Stopped},
		{"the last one before the stop", realm.Login{Consecutive: 99}, policy, 0, storage.Reserved},
		{"it goes alone", realm.Login{Consecutive: 99}, policy, 1, storage.Busy},
		{"threshold 0 never waits", realm.Login{Failures: 90}, lenient, 1000, storage.Reserved},
		{"threshold 0 still stops", realm.Login{Consecutive: 100}, with(func(p *realm.Lockout) { p.Threshold = 0 }), 0, storage.Stopped},
		{"stop_after 0 never stops", realm.Login{Consecutive: 1 << 20}, lenient, 0, storage.Reserved},
		{"made stricter: one at a time", realm.Login{Failures: 8, LastFailure: noon}, policy, 0, storage.Reserved},
		{"made stricter: no second one", realm.Login{Failures: 8, LastFailure: noon}, policy, 1, storage.Busy},
		{"made stricter with many under way", realm.Login{}, policy, 50, storage.Busy},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := guard.Judge(&tc.login, tc.policy, tc.inFlight, noon); got != tc.want {
				t.Errorf("standing %d, want %d", got, tc.want)
			}
		})
	}
}

// Whatever is in flight, all of it may turn out wrong: reserving until Judge refuses never passes the threshold.
func TestJudgeNeverReservesMoreThanTheThreshold(t *testing.T) {
	for threshold := 1; threshold <= 10; threshold++ {
		p := with(func(p *realm.Lockout) { p.Threshold = threshold })
		for failures := range threshold {
			l, reserved := realm.Login{Failures: failures, LastFailure: noon}, 0
			for guard.Judge(&l, p, reserved, noon) == storage.Reserved {
				reserved++
			}
			if failures+reserved != threshold {
				t.Errorf("threshold %d after %d failures: %d reserved", threshold, failures, reserved)
			}
		}
	}
}

func TestFailLocksLongerEachTime(t *testing.T) {
	var l realm.Login
	now, locks := noon, []time.Duration(nil)
	for range 6 {
		for range policy.Threshold {
			if got := guard.Judge(&l, policy, 0, now); got != storage.Reserved {
				t.Fatalf("standing %d after %v", got, locks)
			}
			guard.Fail(&l, policy, now)
		}
		locks = append(locks, l.LockedUntil.Sub(now))
		now = l.LockedUntil
	}
	want := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute, 3 * time.Minute}
	if diff := cmp.Diff(want, locks); diff != "" {
		t.Error(diff)
	}
	if l.Consecutive != 18 {
		t.Errorf("consecutive failures: %d", l.Consecutive)
	}
}

func TestFailCounts(t *testing.T) {
	hourAgo := noon.Add(-time.Hour)
	for _, tc := range []struct {
		name   string
		login  realm.Login
		policy realm.Lockout
		want   realm.Login
	}{
		{"the first", realm.Login{}, policy, realm.Login{Failures: 1, Consecutive: 1, LastFailure: noon}},
		{"one that locks", realm.Login{Failures: 2, Consecutive: 2, LastFailure: noon}, policy,
			realm.Login{Failures: 3, Consecutive: 3, LastFailure: noon, LockedUntil: noon.Add(30 * time.Second), Locks: 1}},
		{"after a quiet window", realm.Login{Failures: 2, Consecutive: 7, LastFailure: hourAgo, Locks: 3}, policy,
			realm.Login{Failures: 1, Consecutive: 8, LastFailure: noon}},
		{"the window begins when the lock ends", realm.Login{Failures: 3, LastFailure: hourAgo, LockedUntil: noon.Add(-time.Minute), Locks: 1}, policy,
			realm.Login{Failures: 1, Consecutive: 1, LastFailure: noon, LockedUntil: noon.Add(-time.Minute), Locks: 1}},
		{"threshold 0", realm.Login{Failures: 50, LastFailure: noon}, with(func(p *realm.Lockout) { p.Threshold = 0 }),
			realm.Login{Failures: 51, Consecutive: 1, LastFailure: noon}},
		{"made stricter", realm.Login{Failures: 8, LastFailure: noon}, policy,
			realm.Login{Failures: 9, Consecutive: 1, LastFailure: noon, LockedUntil: noon.Add(30 * time.Second), Locks: 1}},
		{"locks have an end", realm.Login{Failures: 2, LastFailure: noon, Locks: 255}, policy,
			realm.Login{Failures: 3, Consecutive: 1, LastFailure: noon, LockedUntil: noon.Add(3 * time.Minute), Locks: 255}},
		{"a longest below the first", realm.Login{Failures: 2, LastFailure: noon, Locks: 4}, with(func(p *realm.Lockout) { p.MaxDuration = time.Second }),
			realm.Login{Failures: 3, Consecutive: 1, LastFailure: noon, LockedUntil: noon.Add(30 * time.Second), Locks: 5}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			guard.Fail(&tc.login, tc.policy, noon)
			if diff := cmp.Diff(tc.want, tc.login); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStopAfterCountsOverLocksAndWindows(t *testing.T) {
	p := with(func(p *realm.Lockout) { p.StopAfter = 10 })
	var l realm.Login
	now, wrong := noon, 0
	for {
		now = now.Add(24 * time.Hour)
		standing := guard.Judge(&l, p, 0, now)
		if standing == storage.Stopped {
			break
		}
		if standing != storage.Reserved || wrong > 10 {
			t.Fatalf("standing %d after %d", standing, wrong)
		}
		guard.Fail(&l, p, now)
		wrong++
	}
	if wrong != 10 {
		t.Errorf("stopped after %d", wrong)
	}
}

func TestOnlyWhatIsForgivenIsCleared(t *testing.T) {
	hourAgo := noon.Add(-time.Hour)
	full := realm.Login{
		Failures: 2, Consecutive: 99, LastFailure: noon, LockedUntil: noon, Locks: 4, LastLogin: hourAgo, Logins: 12, CodeStep: 7,
	}
	l := full
	guard.Succeed(&l, false, noon)
	if diff := cmp.Diff(realm.Login{LastLogin: noon, Logins: 12, CodeStep: 7}, l); diff != "" {
		t.Errorf("success: %s", diff)
	}
	l = full
	l.CodeFailures = 99
	guard.Unlock(&l)
	if diff := cmp.Diff(realm.Login{LastFailure: noon, LastLogin: hourAgo, Logins: 12, CodeStep: 7}, l); diff != "" {
		t.Errorf("unlock: %s", diff)
	}
	l = full
	guard.Fail(&l, policy, noon)
	if l.Logins != 12 || l.CodeStep != 7 {
		t.Errorf("failure: %+v", l)
	}
}

// The attack: guess a one-time code, and log in with the password alone, where no code is asked for, before it locks.
func TestPasswordsAloneForgiveNoCodes(t *testing.T) {
	var l realm.Login
	p := realm.Lockout{Threshold: 5, Window: time.Hour, Duration: time.Hour, MaxDuration: time.Hour, StopAfter: 7}
	for range 2 {
		guard.FailCode(&l, p, noon)
		guard.Fail(&l, p, noon)
		guard.Succeed(&l, false, noon)
	}
	want := realm.Login{Failures: 2, Consecutive: 2, CodeFailures: 2, LastFailure: noon, LastLogin: noon}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
	coded := l
	guard.Succeed(&coded, true, noon)
	if diff := cmp.Diff(realm.Login{LastLogin: noon}, coded); diff != "" {
		t.Errorf("with a right code: %s", diff)
	}
	for range 3 {
		guard.Succeed(&l, false, noon)
		guard.FailCode(&l, p, noon)
	}
	guard.Succeed(&l, false, noon) // an attempt that was under way
	if got := guard.Judge(&l, p, 0, noon); got != storage.Locked || l.Locks != 1 {
		t.Errorf("%v, %+v", got, l)
	}
	for n := range 2 { // and the lasting stop comes, however long the guesser waits
		later := noon.Add(time.Duration(n+1) * 24 * time.Hour)
		guard.Judge(&l, p, 0, later)
		guard.Succeed(&l, false, later)
		guard.FailCode(&l, p, later)
	}
	if got := guard.Judge(&l, p, 0, noon.Add(1000*time.Hour)); got != storage.Stopped {
		t.Errorf("%v, %+v", got, l)
	}
}

func TestNoCodeUpToTheNewestIsGoodAgain(t *testing.T) {
	l := realm.Login{}
	for _, tc := range []struct {
		step uint64
		used bool
		want uint64
	}{
		{0, false, 0}, {7, false, 7}, {7, true, 7}, {6, true, 7}, {0, false, 7}, {8, false, 8}, {1, true, 8},
		{storage.MaxCodeStep, false, storage.MaxCodeStep}, {storage.MaxCodeStep, true, storage.MaxCodeStep},
	} {
		if got := guard.CodeUsed(&l, tc.step); got != tc.used {
			t.Errorf("step %d after %d: used %v", tc.step, l.CodeStep, got)
		}
		if guard.UseCode(&l, tc.step); l.CodeStep != tc.want {
			t.Errorf("step %d leaves %d, want %d", tc.step, l.CodeStep, tc.want)
		}
	}
}

func TestCountOfLoginsStopsAtItsEnd(t *testing.T) {
	l := realm.Login{Logins: math.MaxInt32 - 1}
	for range 2 {
		if guard.CountLogin(&l); l.Logins != math.MaxInt32 {
			t.Errorf("%d logins", l.Logins)
		}
	}
}
