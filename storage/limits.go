package storage

import (
	"context"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Limits are plain rate limits, for minutes: how many requests one party may make in a time. They are no account like
// [Logins]: a restart or a failover may forget them, and a charge that is delivered twice may count twice.
type Limits interface {
	// Charge decides on one request that all the charges are about: each [Take] takes a place if there is one for every
	// charge, and none is taken otherwise. However many processes charge at once, no more places are taken than there are.
	// Charges of one party in one realm are decided upon in one step. With several parties a place may be held for a moment
	// by a request that is then refused. A charge whose limit is off is ignored.
	Charge(ctx context.Context, charges ...Charge) (Verdict, error)
	// Known is what [Look] would answer, as far as this process knows without asking anybody, from the refusals that it
	// has seen. It may allow what Charge would refuse, but not the other way round. Nothing is charged.
	Known(c Charge) Verdict
}

// Layer is what a limit is for.
type Layer string

// The layers.
const (
	LayerAddress    Layer = "address"     // failures of one address
	LayerClient     Layer = "client"      // password grants of one client
	LayerUserClient Layer = "user_client" // password grants for one user name through one client
)

// Charge is about one limit of one party.
type Charge struct {
	Layer    Layer
	Realm    string // the realm's key
	Party    string // a client's id, or an address
	Username string // canonical; of LayerUserClient
	Limit    realm.Limit
	Mode     Mode
}

// Mode is what a charge does.
type Mode int

const (
	// Take takes a place, if there is one.
	Take Mode = iota
	// Look takes nothing, and is refused where Take would be.
	Look
	// Count takes a place whatever the verdict is, for what has happened already. Then the verdict is that of a Look after
	// it. What is counted beyond the limit has to be waited for, up to 63 times the limit.
	Count
)

// Verdict is Charge's answer. The zero value allows the request.
type Verdict struct {
	Over  Layer         // that refuses; empty: none does
	Retry time.Duration // when there may be a place again, more than 0 if one refuses
}

// Refused reports whether a limit refuses the request.
func (v Verdict) Refused() bool { return v.Over != "" }

// Worse is the verdict of two that has to be waited for longer.
func (v Verdict) Worse(other Verdict) Verdict {
	if other.Refused() && (!v.Refused() || other.Retry > v.Retry) {
		return other
	}
	return v
}
