package redistest_test

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage/redis/redistest"
)

func answers(s *redistest.Server, within time.Duration) bool {
	c, err := net.DialTimeout("tcp", s.Addr(), within)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(within))
	_, _ = c.Write([]byte("PING\r\n"))
	n, _ := c.Read(make([]byte, 7))
	return n > 0
}

func TestServerComesAndGoes(t *testing.T) {
	s := redistest.Start(t)
	other := redistest.Start(t)
	if s.Addr() == other.Addr() || s.Dir() == other.Dir() {
		t.Error("two servers are one")
	}
	if !answers(s, 10*time.Second) {
		t.Error("a server that was started does not answer")
	}
	for what, end := range map[string]func(){"kill": s.Kill, "stop": s.Stop} {
		end()
		if answers(s, 100*time.Millisecond) {
			t.Errorf("%s leaves the server there", what)
		}
		end() // again
		s.Restart()
		if !answers(s, 10*time.Second) {
			t.Errorf("no answer after %s and restart", what)
		}
	}
	s.Pause()
	if answers(s, 100*time.Millisecond) {
		t.Error("a paused server answers")
	}
	s.Resume()
	if !answers(s, 10*time.Second) {
		t.Error("a resumed server does not answer")
	}
	s.Pause() // it must still be killed in the end
}

func TestServerEndsWithItsTest(t *testing.T) {
	var s *redistest.Server
	t.Run("inner", func(t *testing.T) { s = redistest.Start(t) })
	if answers(s, 100*time.Millisecond) {
		t.Error("the server is still there")
	}
	if _, err := os.Stat(s.Dir()); err == nil {
		t.Error("the directory is still there")
	}
}
