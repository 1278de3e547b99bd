package storagetest

import (
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
)

const ruleOldRecord = "A grant whose record the release before wrote is read, refreshed, revoked and ended as any other, and what is " +
	"not the record of its key is damaged, whatever its version."

// Plant replaces the record of a grant that a store has.
type Plant func(t *testing.T, s storage.Store, id storage.GrantID, record []byte)

// OldRecord is a grant's record as the release before wrote it, version 1: see storage/grantrecord1.go.
func OldRecord(g *storage.Grant) []byte {
	b := append([]byte{1}, g.ID[:]...)
	u32 := func(n uint32) { b = binary.BigEndian.AppendUint32(b, n) }
	u16 := func(n int) { b = binary.BigEndian.AppendUint16(b, uint16(n)) }
	ms := func(t time.Time) { b = append(b, binary.BigEndian.AppendUint64(nil, uint64(storage.Millis(t)))[2:]...) }
	str := func(s string) { u16(len(s)); b = append(b, s...) }
	u32(g.Generation)
	u32(g.Seq)
	ms(g.Refreshed)
	b = append(b, g.Nonce[:]...)
	for _, t := range []time.Time{g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.KeepUntil} {
		ms(t)
	}
	b = slices.Concat(b, g.RefreshDigest[:], make([]byte, 4), g.AccessDigest[:], make([]byte, 4)) // which is compared no more
	u32(g.RealmEpoch)
	u32(g.ClientEpoch)
	u32(g.RevokedUpTo)
	b = append(b, map[bool]byte{true: 1}[g.HasRefresh], byte(len(g.Revoked)))
	for _, seq := range g.Revoked {
		u32(seq)
		ms(time.Time{})
	}
	body := len(b)
	for _, s := range []string{g.Realm, g.Username, g.ClientID, strings.Join(g.Scopes, " "), g.Subject, g.GrantType, g.Journey, g.Rule} {
		str(s)
	}
	u16(g.AuthLevel)
	ms(g.AuthTime)
	str(g.Address)
	u16(len(g.Properties))
	for _, k := range slices.Sorted(maps.Keys(g.Properties)) {
		str(k)
		str(g.Properties[k])
	}
	u32(crc32.Update(crc32.ChecksumIEEE(g.ID[:]), crc32.IEEETable, b[body:]))
	return b
}

// oldEnv is an env that can replace records.
type oldEnv struct {
	*env
	plant func(id storage.GrantID, record []byte)
}

// old is a grant of a new owner, with an old record.
func (e oldEnv) old(change ...func(*storage.Grant)) *storage.Grant {
	g := e.newLogin(change...)
	e.plant(g.ID, OldRecord(g))
	return g
}

var oldRecordCases = []struct {
	name  string
	check func(e oldEnv)
}{
	{"read", func(e oldEnv) {
		g := e.old(func(g *storage.Grant) { g.Revoked, g.RevokedUpTo = []uint32{5, 9}, 3 })
		e.equal("grant", e.inspect(g), g)
		v, err := e.InspectOwner(e.ctx, g.ID)
		e.ok("inspect with the owner", err)
		e.that("the owner is read", v.User != nil && v.User.Username == g.Username)
		e.equal("the owner's grants", e.grantsOf(g.Username), []*storage.Grant{g})
	}},
	{"refresh", func(e oldEnv) {
		g := e.old()
		e.refused(g, step(g, foreignClient), storage.RefreshRefused)
		e.refused(g, step(g, wider), storage.RefreshWider)
		r := step(g)
		got := e.renew(r)
		e.equal("numbers", []uint32{got.Generation, got.Seq}, []uint32{1, 2})
		e.equal("stored", e.inspect(g), got)
		e.equal("the same request again", e.renew(r), got)
		e.equal("a predecessor within the grace", e.renew(step(g, grace(long))), got)
		e.equal("the next one", e.renew(step(got)).Generation, uint32(2))
		e.equal("a spent token", e.refresh(step(g)).Outcome, storage.RefreshReused)
		e.gone(g)
	}},
	{"revoke", func(e oldEnv) {
		g := e.old(func(g *storage.Grant) { g.Seq = 200 })
		for seq := uint32(2); seq <= 2*(storage.MaxRevoked+1); seq += 2 {
			e.ok("revoke", e.Revoke(e.ctx, revocation(g, seq)))
		}
		got := e.inspect(g)
		e.equal("revoked 2, 3, 130, 131", []bool{got.IsRevoked(2), got.IsRevoked(3), got.IsRevoked(130), got.IsRevoked(131)},
			[]bool{true, false, true, false})
		e.equal("remembered one by one", len(got.Revoked), storage.MaxRevoked)
		e.that("a refresh keeps them", e.renew(step(g)).IsRevoked(130))
		e.ok("revoke the refresh token", e.Revoke(e.ctx, refreshRevocation(g)))
		e.gone(g)
	}},
	{"end", func(e oldEnv) {
		g := e.old()
		e.ok("end it", e.EndGrant(e.ctx, e.realm, g.ID))
		e.gone(g)
		g = e.old()
		e.ok("end the owner's", e.EndUser(e.ctx, e.realm, g.Username))
		e.gone(g)
		g = e.old()
		u := e.read(g.Username)
		u.Expires = storage.Trim(time.Now().Add(long))
		e.ok("let the account end", e.UpdateUser(e.ctx, u, false))
		e.equal("the grant's end", e.inspect(g).MaxExpires, u.Expires)
		e.ok("end the client's", e.EndClient(e.ctx, e.realm, clientID))
		e.until("the client's grants end", 10*time.Second, func() bool { return !e.alive(g) })
	}},
	{"damaged", func(e oldEnv) {
		present := func(g *storage.Grant) []byte {
			record, err := g.Encode()
			e.ok("encode", err)
			return record
		}
		for _, record := range []func(*storage.Grant) []byte{OldRecord, present} {
			u := e.user()
			g, other := e.login(u.Username), e.login(u.Username)
			whole := record(g)
			for what, bad := range map[string][]byte{
				"another's": record(other), "cut short": whole[:len(whole)-5], "cut off": whole[:60], "one byte": whole[:1],
				"longer": append(slices.Clone(whole), 0), "a later version": append([]byte{3}, whole[1:]...),
			} {
				e.plant(g.ID, bad)
				_, err := e.Inspect(e.ctx, g.ID)
				e.is(what+": inspect", err, storage.ErrDamaged)
				_, err = e.GrantsOf(e.ctx, e.realm, u.Username)
				e.is(what+": list", err, storage.ErrDamaged)
				if whole[0] == 1 && (what == "longer" || what == "cut short") {
					continue // a script may look at the beginning only
				}
				_, err = e.InspectOwner(e.ctx, g.ID)
				e.is(what+": inspect with the owner", err, storage.ErrDamaged)
				_, err = e.Refresh(e.ctx, step(g))
				e.is(what+": refresh", err, storage.ErrDamaged)
				e.is(what+": revoke", e.Revoke(e.ctx, revocation(g, 1)), storage.ErrDamaged)
			}
		}
	}},
}

func runOldRecords(t *testing.T, s storage.Store, plant Plant) {
	for _, c := range oldRecordCases {
		t.Run(c.name, func(t *testing.T) {
			e, cancel := newEnv(s)
			defer cancel()
			report(t, ruleOldRecord, e.run(func(e *env) {
				c.check(oldEnv{e, func(id storage.GrantID, record []byte) { plant(t, s, id, record) }})
			}))
		})
	}
}
