package storage

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// The short forms of a grant's record. A text is a byte that says how long it is, and the text; asUUID and asLong in its
// place say that the 16 bytes of a UUID follow, or that the length does in 16 bits. storage/redis/lua/record.lua reads
// texts, too.
const (
	asLong = 0xfe
	asUUID = 0xff
)

// words are the texts that have a number: their place, from 1 on. It is part of the format: words are only added.
var words = []string{"", "password", "auth_chain", "provider", "realm", "PasswordGrant"}

// size writes a number below 65,536, most in one byte.
func (w *writer) size(n int) {
	switch {
	case n > 0xffff:
		w.err = fmt.Errorf("encode: a field of %d bytes or entries", n)
	case n >= asLong:
		w.u8(asLong)
		w.u16(uint16(n))
	default:
		w.u8(uint8(n))
	}
}

func (w *writer) text(s string) {
	if id, ok := parseUUID(s); ok {
		w.u8(asUUID)
		w.raw(id[:])
		return
	}
	w.size(len(s))
	w.b = append(w.b, s...)
}

// word writes one of words as its number, or 0 and the text.
func (w *writer) word(s string) {
	n := slices.Index(words, s) + 1
	w.u8(uint8(n))
	if n == 0 {
		w.text(s)
	}
}

// address writes an IP address in 4 or 16 bytes behind their number, or 0 and a text.
func (w *writer) address(s string) {
	ip, err := netip.ParseAddr(s)
	if err != nil || ip.Zone() != "" || ip.String() != s {
		w.u8(0)
		w.text(s)
		return
	}
	b := ip.AsSlice()
	w.u8(uint8(len(b)))
	w.raw(b)
}

func (w *writer) shortProperties(m map[string]string) {
	w.size(len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		w.text(k)
		w.text(m[k])
	}
}

func (r *reader) size() int {
	if n := r.u8(); n != asLong {
		return int(n)
	}
	return int(r.u16())
}

func (r *reader) text() string {
	if len(r.b) > 0 && r.b[0] == asUUID {
		r.u8()
		return formatUUID([16]byte(r.take(16)))
	}
	n := r.size()
	if len(r.b) < n {
		r.ok = false
		return ""
	}
	return string(r.take(n))
}

func (r *reader) word() string {
	switch n := int(r.u8()); {
	case n == 0:
		return r.text()
	case n <= len(words):
		return words[n-1]
	}
	r.ok = false
	return ""
}

func (r *reader) address() string {
	switch r.u8() {
	case 0:
		return r.text()
	case 4:
		return netip.AddrFrom4([4]byte(r.take(4))).String()
	case 16:
		return netip.AddrFrom16([16]byte(r.take(16))).String()
	}
	r.ok = false
	return ""
}

func (r *reader) shortProperties() map[string]string {
	n := r.size()
	return r.pairs(n, r.text)
}

// parseUUID reads what formatUUID writes, and nothing else: 36 characters, small letters.
func parseUUID(s string) (id [16]byte, ok bool) {
	if len(s) != 36 {
		return id, false
	}
	digits := s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return id, false
	}
	return id, formatUUID(id) == s
}

func formatUUID(id [16]byte) string {
	s := hex.EncodeToString(id[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
