package storage_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/storagetest"
)

// grantID is a fixed id in the bucket of the owner that the tests use.
func grantID() storage.GrantID {
	id := storage.NewGrantID("/alpha", "amelie")
	copy(id[2:], "0123456789ab")
	return id
}

func fullGrant() *storage.Grant {
	return &storage.Grant{
		ID: grantID(), Realm: "/alpha", Username: "amelie", Subject: "id-1", ClientID: "client", Scopes: []string{"read", "write"},
		GrantType: "password", Journey: "login", Rule: "auth_chain", AuthLevel: 7, AuthTime: at, Address: "2001:db8::7",
		Properties: map[string]string{"a": "1", "b": ""}, Generation: 3, Seq: 9, Refreshed: at.Add(1), Nonce: [8]byte{1, 2, 3},
		AccessExpires: at.Add(time.Hour), RefreshExpires: at.Add(2 * time.Hour), KeepUntil: at.Add(3 * time.Hour), HasRefresh: true,
		RefreshDigest: storage.DigestOf([]byte("r")), AccessDigest: storage.DigestOf([]byte("a")), RealmEpoch: 1, ClientEpoch: 2,
		RevokedUpTo: 4, Revoked: []uint32{6, 8},
	}
}

// grants are those of which each part of a record has all its forms.
func grants() []*storage.Grant {
	change := func(f func(*storage.Grant)) *storage.Grant {
		g := fullGrant()
		g.Refreshed = storage.Trim(g.Refreshed)
		f(g)
		return g
	}
	long := strings.Repeat("x", 300)
	return []*storage.Grant{
		{ID: grantID(), Realm: "/alpha", Username: "amelie"},
		change(func(*storage.Grant) {}),
		change(func(g *storage.Grant) { g.Generation, g.Seq = 0xffff, 0x10000 }),
		change(func(g *storage.Grant) {
			g.HasRefresh, g.RefreshExpires, g.KeepUntil = false, time.Time{}, g.AccessExpires
		}),
		change(func(g *storage.Grant) { g.KeepUntil = g.RefreshExpires }),
		change(func(g *storage.Grant) { g.KeepUntil, g.RefreshExpires = g.AccessExpires, at }),
		change(func(g *storage.Grant) { g.KeepUntil, g.AccessExpires = time.Time{}, time.Time{} }),
		change(func(g *storage.Grant) { g.KeepUntil = time.Time{} }),
		change(func(g *storage.Grant) { g.Revoked = slices.Repeat([]uint32{1<<32 - 1}, storage.MaxRevoked) }),
		change(func(g *storage.Grant) {
			g.Subject, g.ClientID = "0b8f4f6e-6a8e-4a36-9f3e-6d1c2f7a9b01", "0B8F4F6E-6a8e-4a36-9f3e-6d1c2f7a9b01"
			g.Properties = map[string]string{"ffffffff-ffff-ffff-ffff-ffffffffffff": "0b8f4f6e.6a8e-4a36-9f3e-6d1c2f7a9b01"}
		}),
		change(func(g *storage.Grant) {
			g.Journey, g.ClientID, g.Rule, g.GrantType = long[:253], long[:254], long[:255], long
		}),
		change(func(g *storage.Grant) { g.Rule, g.GrantType, g.Journey = "realm", "urn:other", "provider" }),
		change(func(g *storage.Grant) { g.Journey, g.AuthLevel, g.Generation, g.Seq = "PasswordGrant", 254, 255, 255 }),
		change(func(g *storage.Grant) { g.AuthLevel, g.Generation, g.Seq = 1<<16-1, 255, 256 }),
		change(func(g *storage.Grant) { g.Generation, g.Seq = 1<<16-1, 1<<16-1 }),
		change(func(g *storage.Grant) { g.Generation, g.Seq = 1<<16, 1 }),
		change(func(g *storage.Grant) { g.Address = "192.0.2.7" }),
		change(func(g *storage.Grant) { g.Address = "2001:DB8::7" }),
		change(func(g *storage.Grant) { g.Address = "::ffff:192.0.2.7" }),
		change(func(g *storage.Grant) { g.Address = "fe80::1%eth0" }),
		change(func(g *storage.Grant) {
			g.Properties = map[string]string{}
			for i := range 300 {
				g.Properties[strconv.Itoa(i)] = "v"
			}
		}),
	}
}

