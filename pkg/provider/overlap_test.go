package provider_test

import (
	"errors"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/realm"
)

// overlapping is the client of now, with the secret of before for another hour.
func overlapping(now, before realm.Client) realm.Client {
	now.PreviousSecretHash, now.PreviousSecretUntil = before.SecretHash, time.Now().Add(time.Hour)
	return now
}

func (s *site) expect(t *testing.T, name string, headers []string, form url.Values, want error) {
	t.Helper()
	if _, _, err := s.authenticate(t, "/alpha", headers, form); !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", name, err, want)
	}
}

func TestBothSecretsAreRightUntilTheTime(t *testing.T) {
	for name, c := range map[string]func() realm.Client{
		"generated":                 func() realm.Client { return overlapping(confidential("c", "new+1"), confidential("c", "old+1")) },
		"chosen":                    func() realm.Client { return overlapping(chosen("c", "new+1"), chosen("c", "old+1")) },
		"chosen, then generated":    func() realm.Client { return overlapping(confidential("c", "new+1"), chosen("c", "old+1")) },
		"generated, then chosen":    func() realm.Client { return overlapping(chosen("c", "new+1"), confidential("c", "old+1")) },
		"the same one, chosen anew": func() realm.Client { return overlapping(chosen("c", "new+1"), chosen("c", "new+1")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				s.put(c())
				wrong := func() {
					t.Helper()
					for _, secret := range []string{"wrong", "", "new", "old", "$slow$old+1", c().SecretHash, c().PreviousSecretHash} {
						s.expect(t, secret, basic("c", secret), nil, provider.ErrInvalidClient)
					}
				}
				right := func(secret string, want error) {
					t.Helper()
					s.expect(t, secret+" raw", basic("c", secret), nil, want)
					s.expect(t, secret+" encoded", encoded("c", secret), nil, want)
					s.expect(t, secret+" in the form", nil, post("client_id", "c", "client_secret", secret), want)
				}
				old, after := "old+1", error(provider.ErrInvalidClient)
				if name == "the same one, chosen anew" {
					old, after = "new+1", nil
				}
				right(old, nil)
				right("new+1", nil)
				wrong()
				time.Sleep(time.Hour - 1)
				right(old, nil)
				time.Sleep(time.Nanosecond)
				right(old, after)
				right("new+1", nil)
				wrong()
			})
		})
	}
}

// What is sent shows in the answer, and not in the work before it. Once the time is over it is one hash again, and what
// was remembered of the previous secret is worth nothing.
func TestSecretsCostTheSameDuringTheOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		fresh := func(client realm.Client, secret string, want error, hashes int64) {
			t.Helper()
			s.put(client)
			if got := s.hashes(func() { s.expect(t, secret, basic("c", secret), nil, want) }); got != hashes {
				t.Errorf("%s: %d hashes, want %d", secret, got, hashes)
			}
		}
		c := overlapping(chosen("c", "new"), chosen("c", "old"))
		fresh(c, "wrong", provider.ErrInvalidClient, 2)
		fresh(c, "wr+ong", provider.ErrInvalidClient, 4)
		fresh(c, "new", nil, 2)
		fresh(c, "old", nil, 2)
		fresh(c, "new", nil, 0)
		fresh(c, "old", nil, 0)
		fresh(c, "wrong", provider.ErrInvalidClient, 2)
		fresh(chosen("c", "new"), "old", provider.ErrInvalidClient, 1) // rotated without an overlap
		fresh(overlapping(chosen("c", "newer"), chosen("c", "new")), "old", provider.ErrInvalidClient, 2)
		fresh(c, "old", nil, 0)
		time.Sleep(time.Hour)
		fresh(c, "old", provider.ErrInvalidClient, 1)
		fresh(c, "old", provider.ErrInvalidClient, 1)
		fresh(c, "new", nil, 0)

		fresh(overlapping(confidential("c", "new"), chosen("c", "mixed")), "wrong", provider.ErrInvalidClient, 1)
		fresh(overlapping(confidential("c", "new"), chosen("c", "mixed")), "new", nil, 0)
		fresh(overlapping(confidential("c", "new"), chosen("c", "mixed")), "mixed", nil, 1)
		fresh(overlapping(chosen("c", "mixed"), confidential("c", "old")), "old", nil, 0)
		fresh(overlapping(confidential("c", "new"), confidential("c", "old")), "wrong", provider.ErrInvalidClient, 0)
	})
}

func TestPreviousSecretOpensNothingElse(t *testing.T) {
	s := newSite(t)
	s.put(overlapping(confidential("c", "new"), confidential("c", "old")))
	pinned := overlapping(confidential("pinned", "new"), confidential("pinned", "old"))
	pinned.TokenEndpointAuthMethod = realm.AuthPost
	s.put(pinned)
	off := overlapping(confidential("off", "new"), confidential("off", "old"))
	off.Enabled = false
	s.put(off)
	foreign := overlapping(confidential("foreign", "new"), confidential("c", "old"))
	s.put(foreign)
	public := overlapping(realm.Client{Realm: "/alpha", ID: "public", Enabled: true, Public: true}, confidential("public", "old"))
	s.put(public)
	for _, id := range []string{"pinned", "off", "foreign", "public"} {
		s.expect(t, id, basic(id, "old"), nil, provider.ErrInvalidClient)
	}
	s.expect(t, "pinned, as it has to", nil, post("client_id", "pinned", "client_secret", "old"), nil)
	if _, _, err := s.authenticate(t, "/beta", basic("c", "old"), nil); !errors.Is(err, provider.ErrInvalidClient) {
		t.Errorf("another realm: %v", err)
	}
}

func TestDamagedPreviousHashIsAFault(t *testing.T) {
	s := newSite(t)
	for _, hash := range []string{"$unknown$1", slowPrefix} {
		s.put(overlapping(chosen("c", "new"), realm.Client{SecretHash: hash}))
		for range 2 { // it is not remembered away
			s.expect(t, hash, basic("c", "new"), nil, password.ErrHash)
		}
	}
}

func TestOverlapInParallel(t *testing.T) {
	s := newSite(t)
	s.put(overlapping(chosen("c", "new"), chosen("c", "old")))
	var wg sync.WaitGroup
	for i := range 33 {
		wg.Go(func() {
			secret := []string{"new", "old", "wrong"}[i%3]
			want := map[string]error{"wrong": provider.ErrInvalidClient}[secret]
			if err := s.login(t, "/alpha", "c", secret); !errors.Is(err, want) && !errors.Is(err, password.ErrBusy) {
				t.Errorf("%s: error %v", secret, err)
			}
		})
	}
	wg.Wait()
}
