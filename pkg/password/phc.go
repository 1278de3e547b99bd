package password

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Bounds that hold for every algorithm but bcrypt, whose sizes are fixed.
const (
	maxEncoded       = 256
	minSalt, maxSalt = 8, 64
)

// The alphabets: PHC strings, passlib's PBKDF2, and bcrypt.
var (
	base64PHC     = base64.RawStdEncoding.Strict()
	base64Passlib = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").
			WithPadding(base64.NoPadding).Strict()
	base64Bcrypt = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").
			WithPadding(base64.NoPadding).Strict()
)

// phc is an encoded hash taken apart: $id$params$salt$key.
type phc struct {
	params    string
	salt, key []byte
}

// parse takes encoded apart behind prefix, which holds everything before the
// parameters. Only the one canonical spelling is accepted. The caller checks the
// length of the key, at most maxEncoded.
func parse(encoded, prefix string, enc *base64.Encoding) (phc, bool) {
	rest, ok := strings.CutPrefix(encoded, prefix)
	if !ok || len(encoded) > maxEncoded {
		return phc{}, false
	}
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return phc{}, false
	}
	salt, okSalt := decode(enc, parts[1])
	key, okKey := decode(enc, parts[2])
	if !okSalt || !okKey || !within(len(salt), minSalt, maxSalt) {
		return phc{}, false
	}
	return phc{params: parts[0], salt: salt, key: key}, true
}

// decode is strict: encoding/base64 ignores line breaks even when Strict.
func decode(enc *base64.Encoding, s string) ([]byte, bool) {
	b, err := enc.DecodeString(s)
	return b, err == nil && enc.EncodeToString(b) == s
}

// values reads "a=1,b=2": exactly these keys, in this order.
func values(params string, keys ...string) ([]int, bool) {
	parts := strings.Split(params, ",")
	if len(parts) != len(keys) {
		return nil, false
	}
	numbers := make([]int, len(keys))
	for i, key := range keys {
		value, ok := strings.CutPrefix(parts[i], key+"=")
		if !ok {
			return nil, false
		}
		if numbers[i], ok = number(value); !ok {
			return nil, false
		}
	}
	return numbers, true
}

// number reads a decimal number below 2³¹ without sign or leading zeros.
func number(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && strconv.FormatUint(n, 10) == s
}
