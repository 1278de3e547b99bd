package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/ropcd/ropcd/storage"
)

// pageSize is how many records one read transaction looks at. None is held open while a caller has the floor: bbolt
// could not use the pages that it sees again.
const pageSize = 256

// list gives what decode makes of the records whose key begins with prefix; a nil result is left out. A damaged record
// is given as an error, and the list goes on behind it.
func list[T any](ctx context.Context, s *Store, bucket, prefix []byte, decode func(t *tx, k, v []byte) (*T, error)) iter.Seq2[*T, error] {
	type item struct {
		value *T
		err   error
	}
	return func(yield func(*T, error) bool) {
		for from := prefix; from != nil; {
			var items []item
			err := s.read(ctx, func(t *tx) error {
				from = t.page(bucket, prefix, from, func(k, v []byte) {
					if value, err := decode(t, k, v); value != nil || err != nil {
						items = append(items, item{value, err})
					}
				})
				return nil
			})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, i := range items {
				if !yield(i.value, i.err) {
					return
				}
			}
		}
	}
}

// page visits the records from a key on, and gives the key to go on from, nil at the end.
func (t *tx) page(bucket, prefix, from []byte, visit func(k, v []byte)) (next []byte) {
	c := t.Bucket(bucket).Cursor()
	k, v := c.Seek(from)
	for range pageSize {
		if k == nil || !bytes.HasPrefix(k, prefix) {
			return nil
		}
		visit(k, v)
		from = k
		k, v = c.Next()
	}
	return append(bytes.Clone(from), 0)
}

var errLongName = errors.New("a name or id is too long to be listed")

// listable refuses names that could not be read from their key again.
func listable(realmKey, name string) error {
	if len(realmKey) > maxPart || len(name) > maxPart {
		return errLongName
	}
	return nil
}

// lastPart is the second of the two parts of a key, behind a realm's.
func lastPart(k []byte, realmKey string) (string, error) {
	rest, ok := bytes.CutPrefix(k, key(realmKey))
	if !ok || len(rest) < 2 || int(binary.BigEndian.Uint16(rest)) != len(rest)-2 {
		return "", fmt.Errorf("key of a record: %w", storage.ErrDamaged)
	}
	return string(rest[2:]), nil
}