func encoded(t testing.TB, g *storage.Grant) []byte {
	t.Helper()
	b, err := g.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGrantsRecordHasItsLayout(t *testing.T) {
	g := fullGrant()
	g.RefreshDigest, g.AccessDigest = storage.Digest{0: 0xaa, 11: 0xab}, storage.Digest{0: 0xba, 11: 0xbb}
	g.ClientID, g.MaxExpires = "0b8f4f6e-6a8e-4a36-9f3e-6d1c2f7a9b01", at.Add(2*time.Hour)
	const head = "aa00000000000000000000ab" + "ba00000000000000000000bb" + "0102030000000000" // digests, nonce
	const times = "01a318933efb" + "01a318ca2d7b" + "01a318ca2d7b" + "01a3185c507b" + "01a319011bfb"
	const fixed = "01a3185c507b" + "062f616c706861" + "06616d656c6965" + "ff0b8f4f6e6a8e4a369f3e6d1c2f7a9b01" + // auth time, realm, name, client
		"0a72656164207772697465" + "0469642d31" + "02" + "00056c6f67696e" + "03" + // scopes, subject, grant type, journey, rule
		"07" + "10" + "20010db8000000000000000000000007" + // level, address
		"02" + "0161" + "0131" + "0162" + "00" // properties
	const want = "02" + "07fe" + head + "03" + "09" + times + "00000001" + "00000002" + "00000004" +
		"02" + "00000006" + "00000008" + fixed
	got := encoded(t, g)
	if d := cmp.Diff(want, hex.EncodeToString(got[:len(got)-6])); d != "" {
		t.Errorf("record (-want +got):\n%s", d)
	}
	sum := sha1.Sum(append(g.ID[:], got[:len(got)-6]...))
	if !bytes.Equal(got[len(got)-6:], sum[:6]) {
		t.Errorf("seal %x", got[len(got)-6:])
	}
}

// An old record is read by processes of the release before: it is theirs to the byte.
func TestOldRecordIsThatOfTheReleaseBefore(t *testing.T) {
	g := fullGrant()
	g.RefreshDigest, g.AccessDigest, g.Revoked = storage.Digest{1}, storage.Digest{2}, []uint32{6}
	const want = "" +
		"010213303132333435363738396162000000030000000901a3185c507b010203000000000001a318933efb01a318ca2d7b00000000000001" +
		"a319011bfb010000000000000000000000000000000200000000000000000000000000000000000001000000020000000401010000000600" +
		"000000000000062f616c7068610006616d656c69650006636c69656e74000a72656164207772697465000469642d31000870617373776f72" +
		"6400056c6f67696e000a617574685f636861696e000701a3185c507b000b323030313a6462383a3a370002000161000131000162000035ee" +
		"927a"
	if d := cmp.Diff(want, hex.EncodeToString(storagetest.OldRecord(g))); d != "" {
		t.Errorf("record (-want +got):\n%s", d)
	}
}

func TestMoreRevokedTokensThanAreEverWrittenIsDamaged(t *testing.T) {
	g := fullGrant()
	g.Revoked = make([]uint32, storage.MaxRevoked+1)
	if _, err := storage.DecodeGrant(g.ID, storagetest.OldRecord(g)); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("version 1: %v", err)
	}
	if _, err := g.Encode(); err == nil {
		t.Error("it was encoded")
	}
	g.Revoked = make([]uint32, storage.MaxRevoked)
	record := encoded(t, g)
	n := bytes.IndexByte(record[35:], storage.MaxRevoked) + 35
	long := slices.Concat(record[:n], []byte{storage.MaxRevoked + 1}, make([]byte, 4), record[n+1:])
	if _, err := storage.DecodeGrant(g.ID, sealed(g.ID, long)); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("version 2: %v", err)
	}
}

// sealed is a record of version 2 with the seal that fits.
func sealed(id storage.GrantID, record []byte) []byte {
	body := record[:max(len(record)-6, 0)]
	sum := sha1.Sum(slices.Concat(id[:], body))
	return slices.Concat(body, sum[:6])
}

func TestChangedGrantIsDamaged(t *testing.T) {
	g := fullGrant()
	record := encoded(t, g)
	for i := range record {
		bad := bytes.Clone(record)
		bad[i] ^= 0x10
		if _, err := storage.DecodeGrant(g.ID, bad); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("byte %d of %d: %v", i, len(record), err)
		}
	}
	bad := bytes.Clone(record)
	bad[1] |= 0x80
	if _, err := storage.DecodeGrant(g.ID, sealed(g.ID, bad)); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("a flag that has no meaning: %v", err)
	}
}

func FuzzDecodeGrant(f *testing.F) {
	for _, g := range grants() {
		f.Add(encoded(f, g))
		f.Add(storagetest.OldRecord(g))
	}
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, record []byte) {
		if len(record) > 0 && record[0] == 2 {
			record = sealed(grantID(), record) // else nothing gets behind the seal
		}
		g, err := storage.DecodeGrant(grantID(), record)
		if err != nil {
			if !errors.Is(err, storage.ErrDamaged) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := storage.DecodeGrant(g.ID, encoded(t, g))
		if d := cmp.Diff(g, again, cmpopts.EquateEmpty()); err != nil || d != "" {
			t.Fatalf("what was decoded does not come back: %v\n%s", err, d)
		}
	})
}

func FuzzParseGrantID(f *testing.F) {
	f.Add(grantID().String())
	f.Add("AAAAAAAAAAAAAAAAAAA")
	f.Add("A0000\r00000000000000")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := storage.ParseGrantID(s)
		if err == nil && id.String() != s {
			t.Fatalf("two spellings of one id: %q and %q", id.String(), s)
		}
	})
}
