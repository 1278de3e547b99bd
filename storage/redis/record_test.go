package redis_test

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis"
	"github.com/ropcd/ropcd/storage/redis/redistest"
	"github.com/ropcd/ropcd/storage/storagetest"
)

// kinds are grants of which each part that a script reads has another form.
var kinds = map[string]func(*storage.Grant){
	"usual": func(*storage.Grant) {},
	"no refresh token": func(g *storage.Grant) {
		g.HasRefresh, g.RefreshExpires, g.KeepUntil = false, time.Time{}, g.AccessExpires
	},
	"never ends": func(g *storage.Grant) {
		g.AccessExpires, g.RefreshExpires, g.MaxExpires, g.KeepUntil = none, none, none, none
	},
	"kept longer":          func(g *storage.Grant) { g.KeepUntil = g.RefreshExpires.Add(time.Hour) },
	"kept for ever":        func(g *storage.Grant) { g.KeepUntil, g.MaxExpires = none, none },
	"longer access token":  func(g *storage.Grant) { g.RefreshExpires = g.AccessExpires.Add(-time.Second) },
	"last narrow number":   func(g *storage.Grant) { g.Seq = 0xffff },
	"wide numbers":         func(g *storage.Grant) { g.Generation, g.Seq = 0x10000, 1<<32-2 },
	"revoked tokens":       func(g *storage.Grant) { g.Seq, g.RevokedUpTo, g.Revoked = 90, 7, []uint32{9, 20, 70} },
	"as many as can be":    func(g *storage.Grant) { g.Seq, g.Revoked = 900, numbers(storage.MaxRevoked) },
	"names that are UUIDs": func(g *storage.Grant) { g.Subject, g.ClientID = clientID, "00000000-0000-4000-8000-00000000000a" },
	"names of other cases": func(g *storage.Grant) { g.ClientID = strings.ToUpper(clientID) },
	"long scopes":          func(g *storage.Grant) { g.Scopes = []string{"mail", strings.Repeat("s", 300), "b"} },
	"as long as one byte":  func(g *storage.Grant) { g.Scopes = []string{strings.Repeat("s", 253)} },
	"longer than one byte": func(g *storage.Grant) { g.Scopes = []string{strings.Repeat("s", 254)} },
	"no scope, no client":  func(g *storage.Grant) { g.Scopes, g.ClientID = nil, "" },
	"properties":           func(g *storage.Grant) { g.Properties = map[string]string{"a": "", "": "b", clientID: clientID} },
}

var none time.Time

// numbers are every other one.
func numbers(n uint32) (out []uint32) {
	for i := range n {
		out = append(out, 2*i+2)
	}
	return out
}

// A script writes what storage would: version 2 as Encode does, and an old record so that the release before reads it.
func TestScriptsWriteWhatStorageWrites(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr())
	names := []string{"alice", clientID, strings.Repeat("n", 255)}
	for _, name := range names {
		u := owner(name)
		u.ID = "id " + name
		ok(t, "create", s.CreateUser(t.Context(), u))
	}
	ok(t, "end", s.EndRealm(t.Context(), alpha))
	n := 0
	for what, change := range kinds {
		for version, encode := range []func(*storage.Grant) []byte{storagetest.OldRecord, present} {
			n++
			t.Run(what, func(t *testing.T) {
				g := loginAs(t, s, names[n%len(names)], change)
				if version == 0 {
					ok(t, "plant", s.SetGrant(t.Context(), g.ID, encode(g)))
				}
				written(t, s, g, encode)
				if g.HasRefresh && len(g.Scopes) > 0 {
					out, err := s.Refresh(t.Context(), refreshStep(g))
					ok(t, "refresh", err)
					if out.Outcome != storage.RefreshDone {
						t.Fatalf("refresh: %v", out.Outcome)
					}
					written(t, s, out.Grant, encode)
				}
				ok(t, "revoke", s.Revoke(t.Context(), revocation(g, true)))
				v, err := s.InspectOwner(t.Context(), g.ID)
				ok(t, "inspect", err)
				if !v.Grant.IsRevoked(g.Seq) || v.User == nil {
					t.Errorf("revoked %v, owner %v", v.Grant.IsRevoked(g.Seq), v.User)
				}
				written(t, s, v.Grant, encode)
			})
		}
	}
}

