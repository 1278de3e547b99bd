package storage

import "fmt"

// Version 1 of a grant's record is what releases before version 2 wrote. It is read only: a store that writes a grant as a
// whole writes the present version, and a script of Redis that changes one leaves it in the version that it found, so
// that a process of the release before can still read it.
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
//	   107   10×n  seq (4), a time in ms (6) that means nothing any more
//
// Behind it stands what never changes, each string behind 16 bits of length: realm, user name, client id, scopes joined
// by a space; then the rest, and a CRC-32 over all of this part, which the id goes into.

func decodeGrant1(id GrantID, record []byte) (*Grant, error) {
	r := &reader{b: record[1:], ok: true}
	g := &Grant{ID: GrantID(r.take(len(id)))}
	if g.ID != id {
		return nil, fmt.Errorf("another grant's record: %w", ErrDamaged)
	}
	g.Generation, g.Seq = r.u32(), r.u32()
	g.Refreshed = r.ms()
	g.Nonce = [8]byte(r.take(8))
	g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.KeepUntil = r.ms(), r.ms(), r.ms(), r.ms()
	g.RefreshDigest, g.AccessDigest = Digest(r.take(16)[:12]), Digest(r.take(16)[:12]) // they were longer
	g.RealmEpoch, g.ClientEpoch, g.RevokedUpTo = r.u32(), r.u32(), r.u32()
	g.HasRefresh = r.u8() == 1
	for range r.u8() {
		g.Revoked = append(g.Revoked, r.u32())
		r.take(6)
	}
	if len(r.b) < 4 {
		return nil, fmt.Errorf("grant record cut short: %w", ErrDamaged)
	}
	sum := checksum(id[:], r.b[:len(r.b)-4])
	g.Realm, g.Username, g.ClientID = r.str(), r.str(), r.str()
	g.Scopes = splitScopes(r.str())
	g.Subject, g.GrantType, g.Journey, g.Rule = r.str(), r.str(), r.str(), r.str()
	g.AuthLevel = int(r.u16())
	g.AuthTime = r.ms()
	g.Address = r.str()
	g.Properties = r.properties()
	if r.u32() != sum || !r.ok || len(r.b) != 0 || !g.possible() {
		return nil, fmt.Errorf("grant record: %w", ErrDamaged)
	}
	return g, nil
}
