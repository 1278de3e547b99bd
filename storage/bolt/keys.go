package bolt

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ropcd/ropcd/storage"
)

// The buckets, what their keys are made of, and what they hold.
var (
	metaBucket    = []byte("meta")      // "format" -> 1 byte; "probe" -> nothing
	usersBucket   = []byte("users")     // realm, user name -> storage.EncodeUser
	idsBucket     = []byte("ids")       // realm, id -> user name
	clientsBucket = []byte("clients")   // realm, client id -> checksum, JSON
	grantsBucket  = []byte("grants")    // grant id -> storage.Grant.Encode
	ownedBucket   = []byte("owned")     // realm, user name, grant id -> end of the grant, ms
	endsBucket    = []byte("ends")      // end of the grant, ms, grant id -> realm, user name
	epochsBucket  = []byte("epochs")    // realm, or realm and client id -> 4 bytes
	ringBucket    = []byte("strangers") // slot -> who, storage.EncodeLogin
	knownBucket   = []byte("known")     // realm, user name -> storage.EncodeSources; gone with the owner
)

// buckets are all of them.
var buckets = [][]byte{
	metaBucket, usersBucket, idsBucket, clientsBucket, grantsBucket, ownedBucket, endsBucket, epochsBucket, ringBucket,
	knownBucket,
}

// format is the version of the file. An older one is not read: nothing was released with it.
const format = 2

// prepare makes the buckets of a new file, and refuses a file that is not ours.
func prepare(btx *bbolt.Tx) error {
	if meta := btx.Bucket(metaBucket); meta == nil {
		if k, _ := btx.Cursor().First(); k != nil {
			return fmt.Errorf("not a database of ropcd: %w", storage.ErrDamaged)
		}
	} else if v := meta.Get([]byte("format")); len(v) != 1 || v[0] == 0 || v[0] > format {
		return fmt.Errorf("format %x is not known: %w", v, storage.ErrDamaged)
	} else if v[0] < format {
		return fmt.Errorf("made by an older version of ropcd, in format %d; this one reads format %d only", v[0], format)
	}
	var errs []error
	for _, name := range buckets {
		_, err := btx.CreateBucketIfNotExists(name)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return btx.Bucket(metaBucket).Put([]byte("format"), []byte{format})
}

// maxPart is the longest part of a key that is kept as it is.
const maxPart = 1024

// key joins parts so that no two lists of parts have the same key, and none is the prefix of another by accident.
func key(parts ...string) []byte {
	var k []byte
	for _, p := range parts {
		if len(p) > maxPart {
			sum := sha256.Sum256([]byte(p))
			k = append(append(k, 0xff, 0xff), sum[:]...)
			continue
		}
		k = append(binary.BigEndian.AppendUint16(k, uint16(len(p))), p...)
	}
	return k
}

// account names an owner, or somebody who may not exist.
type account struct{ realm, name string }

func (a account) key() []byte { return key(a.realm, a.name) }

func ownedKey(owner []byte, id storage.GrantID) []byte {
	return append(owner[:len(owner):len(owner)], id[:]...)
}

// endKey orders grants by their end.
func endKey(end uint64, id storage.GrantID) []byte {
	return append(binary.BigEndian.AppendUint64(nil, end), id[:]...)
}

// end is when a grant's record may go, in milliseconds; 0: never.
func end(g *storage.Grant) uint64 { return millis(storage.Earlier(g.KeepUntil, g.MaxExpires)) }

func millis(t time.Time) uint64 { return uint64(storage.Millis(t)) }
