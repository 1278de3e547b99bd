package server_test

import (
	"net/http"
	"sync"
	"testing"
)

// TestParallelRefreshesHaveOneSuccessor: all of them get the same one, and it works.
func TestParallelRefreshesHaveOneSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	first := w.login(t, "/alpha", "app")
	const many = 64
	answers := w.atOnce(t, many, post(endpoint("/alpha", "access_token"), form("grant_type", "refresh_token", "refresh_token", first.refresh), basic("/alpha", "app")))
	successors := map[string]bool{}
	for _, a := range answers {
		if a.status != http.StatusOK {
			t.Fatal(a)
		}
		successors[a.json(t)["refresh_token"].(string)] = true
	}
	if len(successors) != 1 || successors[first.refresh] {
		t.Fatalf("%d successors", len(successors))
	}
	for successor := range successors {
		w.wantActive(t, "/alpha", "app", successor, true)
		w.exchange(t, "/alpha", "app", form("grant_type", "refresh_token", "refresh_token", successor))
	}
	w.wantActive(t, "/alpha", "app", first.refresh, false)
}

// TestParallelReuseWithoutGraceLeavesNoneAlive: one of them may win, but then the others were a reuse.
func TestParallelReuseWithoutGraceLeavesNoneAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	first := w.login(t, "/nograce", "app")
	answers := w.atOnce(t, 16, post(endpoint("/nograce", "access_token"), form("grant_type", "refresh_token", "refresh_token", first.refresh), basic("/nograce", "app")))
	won := 0
	for _, a := range answers {
		if a.status == http.StatusOK {
			won++
			w.wantActive(t, "/nograce", "app", a.json(t)["refresh_token"].(string), false)
		} else if a.status != http.StatusBadRequest || a.json(t)["error"] != "invalid_grant" {
			t.Error(a)
		}
	}
	if won != 1 {
		t.Errorf("%d uses of one token succeeded", won)
	}
}

// TestParallelGuessesAreCountedOneByOne: no more wrong passwords are evaluated than the threshold, however many come at
// once (CVE-2024-4629); then the right one is refused as well.
func TestParallelGuessesAreCountedOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	threshold := declared("/alpha").Lockout.Threshold
	answers := w.atOnce(t, 6*threshold, post(endpoint("/alpha", "access_token"), form("grant_type", "password", "username", "demo", "password", "wrong"), basic("/alpha", "app")))
	for _, a := range answers {
		if a.status != http.StatusBadRequest {
			t.Error(a)
		}
	}
	user := value(w.store.UserByName(t.Context(), "/alpha", "demo"))(t)
	if user.Login.Failures != threshold || user.Login.Consecutive != threshold {
		t.Errorf("%d failures, %d in a row, want %d", user.Login.Failures, user.Login.Consecutive, threshold)
	}
	if a := w.send(t, post(endpoint("/alpha", "access_token"), passwordGrant("/alpha", "demo"), basic("/alpha", "app"))); a.status != http.StatusBadRequest {
		t.Errorf("not locked: %s", a)
	}
}

// atOnce sends one request on many connections at the same time.
func (w *world) atOnce(t *testing.T, many int, request string) []answer {
	t.Helper()
	connections := make([]*connection, many)
	for i := range connections {
		connections[i] = w.dial(t)
	}
	answers, begin, wg := make([]answer, many), make(chan struct{}), sync.WaitGroup{}
	for i, c := range connections {
		wg.Go(func() {
			<-begin
			if _, err := c.conn.Write([]byte(request)); err != nil {
				t.Error(err)
				return
			}
			var err error
			if answers[i], err = c.read(http.MethodPost); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	wg.Wait()
	return answers
}
