package storage

import (
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"
	"time"
)

// grantVersion is the first byte of a grant's record. Records of version 1 are read, too: see grantrecord1.go.
const grantVersion = 2

// The record is in three parts. First stands what steps change:
//
//	offset length
//	     0      1  version
//	     1      2  flags, those below
//	     3     12  refresh digest
//	    15     12  access digest
//	    27      8  nonce
//	    35  1 to 4 generation, and as long seq: 2 bytes with hasShort, 4 with hasWide
//
// Behind it stand, in this order, the fields that flags have a bit for; one that is not there is zero, but for keep
// until: then it is the usual one, see usualKeep.
//
// Then follows what never changes: the auth time (ms, 6 bytes), and, in the short forms of compact.go, the realm, the user
// name, the client id, the scopes joined by a space, the subject and the rest. Last stand 6 bytes of SHA-1 over the
// grant's id and all before: so the record is bound to its key without naming it. It is no secret and keeps nobody out who
// may write to the store; SHA-1 is what a script of Redis can compute.
const (
	hasWide           = 1 << iota // generation or seq is beyond 16 bits
	hasRefresh                    // no bytes: a refresh token was issued
	hasAccessExpires              // ms, 6 bytes
	hasRefreshExpires             // ms, 6 bytes
	hasMaxExpires                 // ms, 6 bytes
	hasRefreshed                  // ms, 6 bytes
	hasKeepUntil                  // ms, 6 bytes
	hasRealmEpoch                 // 4 bytes
	hasClientEpoch                // 4 bytes
	hasRevokedUpTo                // 4 bytes
	hasRevoked                    // n, 1 byte, and n numbers of 4 bytes
	hasShort                      // generation or seq is beyond 8 bits, and neither beyond 16
	flagsEnd
)

const sealSize = 6

// Encode is the grant as both stores keep it.
func (g *Grant) Encode() ([]byte, error) {
	if len(g.Scopes) > MaxScopes || len(g.Revoked) > MaxRevoked {
		return nil, fmt.Errorf("encode grant: %d scopes, %d revoked tokens", len(g.Scopes), len(g.Revoked))
	}
	flags, optional := g.optional()
	w := &writer{b: make([]byte, 0, 224)}
	w.u8(grantVersion)
	w.u16(flags)
	w.raw(g.RefreshDigest[:])
	w.raw(g.AccessDigest[:])
	w.raw(g.Nonce[:])
	w.raw(optional)
	w.ms(g.AuthTime)
	w.text(g.Realm)
	w.text(g.Username)
	w.text(g.ClientID)
	w.text(strings.Join(g.Scopes, " "))
	w.text(g.Subject)
	w.word(g.GrantType)
	w.word(g.Journey)
	w.word(g.Rule)
	w.size(g.AuthLevel)
	w.address(g.Address)
	w.shortProperties(g.Properties)
	seal := sealOf(g.ID, w.b)
	w.raw(seal[:])
	return w.b, w.err
}

// optional are the flags, and generation, seq and the fields that the flags speak of.
func (g *Grant) optional() (flags uint16, b []byte) {
	w := &writer{}
	switch most := max(g.Generation, g.Seq); {
	case most > 0xffff:
		flags |= hasWide
		w.u32(g.Generation)
		w.u32(g.Seq)
	case most > 0xff:
		flags |= hasShort
		w.u16(uint16(g.Generation))
		w.u16(uint16(g.Seq))
	default:
		w.u8(uint8(g.Generation))
		w.u8(uint8(g.Seq))
	}
	if g.HasRefresh {
		flags |= hasRefresh
	}
	for i, t := range []time.Time{g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.Refreshed} {
		if !t.IsZero() {
			flags |= hasAccessExpires << i
			w.ms(t)
		}
	}
	if Millis(g.KeepUntil) != Millis(usualKeep(g)) {
		flags |= hasKeepUntil
		w.ms(g.KeepUntil)
	}
	for i, n := range []uint32{g.RealmEpoch, g.ClientEpoch, g.RevokedUpTo} {
		if n != 0 {
			flags |= hasRealmEpoch << i
			w.u32(n)
		}
	}
	if len(g.Revoked) > 0 {
		flags |= hasRevoked
		w.u8(uint8(len(g.Revoked)))
		for _, seq := range g.Revoked {
			w.u32(seq)
		}
	}
	return flags, w.b
}

