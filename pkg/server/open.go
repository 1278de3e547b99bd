package server

import (
	"errors"
	"sync/atomic"
)

// DefaultMaxOpen is how many requests may be open at once, over all connections. One that stalls costs some tens of KiB,
// and one that is served takes milliseconds: as many are open when a store that hangs is waited for at thousands a second.
const DefaultMaxOpen = 2000

// errCrowded is why a request was refused before anything of its body was read.
var errCrowded = errors.New("too many requests are open")

// place is what a request gets at the door.
type place int

const (
	toServe  place = iota
	toRefuse       // with an answer
	toDrop         // without one
)

// openRequests counts the requests under way, from their headers until their answers are out. As many as are served may be
// refused at once: also those who don't take the answer must be bounded.
type openRequests struct {
	most             int64
	served, refusing atomic.Int64
}

// enter gives a place, which the caller gives back to leave.
func (o *openRequests) enter() place {
	if o.served.Add(1) <= o.most {
		return toServe
	}
	o.served.Add(-1)
	if o.refusing.Add(1) <= o.most {
		return toRefuse
	}
	o.refusing.Add(-1)
	return toDrop
}

func (o *openRequests) leave(p place) {
	switch p {
	case toServe:
		o.served.Add(-1)
	case toRefuse:
		o.refusing.Add(-1)
	case toDrop:
	}
}
