package storage

import (
	"crypto/sha256"
	"fmt"
	"net/netip"

	"github.com/ropcd/ropcd/pkg/realm"
)

// Source names a place from which one owner logs in: a client, and the prefix of an end user's address. All zero is no
// place; attempts from nowhere are judged by the owner's general account.
type Source [16]byte

// MaxSources is how many known sources an owner has at most. The one whose last success is the oldest leaves.
const MaxSources = 8

// KnownSource is a source from which an owner has logged in, with an account of attempts of its own: LastLogin is the last
// success from there, Logins and CodeStep are 0.
type KnownSource struct {
	Source Source
	Login  realm.Login
}

// Network is what counts as one end user's: an IPv4 address, or the /64 of an IPv6 address, of which one user has all.
// It is the zero Prefix, which is not valid, for what is no address.
func Network(address netip.Addr) netip.Prefix {
	address = address.Unmap()
	bits := 32
	if address.Is6() {
		bits = 64
	}
	prefix, _ := address.Prefix(bits) // fails for no address of that many bits
	return prefix
}

// SourceOf is the source of a name's attempts through a client, from the [Network] of an address. It is of that name
// alone, so that a record under another owner's key knows nobody. An address that is none has no source.
func SourceOf(realmKey, username, clientID string, address netip.Addr) Source {
	prefix := Network(address)
	if !prefix.IsValid() {
		return Source{}
	}
	w := &writer{b: []byte("ropcd source 1\x00")}
	for _, part := range []string{realmKey, username, clientID, prefix.String()} {
		w.u32(uint32(len(part)))
		w.raw([]byte(part))
	}
	sum := sha256.Sum256(w.b)
	return Source(sum[:])
}

// ForgetsSources reports whether a change of an owner forgets the sources although it ends no grants: those that are known
// without a one-time code count for nothing once the owner has any.
func ForgetsSources(was, next *realm.User) bool { return len(was.Seed) == 0 && len(next.Seed) > 0 }

// sourceSize is the length of a known source in its record: the source, then [EncodeLogin].
const sourceSize = len(Source{}) + LoginSize

// EncodeSources is an owner's known sources as both stores keep them, one behind the other.
func EncodeSources(list []KnownSource) []byte {
	w := &writer{b: make([]byte, 0, len(list)*sourceSize)}
	for _, k := range list {
		w.raw(k.Source[:])
		w.login(k.Login)
	}
	return w.b
}

// DecodeSources reads [EncodeSources], or [ErrDamaged]. No bytes are no sources.
func DecodeSources(record []byte) ([]KnownSource, error) {
	r := &reader{b: record, ok: len(record)%sourceSize == 0 && len(record) <= MaxSources*sourceSize}
	var list []KnownSource
	for r.ok && len(r.b) > 0 {
		list = append(list, KnownSource{Source: Source(r.take(len(Source{}))), Login: r.login()})
	}
	if !r.ok {
		return nil, fmt.Errorf("known sources: %w", ErrDamaged)
	}
	return list, nil
}
