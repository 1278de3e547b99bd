package redis

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// record looks at what is under one key, and where it leads.
func (x *examination) record(e *entry, n *census) error {
	var err error
	switch e.kind {
	case "u":
		err = x.ownerRecord(e, n)
	case "g":
		err = x.grantRecord(e, n)
	case "k":
		_, err = storage.DecodeSources([]byte(e.value))
	case "x":
		_, err = storage.DecodeLogin([]byte(e.value))
	case "c":
		_, err = decodeClient(e.key, []byte(e.value))
	case "e":
		if _, bad := strconv.ParseUint(e.value, 10, 32); bad != nil {
			err = storage.ErrDamaged
		}
	case "id":
		err = x.pointer(e, n)
	case "i":
		err = x.index(e, n)
	}
	if errors.Is(err, storage.ErrDamaged) {
		n.damaged.add(kinds[e.kind].name, e.key)
		return nil
	}
	if err == nil && versioned[e.kind] {
		n.versions[fmt.Sprintf("%s v%d", kinds[e.kind].name, e.value[0])]++
	}
	return err
}

// versioned are the kinds whose records begin with the version of their format.
var versioned = map[string]bool{"u": true, "g": true, "c": true, "x": true}

// unpair is the opposite of pair.
func unpair(rest string) (realmKey, name string, ok bool) {
	size, rest, found := strings.Cut(rest, ":")
	n, err := strconv.Atoi(size)
	if !found || err != nil || n < 0 || n > len(rest) {
		return "", "", false
	}
	return rest[:n], rest[n:], true
}

// ownerRecord looks at an owner, and whether the id leads to it.
func (x *examination) ownerRecord(e *entry, n *census) error {
	realmKey, name, ok := unpair(e.rest)
	if !ok {
		return storage.ErrDamaged
	}
	u, err := storage.DecodeUser(realmKey, name, []byte(e.value))
	if err != nil {
		return err
	}
	pointer, err := x.get(x.ctx, x.keys.id(realmKey, u.ID))
	if errors.Is(err, storage.ErrNotFound) || err == nil && (len(pointer) <= pointerHead || pointer[pointerHead:] != name) {
		if _, gone := x.UserByName(x.ctx, realmKey, name); gone == nil { // it was not deleted meanwhile
			n.unfound++
		}
		return nil
	}
	return err
}

// settleTime is how old a pointer must be before it is said to lead nowhere: its owner may be about to be written.
const settleTime = time.Minute

// pointer looks at whether an id leads to an owner that has it.
func (x *examination) pointer(e *entry, n *census) error {
	realmKey, id, ok := unpair(e.rest)
	if !ok || len(e.value) <= pointerHead {
		return storage.ErrDamaged
	}
	_, err := x.follow(x.ctx, realmKey, id, e.value)
	if !errors.Is(err, storage.ErrNotFound) {
		return unlessDamaged(err) // a damaged owner is counted where it is
	}
	head := append([]byte{0, 0}, e.value[:6]...)
	if written := storage.FromMillis(int64(binary.BigEndian.Uint64(head))); time.Since(written) < settleTime {
		return nil
	}
	n.pointers++
	if !x.repair {
		return nil
	}
	if _, err := x.run(x.ctx, releaseScript, []string{e.key}, e.value, ""); err != nil {
		return err
	}
	n.removedPointers++
	return nil
}

func unlessDamaged(err error) error {
	if errors.Is(err, storage.ErrDamaged) {
		return nil
	}
	return err
}

// grantRecord looks at a grant, and whether the index of its owner has it.
func (x *examination) grantRecord(e *entry, n *census) error {
	id, ok := x.keys.parseGrant(e.key)
	if !ok {
		return storage.ErrDamaged
	}
	g, err := storage.DecodeGrant(id, []byte(e.value))
	if err != nil {
		return err
	}
	if !storage.Earlier(g.KeepUntil, g.MaxExpires).IsZero() && e.ttl < 0 {
		n.immortal.add(kinds[e.kind].name, e.key)
	}
	reply, err := x.run(x.ctx, unindexedScript, []string{e.key, x.keys.index(g.Realm, g.Username)}, id[2:], id[:])
	if err != nil {
		return err
	}
	if reply == "alone" {
		n.unindexed = append(n.unindexed, fmt.Sprintf("%s in %s", base64.RawURLEncoding.EncodeToString(id[:]), g.Realm))
	}
	return nil
}

// indexPage is how many members of an index one script looks at.
const indexPage = 500

// index looks for members of an owner's index whose grant is gone before its time, and removes them if it may; and
// for what can't name a grant.
func (x *examination) index(e *entry, n *census) error {
	var damaged error // some member can't name a grant
	for from := int64(0); ; {
		reply, err := x.run(x.ctx, orphansScript, x.keys.marked(e.key), e.base, from, indexPage, map[bool]int{true: 1}[x.repair])
		if err != nil {
			return err
		}
		list, ok := reply.([]any)
		if !ok || len(list) != 4 {
			return errReply
		}
		seen, _ := list[0].(int64)
		orphans, _ := list[1].(int64)
		malformed, _ := list[2].(int64)
		removed, _ := list[3].(int64)
		n.members += int(orphans)
		if x.repair {
			n.removedMembers += int(removed - malformed)
			n.malformed += int(malformed)
		} else if malformed > 0 {
			damaged = storage.ErrDamaged
		}
		if seen < indexPage || x.over {
			return damaged
		}
		from += seen - removed
	}
}
