package storage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// full asks for all that a settlement can ask for.
func full(o storage.Outcome) storage.Settlement {
	next := fullUser()
	next.Realm, next.Username, next.ID, next.Version, next.Login = "/other", "other", "id-2", 1000, realm.Login{Failures: 9}
	next.Created = at.AddDate(1, 0, 0)
	next.PasswordHash = "$new"
	return storage.Settlement{
		Reservation: storage.Reservation{Realm: "/alpha", Username: "amelie", User: fullUser()}, Outcome: o,
		Owner: next, EndGrants: true, CountLogin: true, CodeStep: 7, Grant: fullGrant(), GrantLimit: realm.GrantLimit{Most: 3},
	}
}

func TestEffectiveLeavesOutWhatHasNoEffect(t *testing.T) {
	written := fullUser()
	written.PasswordHash, written.Version = "$new", 6
	for _, tc := range []struct {
		name   string
		s      storage.Settlement
		change func(s *storage.Settlement)
		want   func(s *storage.Settlement)
	}{
		{"success", full(storage.Success), nil, func(*storage.Settlement) {}},
		{"failure", full(storage.Failure), nil, func(s *storage.Settlement) {
			s.Grant, s.CountLogin, s.GrantLimit = nil, false, realm.GrantLimit{}
		}},
		{"void", full(storage.Void), nil, func(s *storage.Settlement) {
			*s = storage.Settlement{Reservation: s.Reservation}
		}},
		{"nobody", full(storage.Success), func(s *storage.Settlement) { s.Reservation.User = nil }, func(s *storage.Settlement) {
			s.Owner, s.EndGrants, s.CountLogin, s.CodeStep = nil, false, false, 0
		}},
		{"no owner", full(storage.Success), func(s *storage.Settlement) { s.Owner = nil }, func(s *storage.Settlement) {
			s.Owner, s.EndGrants = nil, false
		}},
		{"no end of grants", full(storage.Success), func(s *storage.Settlement) { s.EndGrants = false }, func(s *storage.Settlement) {
			kept := *written
			kept.Version = 5
			s.Owner, s.EndGrants = &kept, false
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.change != nil {
				tc.change(&tc.s)
			}
			want := tc.s
			want.Owner = written
			tc.want(&want)
			got, err := tc.s.Effective()
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestEffectiveOwnerIsACopy(t *testing.T) {
	s := full(storage.Success)
	got, err := s.Effective()
	if err != nil {
		t.Fatal(err)
	}
	got.Owner.Seed[0], got.Owner.Attributes["mail"] = 'x', "changed"
	if diff := cmp.Diff(full(storage.Success), s); diff != "" {
		t.Error(diff)
	}
}

func TestEffectiveRefusesWhatNoRecordCanHold(t *testing.T) {
	for name, change := range map[string]func(s *storage.Settlement){
		"seed":             func(s *storage.Settlement) { s.Owner.Seed = make([]byte, realm.MaxSeed+1) },
		"hash":             func(s *storage.Settlement) { s.Owner.PasswordHash = string(make([]byte, 1<<16)) },
		"code step":        func(s *storage.Settlement) { s.CodeStep = storage.MaxCodeStep + 1 },
		"another's grant":  func(s *storage.Settlement) { s.Grant.Username = "bob" },
		"another's bucket": func(s *storage.Settlement) { s.Grant.ID[1] ^= 1 },
		"another realm's":  func(s *storage.Settlement) { s.Grant.Realm = "/beta" },
	} {
		s := full(storage.Success)
		change(&s)
		if _, err := s.Effective(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
