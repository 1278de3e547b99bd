package storagetest

import (
	"maps"
	"slices"

	"github.com/ropcd/ropcd/storage"
)

// Fault is one way in which a store can be broken.
type Fault string

// Broken is the store with a fault put in front of it: the proof that the suite would notice. An unknown fault panics.
func Broken(s storage.Store, f Fault) storage.Store {
	broken, ok := faults()[f]
	if !ok {
		panic("no such fault: " + string(f))
	}
	return broken(s)
}

// Faults are all the ways that [Broken] knows.
func Faults() []Fault { return slices.Sorted(maps.Keys(faults())) }

func faults() map[Fault]func(s storage.Store) storage.Store {
	all := map[Fault]func(s storage.Store) storage.Store{}
	for _, m := range []map[Fault]func(s storage.Store) storage.Store{
		loginFaults, sourceFaults, effectFaults, ownerFaults, grantFaults, grantLimitFaults, tokenFaults, limitFaults,
	} {
		maps.Copy(all, m)
	}
	return all
}
