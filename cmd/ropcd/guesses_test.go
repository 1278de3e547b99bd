package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ropcd/ropcd/storage/redis/redistest"
)

const (
	guessRounds = 4   // each with a new owner
	guesses     = 200 // in a round, one of them right
	threshold   = 5
)

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
	a, b := twins(t, redistest.Start(t), guarded)
	a.enroll(t)
	for round := range guessRounds {
		name := fmt.Sprintf("victim%d", round)
		a.cli(t, userPassword, "user", "create", "--realm", "alpha", "--username", name, "--password-stdin")
		right, threads := rand.IntN(guesses), 24
		if round%2 == 1 {
			right, threads = rand.IntN(threshold-1), threshold-1 // so that it comes through
		}
		found := guess(t, name, right, threads, a, b)
		counts, events := map[string]int{}, 0
		eventually(t, "all guesses are audited", func() bool {
			counts, events = reasons(t, name, a, b)
			return events >= guesses
		})
		compared := counts["wrong_password"]
		if counts[""] != found || events != guesses || compared+counts["locked"]+found != guesses {
			t.Errorf("round %d: audited %v", round, counts)
		}
		told, locked := b.failures(t, name)
		t.Logf("round %d: the right one is the %d. of %d and was found %d times; %d wrong ones were compared, %d are counted",
			round, right+1, guesses, found, compared, told)
		switch {
		case !locked || told != threshold:
			t.Errorf("round %d: %d failures, locked %t, after %d guesses", round, told, locked, guesses)
		case found == 0 && compared != told:
			t.Errorf("round %d: %d wrong passwords were compared, and %d counted", round, compared, told)
		case found == 1 && (compared < told || compared >= told+threshold): // the right one clears those before it
			t.Errorf("round %d: %d wrong passwords were compared around the right one", round, compared)
		}
	}
}

// guess tries passwords of an owner at many connections of both processes, and returns how often one was right.
func guess(t *testing.T, name string, right, threads int, both ...*process) int {
	t.Helper()
	var found atomic.Int64
	inParallel(guesses, threads, func(i int) {
		password := fmt.Sprintf("canary-guess-%d-of-many", i)
		if i == right {
			password = userPassword
		}
		answer, err := both[i%len(both)].call("access_token", loginOf(name, password))
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
