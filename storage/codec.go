package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"time"
)

// writer appends big-endian fields. Only encoders whose input was validated use it: a field that is too long is cut off
// by nobody, it is refused by [writer.str].
type writer struct {
	b   []byte
	err error
}

func (w *writer) u8(v uint8)   { w.b = append(w.b, v) }
func (w *writer) u16(v uint16) { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *writer) u32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *writer) raw(v []byte) { w.b = append(w.b, v...) }

// u48 writes the 48 low bits.
func (w *writer) u48(v uint64) {
	w.b = append(w.b, byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// ms writes a time as 48 bits of milliseconds since 1970, 0 for the zero time.
func (w *writer) ms(t time.Time) { w.u48(uint64(Millis(t))) }

// str writes a string behind its length, 16 bits of it.
func (w *writer) str(s string) {
	if len(s) > 0xffff {
		w.err = fmt.Errorf("encode: a field of %d bytes", len(s))
		return
	}
	w.u16(uint16(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) properties(m map[string]string) {
	w.u16(uint16(len(m)))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		w.str(k)
		w.str(m[k])
	}
}

// seal appends a checksum over what was written from body on, bound to the key that the value is stored under.
func (w *writer) seal(key []byte, body int) {
	w.u32(checksum(key, w.b[body:]))
}

func checksum(key, body []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(key), crc32.IEEETable, body)
}

// reader takes big-endian fields. After the first that is not there it gives zeros, and ok is false.
type reader struct {
	b  []byte
	ok bool
}

func (r *reader) take(n int) []byte {
	if !r.ok || len(r.b) < n {
		r.ok = false
		return make([]byte, min(n, 16))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() uint8   { return r.take(1)[0] }
func (r *reader) u16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }

func (r *reader) u48() uint64 {
	b := r.take(6)
	return uint64(b[0])<<40 | uint64(b[1])<<32 | uint64(b[2])<<24 | uint64(b[3])<<16 | uint64(b[4])<<8 | uint64(b[5])
}

func (r *reader) ms() time.Time { return FromMillis(int64(r.u48())) }

func (r *reader) str() string {
	n := int(r.u16())
	if len(r.b) < n {
		r.ok = false
		return ""
	}
	return string(r.take(n))
}

func (r *reader) properties() map[string]string {
	n := int(r.u16())
	return r.pairs(n, r.str)
}

// pairs reads n keys and values.
func (r *reader) pairs(n int, text func() string) map[string]string {
	if n == 0 || !r.ok {
		return nil
	}
	m := map[string]string{}
	for range n {
		k := text()
		m[k] = text()
		if !r.ok {
			return nil
		}
	}
	if len(m) != n {
		r.ok = false
	}
	return m
}

// Millis is a time as a store keeps it: milliseconds since 1970, 0 for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return min(max(t.UnixMilli(), 1), 1<<48-1)
}

// FromMillis is the opposite of [Millis].
func FromMillis(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMilli(v).UTC()
}
