package storagetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
)

// Options are what some stores can prove beyond what all must. A zero field leaves its cases out.
type Options struct {
	// Reopen closes a store and opens it again on the same data, as a restart of the process does.
	Reopen func(t *testing.T, s storage.Store) storage.Store
	// Second opens one more store on the data of the store that Run opened first, as another process does.
	Second func(t *testing.T) storage.Store
	// Clock opens a store of its own, with a function that sets how far its clock is ahead of what it would be.
	Clock func(t *testing.T) (s storage.Store, set func(ahead time.Duration))
	// Plant replaces a record in the store that Run opened first, for a store that keeps [storage.Grant.Encode].
	Plant Plant
}

// Run tests a store against the contract. The store that open gives is shared by cases in parallel, each in a realm of
// its own; it must be open until t's cleanup. With [Options.Reopen] open is called once more, for a store that Run
// closes through it and leaves open at the end.
func Run(t *testing.T, open func(t *testing.T) storage.Store, options ...Options) {
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	s := open(t)
	if err := s.Ready(t.Context()); err != nil {
		t.Fatalf("an open store is ready: %v", err)
	}
	t.Run("contract", func(t *testing.T) {
		for _, c := range Cases() {
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				report(t, c.Rule, c.Check(s))
			})
		}
	})
	if o.Second != nil {
		t.Run("second", func(t *testing.T) { runSecond(t, s, o.Second(t)) })
	}
	if o.Plant != nil {
		t.Run("old records", func(t *testing.T) { runOldRecords(t, s, o.Plant) })
	}
	if o.Clock != nil {
		t.Run("clock", func(t *testing.T) { runClock(t, o.Clock) })
	}
	if o.Reopen != nil {
		t.Run("reopen", func(t *testing.T) { runReopen(t, open(t), o.Reopen) })
	}
}

func report(t *testing.T, rule string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%v\nrule: %s", err, rule)
	}
}

// Case is one rule of the contract, and the proof that a store keeps it.
type Case struct {
	Name string // the subject, a slash, and the behaviour
	Rule string

	check func(e *env)
}

// Check proves the rule on a store, in a new realm. It is safe for concurrent use.
func (c Case) Check(s storage.Store) error {
	e, cancel := newEnv(s)
	defer cancel()
	return e.run(c.check)
}

// Cases are the rules that every store must keep.
func Cases() []Case {
	return slices.Concat(loginCases, lockoutCases, sourceCases, sourceChangeCases, finishCases, ownerCases, codeCases, historyCases,
		userCases, clientCases, grantCases, refreshCases, replayCases, revokeCases, isolationCases, concurrencyCases, expiryCases,
		deadlineCases, limitCases, grantLimitCases)
}

// limit is how long one case may take.
const limit = 60 * time.Second

func newEnv(s storage.Store) (*env, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	return &env{Store: s, ctx: ctx, realm: "/" + unique()}, cancel
}

// failure is what a case stops with.
type failure struct{ error }

// run calls a check and gives the failure it stopped with.
func (e *env) run(check func(e *env)) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = r.error
		default:
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	check(e)
	return nil
}