// usualKeep is until when a record is kept whose tokens have had the same lifetimes from the start.
func usualKeep(g *Grant) time.Time {
	switch {
	case !g.HasRefresh:
		return g.AccessExpires
	case g.AccessExpires.IsZero() || g.RefreshExpires.IsZero():
		return time.Time{}
	case g.AccessExpires.After(g.RefreshExpires):
		return g.AccessExpires
	}
	return g.RefreshExpires
}

func sealOf(id GrantID, record []byte) [sealSize]byte {
	h := sha1.New()
	h.Write(id[:])
	h.Write(record)
	return [sealSize]byte(h.Sum(nil))
}

// DecodeGrant reads the record that is kept under id, of this version or the one before. Anything else than what
// [Grant.Encode] wrote for that id is [ErrDamaged].
func DecodeGrant(id GrantID, record []byte) (*Grant, error) {
	if len(record) == 0 {
		return nil, fmt.Errorf("empty grant record: %w", ErrDamaged)
	}
	switch record[0] {
	case 1:
		return decodeGrant1(id, record)
	case grantVersion:
		return decodeGrant2(id, record)
	}
	return nil, fmt.Errorf("grant record of an unknown version: %w", ErrDamaged)
}

func decodeGrant2(id GrantID, record []byte) (*Grant, error) {
	body := len(record) - sealSize
	if body < 1 {
		return nil, fmt.Errorf("grant record cut short: %w", ErrDamaged)
	}
	if sealOf(id, record[:body]) != [sealSize]byte(record[body:]) {
		return nil, fmt.Errorf("another grant's record, or a changed one: %w", ErrDamaged)
	}
	r := &reader{b: record[1:body], ok: true}
	g := &Grant{ID: id}
	flags := r.u16()
	g.RefreshDigest, g.AccessDigest = Digest(r.take(12)), Digest(r.take(12))
	g.Nonce = [8]byte(r.take(8))
	r.optional(g, flags)
	g.AuthTime = r.ms()
	g.Realm, g.Username, g.ClientID = r.text(), r.text(), r.text()
	g.Scopes = splitScopes(r.text())
	g.Subject, g.GrantType, g.Journey, g.Rule = r.text(), r.word(), r.word(), r.word()
	g.AuthLevel = r.size()
	g.Address = r.address()
	g.Properties = r.shortProperties()
	if !r.ok || len(r.b) != 0 || flags >= flagsEnd || !g.possible() {
		return nil, fmt.Errorf("grant record: %w", ErrDamaged)
	}
	return g, nil
}

// optional reads what [Grant.optional] wrote.
func (r *reader) optional(g *Grant, flags uint16) {
	switch {
	case flags&hasWide != 0:
		g.Generation, g.Seq = r.u32(), r.u32()
	case flags&hasShort != 0:
		g.Generation, g.Seq = uint32(r.u16()), uint32(r.u16())
	default:
		g.Generation, g.Seq = uint32(r.u8()), uint32(r.u8())
	}
	g.HasRefresh = flags&hasRefresh != 0
	for i, t := range []*time.Time{&g.AccessExpires, &g.RefreshExpires, &g.MaxExpires, &g.Refreshed} {
		if flags&(hasAccessExpires<<i) != 0 {
			*t = r.ms()
		}
	}
	if g.KeepUntil = usualKeep(g); flags&hasKeepUntil != 0 {
		g.KeepUntil = r.ms()
	}
	for i, n := range []*uint32{&g.RealmEpoch, &g.ClientEpoch, &g.RevokedUpTo} {
		if flags&(hasRealmEpoch<<i) != 0 {
			*n = r.u32()
		}
	}
	if flags&hasRevoked != 0 {
		for range r.u8() {
			g.Revoked = append(g.Revoked, r.u32())
		}
	}
}

// possible reports whether a grant can have been written under its id.
func (g *Grant) possible() bool {
	return len(g.Scopes) <= MaxScopes && len(g.Revoked) <= MaxRevoked && g.ID.Bucket() == Bucket(g.Realm, g.Username)
}

func splitScopes(s string) []string {
	if s == "" {
		return nil
	}
	return slices.Clip(strings.Split(s, " "))
}
