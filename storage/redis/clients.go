package redis

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// clientRecord is how a client is kept: a byte for the version of the format, a checksum (4 bytes) over key and JSON, and
// the JSON.
const (
	clientRecord     = 1
	clientRecordHead = 5
)

func encodeClient(key string, c *realm.Client) ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode client: %w", err)
	}
	record := binary.BigEndian.AppendUint32([]byte{clientRecord}, clientChecksum(key, body))
	return append(record, body...), nil
}

func clientChecksum(key string, body []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(key)), crc32.IEEETable, body)
}

// decodeClient reads the record that is kept under key, or [storage.ErrDamaged].
func decodeClient(key string, record []byte) (*realm.Client, error) {
	if len(record) < clientRecordHead || record[0] != clientRecord ||
		binary.BigEndian.Uint32(record[1:]) != clientChecksum(key, record[clientRecordHead:]) {
		return nil, fmt.Errorf("client's record: %w", storage.ErrDamaged)
	}
	c := &realm.Client{}
	if err := json.Unmarshal(record[clientRecordHead:], c); err != nil {
		return nil, fmt.Errorf("client's record: %w", storage.ErrDamaged)
	}
	return c, nil
}

// CreateClient adds a client, or [storage.ErrExists].
func (s *Store) CreateClient(ctx context.Context, c *realm.Client) error {
	key := s.keys.client(c.Realm, c.ID)
	first := *c
	first.Version = 1
	record, err := encodeClient(key, &first)
	if err != nil {
		return err
	}
	reply, err := s.confirm(ctx, createScript, s.keys.marked(key), record, millis(doneLife))
	if err != nil {
		return err
	}
	return verdict(reply)
}

// Client finds a client in one round trip, or [storage.ErrNotFound].
func (s *Store) Client(ctx context.Context, realmKey, id string) (*realm.Client, error) {
	key := s.keys.client(realmKey, id)
	v, err := s.get(ctx, key)
	if err != nil {
		return nil, err
	}
	return decodeClient(key, []byte(v))
}

// UpdateClient replaces a client if c.Version is the stored one.
func (s *Store) UpdateClient(ctx context.Context, c *realm.Client) error {
	key := s.keys.client(c.Realm, c.ID)
	old, err := s.get(ctx, key)
	if err != nil {
		return err
	}
	was, err := decodeClient(key, []byte(old))
	if err != nil {
		return err
	}
	if was.Version != c.Version {
		return storage.ErrConflict
	}
	next := *c
	next.Version++
	record, err := encodeClient(key, &next)
	if err != nil {
		return err
	}
	err = s.replace(ctx, key, []byte(old), record)
	if errors.Is(err, errChanged) {
		return storage.ErrConflict // whoever changed it counted the version up
	}
	if err == nil {
		c.Version = next.Version
	}
	return err
}

// DeleteClient removes a client, or [storage.ErrNotFound].
func (s *Store) DeleteClient(ctx context.Context, realmKey, id string) error {
	key := s.keys.client(realmKey, id)
	for range maxRounds {
		old, err := s.get(ctx, key)
		if err != nil {
			return err
		}
		if err := s.replace(ctx, key, []byte(old), nil); !errors.Is(err, errChanged) {
			return err
		}
	}
	return errContended
}

// replace writes or removes (nothing) a record if it is still the one that was read.
func (s *Store) replace(ctx context.Context, key string, old, record []byte) error {
	reply, err := s.confirm(ctx, replaceScript, s.keys.marked(key), old, record, millis(doneLife))
	if err != nil {
		return err
	}
	return verdict(reply)
}