func present(g *storage.Grant) []byte {
	record, err := g.Encode()
	if err != nil {
		panic(err)
	}
	return record
}

// loginAs logs in, with a grant that the store has as it was asked for.
func loginAs(t *testing.T, s *redis.Store, name string, change func(*storage.Grant)) *storage.Grant {
	t.Helper()
	r := reserve(t, s, name)
	g := newGrant(r)
	change(g)
	ok(t, "finish", s.Finish(t.Context(), storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: g}))
	v, err := s.Inspect(t.Context(), g.ID)
	ok(t, "inspect", err)
	if d := cmp.Diff(g, v.Grant, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("grant (-want +got):\n%s", d)
	}
	return g
}

// written expects the record of a grant as it stands.
func written(t *testing.T, s *redis.Store, g *storage.Grant, encode func(*storage.Grant) []byte) {
	t.Helper()
	got, err := s.GrantRecord(t.Context(), g.ID)
	ok(t, "read", err)
	if want := encode(g); !bytes.Equal(got, want) {
		t.Errorf("written\n%x, want\n%x", got, want)
	}
}

// Version 2 has its seal over all, and scripts look at it before they change anything.
func TestScriptsNoticeEachChangedByte(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr())
	addUser(t, s, "alice")
	g := loginAs(t, s, "alice", kinds["revoked tokens"])
	record := present(g)
	for i := range record {
		bad := bytes.Clone(record)
		bad[i] ^= 4
		ok(t, "plant", s.SetGrant(t.Context(), g.ID, bad))
		for call, err := range map[string]error{
			"revoke": s.Revoke(t.Context(), revocation(g, true)), "revoke refresh": s.Revoke(t.Context(), revocation(g, false)),
			"update": updated(t, s, "alice"),
		} {
			if !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("byte %d of %d, %s: %v", i, len(record), call, err)
			}
		}
		written(t, s, g, func(*storage.Grant) []byte { return bad })
	}
}

// A flag without a meaning may stand for a field of a later release, which nobody here can find: sealed or not, the record
// can't be read.
func TestScriptsRefuseFlagsThatTheyDoNotKnow(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr())
	addUser(t, s, "alice")
	g := loginAs(t, s, "alice", kinds["usual"])
	for bit := 12; bit < 16; bit++ {
		bad := present(g)
		bad[1] |= 1 << (bit - 8)
		bad = bad[:len(bad)-6]
		seal := sha1.Sum(slices.Concat(g.ID[:], bad))
		bad = append(bad, seal[:6]...)
		ok(t, "plant", s.SetGrant(t.Context(), g.ID, bad))
		_, inspect := s.Inspect(t.Context(), g.ID)
		_, refresh := s.Refresh(t.Context(), refreshStep(g))
		for call, err := range map[string]error{
			"inspect": inspect, "refresh": refresh, "revoke": s.Revoke(t.Context(), revocation(g, true)), "update": updated(t, s, "alice"),
		} {
			if !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("flag %d, %s: %v", bit, call, err)
			}
		}
		written(t, s, g, func(*storage.Grant) []byte { return bad })
	}
}

// updated lets an owner's account, and with it the grants, end soon.
func updated(t *testing.T, s *redis.Store, name string) error {
	u, err := s.UserByName(t.Context(), alpha, name)
	ok(t, "read", err)
	u.Expires = storage.Trim(time.Now().Add(time.Minute))
	return s.UpdateUser(t.Context(), u, false)
}
