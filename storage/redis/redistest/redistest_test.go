package redistest_test

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/childtest"
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
	childtest.ComesAndGoes(t, s, func(within time.Duration) bool { return answers(s, within) })
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
