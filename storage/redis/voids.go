package redis

import (
	"context"
	"sync"
	"time"

	"github.com/ropcd/ropcd/storage"
)

const (
	maxVoids  = 1024
	voidPause = 200 * time.Millisecond
)

// void is a reservation that may exist and must not count.
type void struct {
	reservation storage.Reservation
	until       time.Time // then it has counted
}

// voids gives back, one after the other, what Begin may have reserved without hearing of it. A server that was away for
// a moment would otherwise charge all who tried to log in meanwhile. What does not fit is not given back.
type voids struct {
	queue chan void
	stop  context.CancelFunc
	done  sync.WaitGroup
}

func newVoids(s *Store) *voids {
	ctx, stop := context.WithCancel(context.Background())
	v := &voids{queue: make(chan void, maxVoids), stop: stop}
	v.done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case x := <-v.queue:
				s.giveBack(ctx, x)
			}
		}
	})
	return v
}

func (v *voids) add(x void) {
	select {
	case v.queue <- x:
	default:
	}
}

func (v *voids) close() {
	v.stop()
	v.done.Wait()
}

// giveBack settles with Void, both for an owner and for a stranger: nobody knows which it was.
func (s *Store) giveBack(ctx context.Context, x void) {
	for time.Now().Before(x.until) && ctx.Err() == nil {
		err := s.voidBoth(ctx, x.reservation)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(voidPause):
		}
	}
}

func (s *Store) voidBoth(ctx context.Context, r storage.Reservation) error {
	x := s.settling(&r, storage.Void)
	for _, known := range []bool{true, false} {
		x.known = known
		if _, err := s.run(ctx, finishScript, x.keys, x.args()...); err != nil {
			return err
		}
	}
	return nil
}
