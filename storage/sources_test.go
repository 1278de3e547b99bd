package storage_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

func source(realmKey, name, client, address string) storage.Source {
	at, _ := netip.ParseAddr(address) // invalid for what is none
	return storage.SourceOf(realmKey, name, client, at)
}

func TestSourceIsTheClientAndThePrefixOfTheAddress(t *testing.T) {
	v4, v6 := source("/a", "n", "c", "192.0.2.1"), source("/a", "n", "c", "2001:db8:0:1::1")
	for _, tc := range []struct {
		name string
		got  storage.Source
		want storage.Source
		same bool
	}{
		{"the same", source("/a", "n", "c", "192.0.2.1"), v4, true},
		{"IPv4 in IPv6", source("/a", "n", "c", "::ffff:192.0.2.1"), v4, true},
		{"the neighbour", source("/a", "n", "c", "192.0.2.0"), v4, false},
		{"the same /64", source("/a", "n", "c", "2001:db8:0:1:ffff::2"), v6, true},
		{"the same /64 with a zone", source("/a", "n", "c", "2001:db8:0:1::1%eth0"), v6, true},
		{"another /64", source("/a", "n", "c", "2001:db8:0:2::1"), v6, false},
		{"another client", source("/a", "n", "d", "192.0.2.1"), v4, false},
		{"another owner", source("/a", "m", "c", "192.0.2.1"), v4, false},
		{"another realm", source("/b", "n", "c", "192.0.2.1"), v4, false},
		{"parts cut elsewhere", source("/a", "nc", "", "192.0.2.1"), v4, false},
		{"parts cut elsewhere", source("/an", "", "c", "192.0.2.1"), v4, false},
		{"no address", source("/a", "n", "c", "nonsense"), storage.Source{}, true},
	} {
		if (tc.got == tc.want) != tc.same {
			t.Errorf("%s: %x and %x", tc.name, tc.got, tc.want)
		}
	}
	if v4 == (storage.Source{}) || v6 == (storage.Source{}) {
		t.Error("an address has no source")
	}
}

func fullSources() (list []storage.KnownSource) {
	for i := range storage.MaxSources {
		list = append(list, storage.KnownSource{Source: storage.Source{byte(i + 1)}, Login: fullUser().Login})
	}
	return list
}

// The bytes are a promise to scripts and to files that are there: a change of them is a new version of the format.
func TestKnownSourcesHaveTheirLayout(t *testing.T) {
	list := []storage.KnownSource{{Source: storage.Source{0: 1, 15: 2}, Login: realm.Login{LastLogin: at}}, fullSources()[4]}
	record := storage.EncodeSources(list)
	const first = "01000000000000000000000000000002" + "02" + "00000000" + "00000000" + "000000000000" + "000000000000" + "00" +
		"01a3185c507b" + "00000000" + "000000000000" + "00000000"
	if got := hex.EncodeToString(record[:58]); got != first || len(record) != 2*58 {
		t.Errorf("%d bytes, the first source:\n%s, want\n%s", len(record), got, first)
	}
	back, err := storage.DecodeSources(record)
	if d := cmp.Diff(list, back); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestSourcesThatAreNeverWrittenAreDamaged(t *testing.T) {
	full := storage.EncodeSources(fullSources())
	bad := map[string][]byte{
		"more than there can be": append(bytes.Clone(full), full[:54]...),
		"an older format":        append(make([]byte, 16), append([]byte{1}, make([]byte, 37)...)...),
	}
	for n := 1; n < 54; n++ {
		bad[fmt.Sprintf("cut to %d bytes", n)] = full[:n]
	}
	for name, record := range bad {
		if _, err := storage.DecodeSources(record); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := storage.DecodeSources(nil); err != nil || list != nil {
		t.Errorf("no bytes: %v, %v", list, err)
	}
}

func FuzzDecodeSources(f *testing.F) {
	f.Add([]byte{})
	f.Add(storage.EncodeSources(fullSources()))
	f.Add(storage.EncodeSources(fullSources()[:1]))
	f.Fuzz(func(t *testing.T, record []byte) {
		list, err := storage.DecodeSources(record)
		if err != nil {
			if !errors.Is(err, storage.ErrDamaged) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if got := storage.EncodeSources(list); !bytes.Equal(got, record) {
			t.Fatalf("encoded %x, decoded from %x", got, record)
		}
	})
}
