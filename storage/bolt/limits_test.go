package bolt_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

func charge(layer storage.Layer, party string) storage.Charge {
	return storage.Charge{Layer: layer, Realm: alpha, Party: party, Limit: realm.Limit{Requests: 2, Per: time.Minute}}
}

func refused(t *testing.T, s *bolt.Store, c storage.Charge) bool {
	t.Helper()
	v, err := s.Charge(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return v.Refused()
}

func TestPlacesComeBackWithTheStoresClock(t *testing.T) {
	clock := &ahead{}
	s := open(t, file(t), clocked(clock))
	c := charge(storage.LayerClient, "app")
	for i, want := range []bool{false, false, true} {
		if got := refused(t, s, c); got != want {
			t.Errorf("request %d: refused %v", i+1, got)
		}
	}
	clock.by.Store(int64(30 * time.Second))
	if refused(t, s, c) || !refused(t, s, c) {
		t.Error("after half the time there is not exactly one place")
	}
}

func TestSweeperForgetsPartiesWithoutTakenPlaces(t *testing.T) {
	clock := &ahead{}
	s := open(t, file(t), clocked(clock))
	for i := range 100 {
		refused(t, s, charge(storage.LayerAddress, fmt.Sprint(i)))
	}
	sweep(t, s)
	if n := s.Limited(); n != 100 {
		t.Errorf("%d parties remembered, want 100", n)
	}
	clock.by.Store(int64(time.Minute))
	sweep(t, s)
	if n := s.Limited(); n != 0 {
		t.Errorf("%d parties remembered", n)
	}
}

// A flood of parties takes no more memory than there is for them, pushes out who was charged longest ago, and only in its
// own layer.
func TestPartiesRememberedAreBounded(t *testing.T) {
	s := open(t, file(t))
	s.RememberParties(10)
	old, busy, other := charge(storage.LayerAddress, "old"), charge(storage.LayerAddress, "busy"), charge(storage.LayerClient, "app")
	for _, c := range []storage.Charge{old, busy, other} {
		refused(t, s, c)
		refused(t, s, c)
	}
	for i := range 9 {
		refused(t, s, charge(storage.LayerAddress, fmt.Sprint(i)))
	}
	if s.Limited() != 11 || refused(t, s, old) || !refused(t, s, other) {
		t.Errorf("%d parties remembered; the oldest should be gone, the other layer's not", s.Limited())
	}
	busy.Mode = storage.Count
	refused(t, s, busy)
	for i := range 100 {
		refused(t, s, charge(storage.LayerAddress, fmt.Sprint("more", i)))
		if i%5 == 0 && !refused(t, s, busy) {
			t.Fatal("who is charged again and again is forgotten")
		}
	}
}
