package bolt_test

import (
	"testing"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/storagetest/histories"
)

func TestHistoriesAreExplainedByTheContract(t *testing.T) {
	s := open(t, file(t))
	histories.Test(t, []storage.Store{histories.Faulty(s)}, histories.Options{Faults: 0.1})
}
