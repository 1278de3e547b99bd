package histories_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
	"github.com/ropcd/ropcd/storage/storagetest"
	"github.com/ropcd/ropcd/storage/storagetest/histories"
)

// noticed are ways in which a store can be broken that a history must show.
var noticed = []storagetest.Fault{
	"disabling leaves grants",
	"ending a client's grants does nothing",
	"ending a client's grants ends the realm's",
	"ending a realm's grants does nothing",
	"failures are counted late",
	"no idempotence",
	"nothing is reserved",
	"nothing locks",
	"reuse ends nothing",
	"revocations are lost",
	"rotates twice",
	"settles again and again",
	"unlocking does nothing",
	"versions don't matter to a login",
}

// noticedToo are more of them, for which there is no time in each run.
var noticedToo = []storagetest.Fault{
	"a change resets the attempts",
	"a failure makes a grant",
	"a grace that never ends",
	"always rotates",
	"an access token ends the grant",
	"any generation",
	"dead grants are cached",
	"disabling ends grants later",
	"ending a client's grants lasts",
	"ending an owner's grants does nothing",
	"every change ends grants",
	"every login is counted",
	"failures are not counted",
	"logins are not counted",
	"logins at once count as one",
	"no grace",
	"refreshes read, then write",
	"the last change wins",
}

func TestHistoriesShowBrokenStores(t *testing.T) {
	s := open(t)
	faults := noticed
	if os.Getenv("ROPCD_SOAK") != "" {
		faults = slices.Concat(noticed, noticedToo)
	}
	for _, fault := range faults {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			broken := histories.Faulty(storagetest.Broken(s, fault))
			_, err := histories.Run(t.Context(), []storage.Store{broken}, histories.Options{Seed: 1, Faults: 0.1})
			if err == nil {
				t.Fatal("nothing was noticed")
			}
			if !strings.Contains(err.Error(), "seed 1") {
				t.Error("the seed is not named")
			}
			t.Log(err)
		})
	}
}

func open(t *testing.T) storage.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "ropcd.db"), bolt.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
