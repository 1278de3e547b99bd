package audit

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long a request waits for a sink that is slow. It is well below the deadline of a request.
const patience = 500 * time.Millisecond

// errStuck means that the sink takes nothing. What was given to it may be written later.
var errStuck = errors.New("the sink does not take events")

// sink is one thing that events are written to, line by line.
type sink struct {
	mu   sync.Mutex
	w    io.Writer
	file *os.File // to be closed, or nil
	// busy is when the write began that is under way, in nanoseconds; 0: none is.
	busy atomic.Int64
}

// write writes one line by one call. It waits for no longer than patience: a sink that blocks, such as a pipe that nobody
// reads, must not hold up requests. While a write is under way that has taken longer, the next ones fail at once.
func (s *sink) write(line []byte) error {
	if since := s.busy.Load(); since != 0 && time.Since(time.Unix(0, since)) > patience {
		return errStuck
	}
	done := make(chan error, 1)
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy.Store(time.Now().UnixNano())
		_, err := s.w.Write(line)
		s.busy.Store(0)
		done <- err
	}()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		return errStuck
	}
}

// close closes the file once the writes that have begun are over. One that blocks is ended by it where the system can.
func (s *sink) close() {
	if s.file == nil {
		return
	}
	if s.busy.Load() == 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	_ = s.file.Close() // every line was written by its own call
}
