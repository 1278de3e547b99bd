package redis

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// maxAsks is how often a settlement looks up epochs that decide which grants are alive. Only new logins, through more and
// more clients, could have it look again.
const maxAsks = 3

// guessedEpochs is how many epochs a settlement with a limit brings along before it is asked for any.
const guessedEpochs = 16

// Finish settles a reservation, with all that goes with it, in one round trip. The grant's epochs are those that are
// remembered: an end of its client's or realm's grants within the last second may end it too. Two round trips more are
// made when a limit is met by grants of other clients whose epochs are not remembered.
func (s *Store) Finish(ctx context.Context, st storage.Settlement) error {
	if err := s.serving(ctx); err != nil {
		return err
	}
	st, err := st.Effective()
	if err != nil {
		return err
	}
	x := s.settling(&st.Reservation, st.Outcome)
	x.endGrants, x.countLogin, x.codeStep, x.wrongCode = st.EndGrants, st.CountLogin, st.CodeStep, st.WrongCode
	x.introduces, x.unverified = st.Introduces(), st.Unverified
	if x.read, x.owner, err = parts(&st); err != nil {
		return err
	}
	if g := st.Grant; g != nil {
		if x.grant, err = s.newGrant(ctx, &st.Reservation, g); err != nil {
			return err
		}
		x.keys[5] = s.keys.grant(g.ID)
	}
	return s.settle(ctx, &st, x)
}

// settle runs the script, and again with the epochs that it asks for.
func (s *Store) settle(ctx context.Context, st *storage.Settlement, x settling) error {
	if x.limit = st.GrantLimit; x.limit.On() {
		for client, epoch := range s.epochs.some(st.Reservation.Realm, guessedEpochs) {
			x.epochs = append(x.epochs, client, epoch)
		}
	}
	call := s.run
	if st.Outcome == storage.Failure || st.EndGrants || st.CodeStep != 0 || st.GrantLimit.On() {
		call = s.confirm // it may lock, end grants, or use a code up; who is refused for want of room waits as who fails
	}
	for try := 0; ; try++ {
		x.asks = try < maxAsks
		reply, err := call(ctx, finishScript, x.keys, x.args()...)
		if err != nil {
			return err
		}
		clients, asked := reply.([]any)
		if !asked {
			return settled(st, reply)
		}
		if err := s.lookUp(ctx, &x, st.Reservation.Realm, clients); err != nil {
			return err
		}
	}
}

// settled is the script's answer to a settlement.
func settled(st *storage.Settlement, reply any) error {
	word, isText := reply.(string)
	evicted, isDone := strings.CutPrefix(word, "ok")
	if !isText || !isDone {
		return verdict(reply)
	}
	var ids []storage.GrantID
	for member := range slices.Chunk([]byte(evicted), len(storage.GrantID{})-2) {
		id, ok := inBucket(storage.Bucket(st.Reservation.Realm, st.Reservation.Username), string(member))
		if !ok {
			return errReply
		}
		ids = append(ids, id)
	}
	if st.Evicted != nil {
		*st.Evicted = ids
	}
	return nil
}

// lookUp adds the epochs of clients that the script has asked for.
func (s *Store) lookUp(ctx context.Context, x *settling, realmKey string, clients []any) error {
	var unknown []realmClient
	add := func(k realmClient, p pairOfEpochs) { x.epochs = append(x.epochs, k.client, p.client) }
	for _, c := range clients {
		client, err := text(c)
		if err != nil {
			return err
		}
		k := realmClient{realmKey, client}
		if p, ok := s.epochs.get(k); ok {
			add(k, p)
			continue
		}
		unknown = append(unknown, k)
	}
	if len(unknown) == 0 {
		return nil
	}
	all, err := s.readEpochs(ctx, unknown)
	for k, p := range all {
		add(k, p)
	}
	return err
}

// settling is what finish.lua is asked for, in the order of its arguments. Nil bytes are none.
type settling struct {
	keys       []string
	nonce      nonce
	outcome    storage.Outcome
	known      bool   // Begin found an owner
	read       []byte // see parts
	owner      []byte
	endGrants  bool
	countLogin bool
	codeStep   uint64
	wrongCode  bool
	grant      []byte // see newGrant
	base       string
	bucket     uint16
	source     storage.Source
	introduces bool // a success makes it known
	unverified bool
	limit      realm.GrantLimit
	asks       bool // for epochs that are not known
	policy     []any
	epochs     []any // clients and theirs
}

// settling is a settlement of a reservation with no more than an outcome, and without a grant's key.
func (s *Store) settling(r *storage.Reservation, o storage.Outcome) settling {
	bucket := storage.Bucket(r.Realm, r.Username)
	base := s.keys.base(bucket)
	mark := s.keys.done(s.keys.user(r.Realm, r.Username), r.Nonce[:])
	return settling{
		keys:  append(s.accounts(r.Realm, r.Username), base+"g:", s.keys.index(r.Realm, r.Username), mark),
		nonce: r.Nonce, outcome: o, known: r.User != nil, base: base, bucket: bucket, source: r.Source,
		policy: policy(r.Policy),
	}
}

func (x *settling) args() []any {
	return append([]any{
		x.nonce[:], int(x.outcome), flag(x.known), x.read, x.owner, flag(x.endGrants), flag(x.countLogin), x.codeStep, flag(x.wrongCode),
		x.grant, x.base, bucketBytes(x.bucket), millis(strangerLife), millis(doneLife), x.source[:], flag(x.introduces),
		flag(x.unverified), x.limit.Most, flag(x.limit.EvictOldest), flag(x.asks),
	}, slices.Concat(x.policy, x.epochs)...)
}

// bucketBytes are the two bytes that a grant's id begins with.
func bucketBytes(bucket uint16) []byte { return binary.BigEndian.AppendUint16(nil, bucket) }

// newGrant completes and encodes a grant: its id, which the record does not name, and the record. The script lets it end
// with the account that it finds.
func (s *Store) newGrant(ctx context.Context, r *storage.Reservation, g *storage.Grant) ([]byte, error) {
	now, err := s.epochsOf(ctx, realmClient{g.Realm, g.ClientID}, false)
	if err != nil {
		return nil, err
	}
	g.RealmEpoch, g.ClientEpoch = now.realm, now.client
	g.MaxExpires = r.Bound(g.MaxExpires)
	record, err := g.Encode()
	if err != nil {
		return nil, fmt.Errorf("finish: %w", err)
	}
	return append(g.ID[:], record...), nil
}

// parts are the administrative part of the owner's record as Begin read it, and the one to write. Without one the
// version, which stands first, is all that is needed.
func parts(st *storage.Settlement) (read, owner []byte, err error) {
	u := st.Reservation.User
	switch {
	case u == nil:
		return nil, nil, nil
	case st.Owner == nil:
		return binary.BigEndian.AppendUint32(nil, u.Version), nil, nil
	}
	if read, err = storage.EncodeAdministrative(u); err != nil {
		return nil, nil, err
	}
	owner, err = storage.EncodeAdministrative(st.Owner)
	return read, owner, err
}
