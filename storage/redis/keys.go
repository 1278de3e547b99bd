package redis

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// The lives of keys that do not follow from what is in them.
const (
	// strangerLife is how long the account of a name that belongs to nobody outlives the policy's window.
	strangerLife = 10 * time.Minute
	// reservationLife is how long reservations that nobody settled wait, beyond hold and window, to be counted.
	reservationLife = 24 * time.Hour
	// doneLife is how long a write is remembered by its nonce.
	doneLife = 10 * time.Second
	// claimLife is how long an id is held for an owner that is about to be written.
	claimLife = 10 * time.Second
	// probeLife is that of the key which proves that the server takes writes.
	probeLife = time.Minute
)

// strangers is how many accounts of attempts the unknown names of a bucket and realm share: so many that nobody can try
// enough names to make two of them meet, each with a life.
const strangers = 1 << 12

// keyring makes every key there is; the string is the prefix. A key is prefix:{tag}:kind:rest, where the tag, three
// hexadecimal digits, decides on the slot. In the rest a realm stands behind its length, so that no two pairs of realm
// and name have one key whatever characters are in them; a name or id comes last.
//
//	kind  tag of       rest            type, value                             life
//	u     owner        realm name      string, storage.EncodeUser              none
//	i     owner        realm name      zset of the grants' 12 bytes by expiry  until the latest of them
//	g     owner        16 characters   string, storage.Grant.Encode            until the record says
//	k     owner        realm name      string, storage.EncodeSources           none, gone with the owner
//	r     owner        realm name      hash, nonce to end of hold and source   reservationLife beyond hold and window
//	x     owner        realm number    string, storage.EncodeLogin             strangerLife beyond lock and window
//	y     owner        realm number    hash, as r for x                        as r
//	n     written key  nonce           string, an answer                       doneLife
//	id    realm, id    realm id        string, time nonce name                 none
//	c     realm, id    realm id        string, see clientRecord                none
//	e     realm        of it           string, an epoch                        none
//	e     as above     realm client    string, an epoch                        none
//	l     realm, party realm layer:hash  string, see limit.lua                  until all places are free
//	p     0            -               string, nothing                         probeLife
//	s     0            -               string, whose secret, see signer.go     signerLife
type keyring string

func (k keyring) base(bucket uint16) string { return fmt.Sprintf("%s:{%03x}:", string(k), bucket) }

// in is the part of the keys of all that shares a slot with the owner.
func (k keyring) in(realmKey, name string) string { return k.base(storage.Bucket(realmKey, name)) }

// pair is a realm and a name so that no other realm and name are the same. lib.lua has it too.
func pair(realmKey, name string) string { return fmt.Sprintf("%d:%s%s", len(realmKey), realmKey, name) }

func (k keyring) user(realmKey, name string) string {
	return k.in(realmKey, name) + "u:" + pair(realmKey, name)
}

func (k keyring) index(realmKey, name string) string {
	return k.in(realmKey, name) + "i:" + pair(realmKey, name)
}

func (k keyring) reservations(realmKey, name string) string {
	return k.in(realmKey, name) + "r:" + pair(realmKey, name)
}

func (k keyring) sources(realmKey, name string) string {
	return k.in(realmKey, name) + "k:" + pair(realmKey, name)
}

// stranger is the account of attempts of a name that belongs to nobody, and its reservations. Without the secret, nobody
// can find two names with one account.
func (k keyring) stranger(secret []byte, realmKey, name string) (account, reservations string) {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(pair(realmKey, name)))
	rest := pair(realmKey, strconv.Itoa(int(binary.BigEndian.Uint16(mac.Sum(nil))%strangers)))
	return k.in(realmKey, name) + "x:" + rest, k.in(realmKey, name) + "y:" + rest
}

// limit is a rate limit. The hash is of its party, and of the user name if it has one: all names are short there, and
// without the secret nobody can find two that are one.
func (k keyring) limit(secret []byte, c storage.Charge) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("limit:" + pair(c.Realm, pair(string(c.Layer), pair(c.Party, c.Username)))))
	hash := base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
	return k.in(c.Realm, c.Party) + "l:" + pair(c.Realm, string(c.Layer)+":"+hash)
}

func (k keyring) grant(id storage.GrantID) string {
	return k.base(id.Bucket()) + "g:" + base64.RawURLEncoding.EncodeToString(id[2:])
}

func (k keyring) id(realmKey, id string) string {
	return k.in(realmKey, id) + "id:" + pair(realmKey, id)
}

func (k keyring) client(realmKey, id string) string {
	return k.in(realmKey, id) + "c:" + pair(realmKey, id)
}

// realmEpoch and clientEpoch share a slot. An empty client id would be the realm itself: see clientEpoch.
func (k keyring) realmEpoch(realmKey string) string {
	return k.in(realmKey, "") + "e:" + pair(realmKey, "")
}

func (k keyring) clientEpoch(realmKey, clientID string) string {
	return k.in(realmKey, "") + "e:" + pair(realmKey, ":"+clientID)
}

// done is the mark that a write on key leaves. It has the key's tag.
func (k keyring) done(key string, nonce []byte) string {
	tag := key[:strings.IndexByte(key, '}')+1]
	return tag + ":n:" + base64.RawURLEncoding.EncodeToString(nonce)
}

// marked are the keys of a script for one request: the one it is about, and the mark that the request leaves, if any.
//
// Redis looks at no other keys than those declared when it decides which server of a cluster runs a script. While a slot
// moves, a script runs where all of them are, and what else it reaches (the grants of an index, the index or owner of a
// grant) may still be, or already be, at the other end: it would look as if it were gone. The mark of a new request is at
// neither end, so that Redis answers TRYAGAIN until the slot has moved. So whatever reaches keys that it does not declare
// declares the mark of a request, even if it leaves none.
func (k keyring) marked(key string) []string { return []string{key, k.done(key, freshNonce())} }

func (k keyring) probe() string { return k.base(0) + "p" }

func (k keyring) signer() string { return k.base(0) + "s" }

// parseGrant is the opposite of grant.
func (k keyring) parseGrant(key string) (id storage.GrantID, ok bool) {
	var bucket uint16
	rest, ok := strings.CutPrefix(key, string(k)+":{")
	if !ok {
		return id, false
	}
	if _, err := fmt.Sscanf(rest, "%03x}", &bucket); err != nil || len(rest) < len("000}:g:") {
		return id, false
	}
	random, err := base64.RawURLEncoding.DecodeString(rest[len("000}:g:"):])
	if err != nil || len(random) != len(id)-2 {
		return id, false
	}
	id[0], id[1] = byte(bucket>>8), byte(bucket)
	copy(id[2:], random)
	return id, true
}

// pattern finds, by SCAN, all keys of a kind whose rest begins so.
func (k keyring) pattern(kind, rest string) string {
	return glob.Replace(string(k)) + ":{???}:" + kind + ":" + glob.Replace(rest) + "*"
}

var glob = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
