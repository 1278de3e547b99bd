package storage_test

import (
	"testing"

	"github.com/ropcd/ropcd/storage"
)

func BenchmarkEncodeGrant(b *testing.B) {
	g := fullGrant()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeGrant(b *testing.B) {
	g := fullGrant()
	record := encoded(b, g)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := storage.DecodeGrant(g.ID, record); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeUser(b *testing.B) {
	u := fullUser()
	record, err := storage.EncodeUser(u)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := storage.DecodeUser(u.Realm, u.Username, record); err != nil {
			b.Fatal(err)
		}
	}
}
