package main_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ropcd/ropcd/storage/redis/redistest"
)

const threshold = 5

// guessing is how much to guess: rounds, each with a new owner, and guesses in a round, of which one is right.
type guessing struct{ rounds, guesses int }

// guarded is alpha with a lock that outlasts the test, and without rate limits, which would help.
var guarded = strings.Replace(alpha, "    authentication: {", fmt.Sprintf(
	"    limits: {address: {requests: 0}, client: {requests: 0}, user_client: {requests: 0}}\n"+
		"    authentication: {lockout: {threshold: %d, duration: 1h, max_duration: 1h, stop_after: 0}, ", threshold), 1)

func loginOf(name, password string) url.Values {
	return url.Values{"grant_type": {"password"}, "username": {name}, "password": {password}}
}

// inParallel calls f for 0 to n-1, by so many at a time.
func inParallel(n, threads int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range threads {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// reasons counts the password grants that processes have audited for a user name, by reason; a success has none.
func reasons(t *testing.T, name string, all ...*process) (counts map[string]int, events int) {
	t.Helper()
	counts = map[string]int{}
	for _, p := range all {
		for line := range strings.Lines(p.stdout.String()) {
			var e struct{ Event, Username, Reason string }
			if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &e) == nil && e.Event == "grant" && e.Username == name {
				counts[e.Reason]++
				events++
			}
		}
	}
	return counts, events
}

// failures is what an administrator is told of an owner.
func (p *process) failures(t *testing.T, name string) (n int, locked bool) {
	t.Helper()
	var user struct {
		Failures    *int    `json:"failures"`
		LockedUntil *string `json:"locked_until"`
	}
	text := p.cli(t, "", "user", "show", "--realm", "alpha", "--username", name, "--output", "json")
	if err := json.Unmarshal([]byte(text), &user); err != nil || user.Failures == nil {
		t.Fatalf("user show: %v\n%s", err, text)
	}
	return *user.Failures, user.LockedUntil != nil
}

// However many guess at once, and through whichever process: no more wrong passwords than the threshold are compared
// before the account is locked, and each that was compared is counted (CVE-2024-4629).
func TestGuessesThroughTwoProcessesAreCountedTogether(t *testing.T) {
	g := guessing{rounds: 4, guesses: 200}
	if *soak {
		g = guessing{rounds: 60, guesses: 1000}
	}
	a, b := twins(t, redistest.Start(t), guarded)
	a.enroll(t)
	tried, luck := 0, 0
	for round := range g.rounds {
		name := fmt.Sprintf("victim%d", round)
		a.cli(t, userPassword, "user", "create", "--realm", "alpha", "--username", name, "--password-stdin")
		right, threads := rand.IntN(g.guesses), 24
		if round%4 == 3 {
			right, threads = rand.IntN(threshold-1), threshold-1 // so that it comes through
		}
		found := g.round(t, name, right, threads, a, b)
		if round%4 != 3 {
			tried++
			luck += found
		}
	}
	p := float64(threshold) / float64(g.guesses)
	chance := atLeast(luck, tried, p)
	t.Logf("in %d rounds the right one stood at a random place, and was found in %d: %.2f are expected of %d tries of %d; so many or more have p = %.3g",
		tried, luck, p*float64(tried), threshold, g.guesses, chance)
	if chance < 1e-6 {
		t.Errorf("it is found more often than %d tries would find it", threshold)
	}
}

// atLeast is the probability of k or more successes in n trials that succeed with p.
func atLeast(k, n int, p float64) (sum float64) {
	for i := k; i <= n; i++ {
		choose := 1.0
		for j := range i {
			choose *= float64(n-j) / float64(j+1)
		}
		sum += choose * math.Pow(p, float64(i)) * math.Pow(1-p, float64(n-i))
	}
	return sum
}

// round guesses one owner's password, expects the account of attempts to be exact, and returns how often the right one
// was found.
func (g guessing) round(t *testing.T, name string, right, threads int, a, b *process) (found int) {
	t.Helper()
	found = g.guess(t, name, right, threads, a, b)
	counts, events := map[string]int{}, 0
	eventually(t, "all guesses are audited", func() bool {
		counts, events = reasons(t, name, a, b)
		events -= counts["queue"]
		return events >= g.guesses
	})
	compared := counts["wrong_password"]
	if counts[""] != found || events != g.guesses || compared+counts["locked"]+found != g.guesses {
		t.Errorf("%s: audited %v", name, counts)
	}
	told, locked := b.failures(t, name)
	t.Logf("%s: the right one is the %d. of %d and was found %d times; %d wrong ones were compared, %d are counted",
		name, right+1, g.guesses, found, compared, told)
	switch {
	case !locked || told != threshold:
		t.Errorf("%s: %d failures, locked %t, after %d guesses", name, told, locked, g.guesses)
	case found == 0 && compared != told:
		t.Errorf("%s: %d wrong passwords were compared, and %d counted", name, compared, told)
	case found == 1 && (compared < told || compared >= told+threshold): // the right one clears those before it
		t.Errorf("%s: %d wrong passwords were compared around the right one", name, compared)
	}
	return found
}

// guess tries passwords of an owner at many connections of both processes, and returns how often one was right.
func (g guessing) guess(t *testing.T, name string, right, threads int, both ...*process) int {
	t.Helper()
	var found atomic.Int64
	inParallel(g.guesses, threads, func(i int) {
		password := fmt.Sprintf("canary-guess-%d-of-many", i)
		if i == right {
			password = userPassword
		}
		answer, err := both[i%len(both)].call("access_token", loginOf(name, password))
		for err == nil && answer.status == http.StatusServiceUnavailable { // a full queue, which charges nobody
			answer, err = both[i%len(both)].call("access_token", loginOf(name, password))
		}
		switch {
		case err != nil:
			t.Errorf("guess %d: %v", i, err)
		case answer.status == http.StatusOK && i == right:
			found.Add(1)
		case answer.status != http.StatusBadRequest || answer.text("error") != "invalid_grant":
			t.Errorf("guess %d, the right one is %d: %d %v", i, right, answer.status, answer.body)
		}
	})
	return int(found.Load())
}

// Attempts under way might all fail, and are waited for: right passwords don't keep each other out.
func TestRightLoginsThroughTwoProcessesAllSucceed(t *testing.T) {
	a, b := twins(t, redistest.Start(t), guarded)
	a.enroll(t)
	const many = 50
	both := []*process{a, b}
	inParallel(many, many, func(i int) {
		answer, err := both[i%2].call("access_token", passwordGrant())
		if err != nil || answer.status != http.StatusOK {
			t.Errorf("login %d: %d %v %v", i, answer.status, answer.body, err)
		}
	})
	if n, locked := b.failures(t, "demo"); n != 0 || locked {
		t.Errorf("%d failures, locked %t", n, locked)
	}
}
