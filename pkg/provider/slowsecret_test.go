package provider_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// hashes is how many slow hashes f costs.
func (s *site) hashes(f func()) int64 {
	before := s.verified.Load()
	f()
	return s.verified.Load() - before
}

// put changes a client without the second that a change of another process may take.
func (s *site) put(c realm.Client) {
	s.store.put(c)
	s.Clients.Forget(c.Realm, c.ID)
}

func (s *site) login(t *testing.T, realmKey, id, secret string) error {
	t.Helper()
	_, _, err := s.authenticate(t, realmKey, basic(id, secret), nil)
	return err
}

func TestStoreFaultIsNeverAWrongSecret(t *testing.T) {
	for _, fault := range []error{storage.ErrUnavailable, storage.ErrDamaged} {
		s := newSite(t)
		s.store.fail(fmt.Errorf("read client: %w", fault))
		_, trace, err := s.authenticate(t, "/alpha", basic("plain", "secret"), nil)
		if !errors.Is(err, fault) || errors.Is(err, provider.ErrInvalidClient) || trace.Reason != "" {
			t.Errorf("error %v, trace %+v", err, trace)
		}
	}
}

func TestDamagedHashIsAFault(t *testing.T) {
	s := newSite(t)
	for _, hash := range []string{"$unknown$1", slowPrefix} {
		s.put(realm.Client{Realm: "/alpha", ID: "damaged", SecretHash: hash, Enabled: true})
		if err := s.login(t, "/alpha", "damaged", "secret"); !errors.Is(err, password.ErrHash) || errors.Is(err, provider.ErrInvalidClient) {
			t.Errorf("%q: error %v", hash, err)
		}
	}
}

func TestChosenSecretIsHashedOnceUntilItChanges(t *testing.T) {
	s := newSite(t)
	s.put(chosen("c", "secret"))
	login := func(secret string, want error) func() {
		return func() {
			t.Helper()
			if err := s.login(t, "/alpha", "c", secret); !errors.Is(err, want) {
				t.Errorf("%s: error %v", secret, err)
			}
		}
	}
	for _, step := range []struct {
		name   string
		do     func()
		hashes int64
	}{
		{"the first time", login("secret", nil), 1},
		{"again", login("secret", nil), 0},
		{"a wrong one", login("wrong", provider.ErrInvalidClient), 1},
		{"a wrong one is not remembered", login("wrong", provider.ErrInvalidClient), 1},
		{"a wrong one with two readings", login("wr+ng", provider.ErrInvalidClient), 2},
		{"rotation", func() { s.put(chosen("c", "other")) }, 0},
		{"the old one after it", login("secret", provider.ErrInvalidClient), 1},
		{"the new one", login("other", nil), 1},
		{"and again", login("other", nil), 0},
	} {
		if got := s.hashes(step.do); got != step.hashes {
			t.Errorf("%s: %d hashes, want %d", step.name, got, step.hashes)
		}
	}
}

func TestVerifiedSecretsAreNotSharedBetweenRealmsAndClients(t *testing.T) {
	s := newSite(t)
	s.put(chosen("c", "secret"))
	twin := chosen("c", "secret")
	twin.Realm = "/beta"
	s.put(twin)
	s.put(chosen("c2", "secret"))
	if err := s.login(t, "/alpha", "c", "secret"); err != nil {
		t.Fatal(err)
	}
	for _, other := range [][2]string{{"/beta", "c"}, {"/alpha", "c2"}} {
		n := s.hashes(func() {
			if err := s.login(t, other[0], other[1], "secret"); err != nil {
				t.Error(err)
			}
		})
		if n != 1 {
			t.Errorf("%v: %d hashes", other, n)
		}
	}
}

func TestVerifiedSecretsAreBounded(t *testing.T) {
	s := newSite(t)
	login := func(i int) func() {
		return func() {
			id := fmt.Sprintf("c%d", i)
			s.store.put(chosen(id, "secret"))
			if err := s.login(t, "/alpha", id, "secret"); err != nil {
				t.Error(err)
			}
		}
	}
	for i := range 1001 {
		login(i)()
	}
	if n := s.hashes(login(0)); n != 1 {
		t.Error("the first of 1001 is still remembered")
	}
	if n := s.hashes(login(1000)); n != 0 {
		t.Error("the last one is not remembered")
	}
}

func TestChosenSecretsAreHashedInThePool(t *testing.T) {
	s := newSite(t)
	s.put(chosen("c", "secret"))
	s.pool.Close()
	err := s.login(t, "/alpha", "c", "secret")
	if !errors.Is(err, password.ErrClosed) || errors.Is(err, provider.ErrInvalidClient) || !ropc.Passing(err) {
		t.Errorf("error %v", err)
	}
	if s.verified.Load() != 0 {
		t.Error("hashed outside the pool")
	}
}

func TestChosenSecretIsNotHashedForACallerWhoHasGone(t *testing.T) {
	s := newSite(t)
	s.put(chosen("c", "secret"))
	r, _ := s.Current().Realm("/alpha")
	ctx, cancel := context.WithCancel(ropc.NewContext(t.Context(), &ropc.Site{Realm: r}))
	cancel()
	_, err := s.AuthenticateClient(ctx, &http.Request{Header: http.Header{"Authorization": basic("c", "secret")}}, nil)
	if !errors.Is(err, context.Canceled) || s.verified.Load() != 0 {
		t.Errorf("error %v, %d hashes", err, s.verified.Load())
	}
	if _, running, waiting := s.pool.Stats(); running+waiting != 0 {
		t.Error("a place in the pool was lost")
	}
}

func TestChosenSecretsInParallel(t *testing.T) {
	s := newSite(t)
	s.put(chosen("c", "secret"))
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			secret, want := "secret", error(nil)
			if i%2 == 1 {
				secret, want = "wrong", provider.ErrInvalidClient
			}
			if err := s.login(t, "/alpha", "c", secret); !errors.Is(err, want) && !errors.Is(err, password.ErrBusy) {
				t.Errorf("%s: error %v", secret, err)
			}
		})
	}
	wg.Wait()
}

// Who guesses at a client's chosen secret takes no place in the hashing pool from the logins of the client's users.
func TestGuessersOfASecretTakeNoPlaceFromLogins(t *testing.T) {
	s := newSite(t)
	s.put(chosen("c", "secret"))
	release := make(chan struct{})
	var busy sync.WaitGroup
	defer busy.Wait()
	defer close(release)
	workers, _, _ := s.pool.Stats()
	for range workers {
		ticket, err := s.pool.Admit("somebody")
		if err != nil {
			t.Fatal(err)
		}
		busy.Go(func() {
			defer ticket.Release()
			_ = ticket.Do(context.Background(), func() { <-release })
		})
	}
	for running := 0; running < workers; _, running, _ = s.pool.Stats() {
		runtime.Gosched()
	}
	refused := make(chan error, 100)
	for range cap(refused) {
		busy.Go(func() { refused <- s.login(t, "/alpha", "c", "wrong") })
	}
	if err := <-refused; !errors.Is(err, password.ErrBusy) {
		t.Fatalf("the guessers do not fill their share: %v", err)
	}
	ticket, err := s.pool.Admit("/alpha\x00c")
	if err != nil {
		t.Fatalf("a login of the client: %v", err)
	}
	ticket.Release()
}
