package bolt

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"unicode/utf8"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

var errClientName = errors.New("encode client: realm or id is not UTF-8")

// encodeClient is a checksum over the JSON, and the JSON.
func encodeClient(c *realm.Client) ([]byte, error) {
	if !utf8.ValidString(c.Realm) || !utf8.ValidString(c.ID) {
		return nil, errClientName
	}
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode client: %w", err)
	}
	return append(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)), body...), nil
}

func decodeClient(realmKey, id string, record []byte) (*realm.Client, error) {
	if len(record) < 4 || binary.BigEndian.Uint32(record) != crc32.ChecksumIEEE(record[4:]) {
		return nil, fmt.Errorf("client's record: %w", storage.ErrDamaged)
	}
	c := &realm.Client{}
	if err := json.Unmarshal(record[4:], c); err != nil || c.Realm != realmKey || c.ID != id {
		return nil, fmt.Errorf("another client's record: %w", storage.ErrDamaged)
	}
	return c, nil
}

func (t *tx) client(realmKey, id string) (*realm.Client, error) {
	v := t.get(clientsBucket, key(realmKey, id))
	if v == nil {
		return nil, storage.ErrNotFound
	}
	return decodeClient(realmKey, id, v)
}

// CreateClient implements [storage.Clients].
func (s *Store) CreateClient(ctx context.Context, c *realm.Client) error {
	if err := listable(c.Realm, c.ID); err != nil {
		return err
	}
	n := *c
	n.Version = 1
	record, err := encodeClient(&n)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		k := key(n.Realm, n.ID)
		if t.get(clientsBucket, k) != nil {
			return storage.ErrExists
		}
		t.put(clientsBucket, k, record)
		return nil
	})
}

// Client implements [storage.Clients].
func (s *Store) Client(ctx context.Context, realmKey, id string) (c *realm.Client, err error) {
	err = s.read(ctx, func(t *tx) error {
		c, err = t.client(realmKey, id)
		return err
	})
	return c, err
}

// UpdateClient implements [storage.Clients].
func (s *Store) UpdateClient(ctx context.Context, c *realm.Client) error {
	n := *c
	n.Version++
	record, err := encodeClient(&n)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(t *tx) error {
		was, err := t.client(n.Realm, n.ID)
		switch {
		case err != nil:
			return err
		case was.Version+1 != n.Version:
			return storage.ErrConflict
		}
		t.put(clientsBucket, key(n.Realm, n.ID), record)
		return nil
	})
	if err == nil {
		c.Version = n.Version
	}
	return err
}

// DeleteClient implements [storage.Clients].
func (s *Store) DeleteClient(ctx context.Context, realmKey, id string) error {
	return s.write(ctx, func(t *tx) error {
		k := key(realmKey, id)
		if t.get(clientsBucket, k) == nil {
			return storage.ErrNotFound
		}
		t.delete(clientsBucket, k)
		return nil
	})
}

// Clients implements [storage.Clients].
func (s *Store) Clients(ctx context.Context, realmKey string) iter.Seq2[*realm.Client, error] {
	return list(ctx, s, clientsBucket, key(realmKey), func(_ *tx, k, v []byte) (*realm.Client, error) {
		id, err := lastPart(k, realmKey)
		if err != nil {
			return nil, err
		}
		return decodeClient(realmKey, id, v)
	})
}
