package storage

import (
	"fmt"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
)

// userVersion is the first byte of an owner's record.
const userVersion = 2

// LoginSize is the length of the part of an owner's record that attempts change. Names that belong to nobody have this
// part only.
//
//	offset length
//	     0      1  version of the format
//	     1      4  failures
//	     5      4  consecutive failures
//	     9      6  last failure, ms
//	    15      6  locked until, ms
//	    21      1  locks in a row
//	    22      6  last login, ms
//	    28      4  logins that were counted
//	    32      6  time step of the newest one-time code that was used
//	    38      4  consecutive failures that were wrong one-time codes
//	    42      4  version of the record: administrative changes
//	    46      6  account expires, ms
//
// From the version on stands the administrative part, which only [Users.UpdateUser] and [Settlement.Owner] replace; a
// checksum over what follows the expiry ends it.
const LoginSize = 42

// MaxCodeStep is the last time step of a one-time code that a record can hold.
const MaxCodeStep = 1<<48 - 1

// EncodeLogin is the account of attempts alone.
func EncodeLogin(l realm.Login) []byte {
	w := &writer{b: make([]byte, 0, LoginSize)}
	w.login(l)
	return w.b
}

func (w *writer) login(l realm.Login) {
	w.u8(userVersion)
	w.u32(uint32(l.Failures))
	w.u32(uint32(l.Consecutive))
	w.ms(l.LastFailure)
	w.ms(l.LockedUntil)
	w.u8(uint8(min(l.Locks, 255)))
	w.ms(l.LastLogin)
	w.u32(uint32(l.Logins))
	w.u48(min(l.CodeStep, MaxCodeStep))
	w.u32(uint32(l.CodeFailures))
}

// DecodeLogin reads [EncodeLogin], or [ErrDamaged].
func DecodeLogin(record []byte) (realm.Login, error) {
	r := &reader{b: record, ok: true}
	l := r.login()
	if !r.ok {
		return realm.Login{}, fmt.Errorf("account of attempts: %w", ErrDamaged)
	}
	return l, nil
}

func (r *reader) login() realm.Login {
	if r.u8() != userVersion {
		r.ok = false
	}
	return realm.Login{
		Failures: int(r.u32()), Consecutive: int(r.u32()),
		LastFailure: r.ms(), LockedUntil: r.ms(),
		Locks: int(r.u8()), LastLogin: r.ms(),
		Logins: int(r.u32()), CodeStep: r.u48(), CodeFailures: int(r.u32()),
	}
}

// EncodeUser is the owner as both stores keep it.
func EncodeUser(u *realm.User) ([]byte, error) {
	if len(u.Seed) > realm.MaxSeed {
		return nil, fmt.Errorf("encode owner: a seed of %d bytes", len(u.Seed))
	}
	w := &writer{b: make([]byte, 0, 256)}
	w.login(u.Login)
	w.u32(u.Version)
	w.ms(u.Expires)
	body := len(w.b)
	w.str(u.Realm)
	w.str(u.Username)
	w.str(u.ID)
	w.u8(map[bool]uint8{true: 1}[u.Enabled])
	w.str(u.PasswordHash)
	w.ms(u.Created)
	w.properties(u.Attributes)
	w.str(u.Source)
	w.ms(u.PasswordSet)
	w.str(string(u.Seed))
	w.seal(nil, body)
	return w.b, w.err
}

// EncodeAdministrative is the part of an owner's record that attempts do not change. The version (4 bytes) and the end
// of the account (6 bytes) stand first.
func EncodeAdministrative(u *realm.User) ([]byte, error) {
	record, err := EncodeUser(u)
	if err != nil {
		return nil, err
	}
	return record[LoginSize:], nil
}

// DecodeUser reads the record that is kept for a name in a realm. Anything else than what [EncodeUser] wrote for that
// owner is [ErrDamaged].
func DecodeUser(realmKey, name string, record []byte) (*realm.User, error) {
	r := &reader{b: record, ok: true}
	u := &realm.User{Login: r.login()}
	u.Version = r.u32()
	u.Expires = r.ms()
	if !r.ok || len(r.b) < 4 {
		return nil, fmt.Errorf("owner's record cut short: %w", ErrDamaged)
	}
	sum := checksum(nil, r.b[:len(r.b)-4])
	u.Realm, u.Username, u.ID = r.str(), r.str(), r.str()
	u.Enabled = r.u8() == 1
	u.PasswordHash = r.str()
	u.Created = r.ms()
	u.Attributes = r.properties()
	u.Source = r.str()
	u.PasswordSet = r.ms()
	if seed := r.str(); seed != "" {
		u.Seed = []byte(seed)
	}
	if r.u32() != sum || !r.ok || len(r.b) != 0 || len(u.Seed) > realm.MaxSeed || u.Realm != realmKey || u.Username != name {
		return nil, fmt.Errorf("owner's record: %w", ErrDamaged)
	}
	return u, nil
}

// Trim is a time as it is after a store has kept it: UTC, whole milliseconds.
func Trim(t time.Time) time.Time { return FromMillis(Millis(t)) }
