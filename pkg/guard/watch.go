package guard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/realm"
)

// AlarmWindow is how long the denied logins of one address, and the grants of one client, are counted together. It begins
// with the first one.
const AlarmWindow = 10 * time.Minute

// How many parties a [Watch] remembers at once, of all realms together.
const (
	WatchedAddresses = 4096
	WatchedClients   = 1024
)

// Watch notices two ways of guessing that go around the account of each owner: one address that tries many owners, and a
// client most of whose grants are denied. It refuses nobody and asks no store: each process watches what it sees itself.
//
// Its memory is bounded by [WatchedAddresses] and [WatchedClients], and by [realm.MaxAlarmOwners] for each address; of more
// parties, the one is forgotten from which nothing has come for the longest time. What it keeps are digests under a random
// key of its own: no names and no addresses. What it does depends on earlier requests only, never on whether an owner
// exists. Safe for concurrent use.
type Watch struct {
	key       [32]byte
	forgotten atomic.Uint64

	mu        sync.Mutex
	addresses parties
	clients   parties
}

// NewWatch makes a watch that has seen nothing.
func NewWatch() *Watch {
	w := &Watch{addresses: newParties(WatchedAddresses), clients: newParties(WatchedClients)}
	_, _ = rand.Read(w.key[:]) // never fails, see crypto/rand
	return w
}

// Decided is a password grant that was decided: granted, or denied for whatever reason. A fault decides nothing, and what a
// rate limit refuses was not looked at.
type Decided struct {
	ClientID string
	Username string // canonical
	Address  string // of the end user; empty when it is that of a back end
	Denied   bool
	Counted  bool // before, as granted
	At       time.Time
}

// Alarm is what a watch has noticed. It names an address or a client, never an owner.
type Alarm struct {
	Reason   string // audit.ManyOwners or audit.FailureRatio
	Network  string // of the address, see [Network]; or empty
	ClientID string // or empty
	Count    int    // distinct user names denied at the address; or denied grants of the client
	Grants   int    // of the client, the denied ones included
}

// Note counts a decision, and tells which limits of the realm's alarms it exceeds. Each party raises one alarm per
// [AlarmWindow], at the moment when it exceeds its limit; one that was forgotten in between may raise another.
func (w *Watch) Note(r *realm.Realm, d Decided) (raised []Alarm) {
	if a, ok := w.address(r, d); ok {
		raised = append(raised, a)
	}
	if a, ok := w.client(r, d); ok {
		raised = append(raised, a)
	}
	return raised
}

// Forgotten is how many parties were forgotten before their window was over, since there was no room. Where it grows,
// alarms may be missing.
func (w *Watch) Forgotten() uint64 { return w.forgotten.Load() }

// address counts the name of a denied login at its address.
func (w *Watch) address(r *realm.Realm, d Decided) (Alarm, bool) {
	most, network := min(r.Limits.Alarms.Owners, realm.MaxAlarmOwners), Network(d.Address)
	if most <= 0 || network == "" || !d.Denied {
		return Alarm{}, false
	}
	id, name := w.digest("address", r, network), w.digest("name", r, d.Username)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.at(&w.addresses, id, d.At)
	short := binary.BigEndian.Uint64(name[:])
	if p.raised || slices.Contains(p.names, short) {
		return Alarm{}, false
	}
	p.names = append(p.names, short)
	count := len(p.names)
	if count <= most {
		return Alarm{}, false
	}
	p.raised, p.names = true, nil
	return Alarm{Reason: audit.ManyOwners, Network: network, Count: count}, true
}

// client counts a grant of a client.
func (w *Watch) client(r *realm.Realm, d Decided) (Alarm, bool) {
	a := r.Limits.Alarms
	if a.Grants <= 0 || a.DeniedPercent <= 0 {
		return Alarm{}, false
	}
	id := w.digest("client", r, d.ClientID)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.at(&w.clients, id, d.At)
	if !d.Counted {
		p.grants++
	}
	if d.Denied {
		p.denied++
	}
	if p.raised || p.grants < a.Grants || p.denied*100 <= a.DeniedPercent*p.grants {
		return Alarm{}, false
	}
	p.raised = true
	return Alarm{Reason: audit.FailureRatio, ClientID: d.ClientID, Count: p.denied, Grants: p.grants}, true
}

// at is what is known of a party in the window of a time.
func (w *Watch) at(all *parties, id digest, now time.Time) *party {
	p, early := all.at(id, now)
	if early {
		w.forgotten.Add(1)
	}
	return p
}

// digest stands for a value of a realm in memory.
func (w *Watch) digest(kind string, r *realm.Realm, value string) (d digest) {
	mac := hmac.New(sha256.New, w.key[:])
	mac.Write([]byte(kind + "\x00" + r.Path.Key() + "\x00" + value))
	copy(d[:], mac.Sum(nil))
	return d
}
