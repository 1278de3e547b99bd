package ropcd

import (
	"context"
	"time"
)

const (
	// probeEvery is how often the store is looked at when nobody asks for /readyz.
	probeEvery = 5 * time.Second
	// probeTimeout bounds one look.
	probeTimeout = time.Second
)

// probe looks at the store until ctx ends, and logs when it can't be used and when it can again, each once. A store that
// notices its state only when it is asked notices it here.
func (p *process) probe(ctx context.Context) {
	usable := true
	for tick := time.NewTicker(probeEvery); ; {
		look, cancel := context.WithTimeout(ctx, probeTimeout)
		err := p.store.Ready(look)
		cancel()
		switch {
		case ctx.Err() != nil:
			tick.Stop()
			return
		case err != nil && usable:
			p.logger.WarnContext(ctx, "the store can't be used", "error", err)
		case err == nil && !usable:
			p.logger.InfoContext(ctx, "the store can be used again")
		}
		usable = err == nil
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}
