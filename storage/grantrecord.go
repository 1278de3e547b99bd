package storage

import (
	"fmt"
	"strings"
)

// grantVersion is the first byte of a grant's record.
const grantVersion = 1

// The part of the record that steps change stands first:
//
//	offset length
//	     0      1  version
//	     1     14  id
//	    15      4  generation
//	    19      4  seq
//	    23      6  refreshed, ms
//	    29      8  nonce
//	    37      6  access expires, ms
//	    43      6  refresh expires, ms
//	    49      6  max expires, ms
//	    55      6  keep until, ms
//	    61     16  refresh digest
//	    77     16  access digest
//	    93      4  realm epoch
//	    97      4  client epoch
//	   101      4  revoked up to
//	   105      1  1: a refresh token was issued
//	   106      1  n, how many revoked tokens follow
//	   107   10×n  seq (4), expires in ms (6)
//
// Behind it stands what never changes, each string behind 16 bits of length: realm, user name, client id, scopes joined
// by a space; then the rest, and a checksum over all of this part.

// Encode is the grant as both stores keep it.
func (g *Grant) Encode() ([]byte, error) {
	if len(g.Scopes) > MaxScopes || len(g.Revoked) > MaxRevoked {
		return nil, fmt.Errorf("encode grant: %d scopes, %d revoked tokens", len(g.Scopes), len(g.Revoked))
	}
	w := &writer{b: make([]byte, 0, 256)}
	w.u8(grantVersion)
	w.raw(g.ID[:])
	w.u32(g.Generation)
	w.u32(g.Seq)
	w.ms(g.Refreshed)
	w.raw(g.Nonce[:])
	w.ms(g.AccessExpires)
	w.ms(g.RefreshExpires)
	w.ms(g.MaxExpires)
	w.ms(g.KeepUntil)
	w.raw(g.RefreshDigest[:])
	w.raw(g.AccessDigest[:])
	w.u32(g.RealmEpoch)
	w.u32(g.ClientEpoch)
	w.u32(g.RevokedUpTo)
	w.u8(map[bool]uint8{true: 1}[g.HasRefresh])
	w.u8(uint8(len(g.Revoked)))
	for _, r := range g.Revoked {
		w.u32(r.Seq)
		w.ms(r.Expires)
	}
	body := len(w.b)
	w.str(g.Realm)
	w.str(g.Username)
	w.str(g.ClientID)
	w.str(strings.Join(g.Scopes, " "))
	w.str(g.Subject)
	w.str(g.GrantType)
	w.str(g.Journey)
	w.str(g.Rule)
	w.u16(uint16(g.AuthLevel))
	w.ms(g.AuthTime)
	w.str(g.Address)
	w.properties(g.Properties)
	w.seal(g.ID[:], body)
	return w.b, w.err
}

// DecodeGrant reads the record that is kept under id. Anything else than what [Grant.Encode] wrote for that id is
// [ErrDamaged].
func DecodeGrant(id GrantID, record []byte) (*Grant, error) {
	r := &reader{b: record, ok: true}
	if r.u8() != grantVersion {
		return nil, fmt.Errorf("grant record of an unknown version: %w", ErrDamaged)
	}
	g := &Grant{ID: GrantID(r.take(len(id)))}
	if g.ID != id {
		return nil, fmt.Errorf("another grant's record: %w", ErrDamaged)
	}
	g.Generation, g.Seq = r.u32(), r.u32()
	g.Refreshed = r.ms()
	g.Nonce = [8]byte(r.take(8))
	g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.KeepUntil = r.ms(), r.ms(), r.ms(), r.ms()
	g.RefreshDigest, g.AccessDigest = Digest(r.take(16)), Digest(r.take(16))
	g.RealmEpoch, g.ClientEpoch, g.RevokedUpTo = r.u32(), r.u32(), r.u32()
	g.HasRefresh = r.u8() == 1
	n := r.u8()
	if n > MaxRevoked {
		return nil, fmt.Errorf("grant record with %d revoked tokens: %w", n, ErrDamaged)
	}
	for range n {
		g.Revoked = append(g.Revoked, RevokedAccess{Seq: r.u32(), Expires: r.ms()})
	}
	if len(r.b) < 4 {
		return nil, fmt.Errorf("grant record cut short: %w", ErrDamaged)
	}
	body := r.b[:len(r.b)-4]
	sum := checksum(id[:], body)
	g.Realm, g.Username, g.ClientID = r.str(), r.str(), r.str()
	if scopes := r.str(); scopes != "" {
		g.Scopes = strings.Split(scopes, " ")
	}
	g.Subject, g.GrantType, g.Journey, g.Rule = r.str(), r.str(), r.str(), r.str()
	g.AuthLevel = int(r.u16())
	g.AuthTime = r.ms()
	g.Address = r.str()
	g.Properties = r.properties()
	if r.u32() != sum || !r.ok || len(r.b) != 0 || len(g.Scopes) > MaxScopes || id.Bucket() != Bucket(g.Realm, g.Username) {
		return nil, fmt.Errorf("grant record: %w", ErrDamaged)
	}
	return g, nil
}
