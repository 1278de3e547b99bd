package childtest

import (
	"testing"
	"time"
)

// Server is a child that a test may end, start again on the same address, and hold up.
type Server interface {
	Kill()
	Stop()
	Restart()
	Pause()
	Resume()
}

// ComesAndGoes checks all that on a server that was started; answers reports whether it lets somebody in within the time.
// It leaves the server paused: it must still be killed in the end.
func ComesAndGoes(t *testing.T, s Server, answers func(within time.Duration) bool) {
	t.Helper()
	if !answers(10 * time.Second) {
		t.Error("a server that was started does not answer")
	}
	for what, end := range map[string]func(){"kill": s.Kill, "stop": s.Stop} {
		end()
		if answers(100 * time.Millisecond) {
			t.Errorf("%s leaves the server there", what)
		}
		end() // again
		s.Restart()
		if !answers(10 * time.Second) {
			t.Errorf("no answer after %s and restart", what)
		}
	}
	s.Pause()
	if answers(100 * time.Millisecond) {
		t.Error("a paused server answers")
	}
	s.Resume()
	if !answers(10 * time.Second) {
		t.Error("a resumed server does not answer")
	}
	s.Pause()
}
