package ropc_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

// watch gives the site alarms.
func (s *site) watch(a realm.Alarms) {
	s.login.(*ropc.Login).Watch = guard.NewWatch()
	s.realm.Limits.Alarms = a
}

// An address counts for alarms where it counts for limits.
func TestAlarmsCountAddressesThatAreTheEndUsers(t *testing.T) {
	for _, row := range []struct {
		name   string
		of     ropc.AddressOf
		public bool
		want   int
	}{
		{"a back end's", ropc.AddressConnected, false, 0},
		{"unsure, of a back end", ropc.AddressUnsure, false, 0},
		{"reported", ropc.AddressReported, false, 1},
		{"of a public client", ropc.AddressConnected, true, 1},
	} {
		s := newSite(t)
		s.watch(realm.Alarms{Owners: 3})
		s.of, s.client.Public, s.client.AllowPublicPasswordGrant = row.of, row.public, row.public
		var got []guard.Alarm
		for _, name := range []string{"demo", "Demo", "DEMO", "nobody", "de mo", "x", "y", "z"} {
			answer, err := s.as(t, name, "wrong")
			refused(t, name, err, ropc.ErrInvalidGrant)
			got = append(got, answer.trace.Alarms...)
		}
		if len(got) != row.want || (row.want > 0 && got[0] != guard.Alarm{Reason: audit.ManyOwners, Network: s.address, Count: 4}) {
			t.Errorf("%s: %+v", row.name, got)
		}
	}
}

// What was not decided counts for nobody: faults, and what a limit refused.
func TestAlarmsCountDecisionsOnly(t *testing.T) {
	s := newSite(t)
	s.watch(realm.Alarms{Grants: 3, DeniedPercent: 1})
	limits := s.limit(t)
	limits.fault = storage.ErrUnavailable
	for range 5 {
		got, err := s.as(t, "demo", "wrong")
		refused(t, "fault", err, ropc.ErrTemporarilyUnavailable)
		if got.trace.Alarms != nil {
			t.Errorf("of faults: %+v", got.trace.Alarms)
		}
	}
	limits.fault = nil
	for i := range 5 {
		if got, _ := s.as(t, "demo", "wrong"); got.trace.Alarms != nil {
			t.Errorf("at %d, over the limit after two: %+v", i, got.trace.Alarms)
		}
	}
	got, _ := s.as(t, "another", "wrong")
	want := guard.Alarm{Reason: audit.FailureRatio, ClientID: "app", Count: 3, Grants: 3}
	if len(got.trace.Alarms) != 1 || got.trace.Alarms[0] != want {
		t.Errorf("%+v", got.trace.Alarms)
	}
}

func TestGrantedLoginsCountForTheClientsShare(t *testing.T) {
	s := newSite(t)
	s.watch(realm.Alarms{Grants: 4, DeniedPercent: 50})
	for i, password := range []string{"right", "wrong", "right", "wrong", "wrong"} {
		got, _ := s.as(t, "demo", password)
		if raised := fmt.Sprint(got.trace.Alarms); (len(got.trace.Alarms) == 1) != (i == 4) {
			t.Errorf("at %d: %s", i, raised)
		}
	}
}

// noRoom is where no owner can be made.
type noRoom struct{}

func (noRoom) CreateUser(context.Context, *realm.User) error { return storage.ErrUnavailable }

// A right password of somebody who can't be taken in now decides nothing.
func TestAlarmsLeaveOutAFaultAfterTheJourney(t *testing.T) {
	s := newSite(t)
	s.watch(realm.Alarms{Grants: 3, DeniedPercent: 50})
	s.login.(*ropc.Login).Users = noRoom{}
	for range 5 {
		_, err := s.outside(t, "Directory", "dirk", "right", "a@example.com")
		refused(t, "no room", err, ropc.ErrTemporarilyUnavailable)
	}
	var got []guard.Alarm
	for range 3 {
		answer, _ := s.as(t, "demo", "wrong")
		got = append(got, answer.trace.Alarms...)
	}
	if len(got) != 1 || got[0].Grants != 3 {
		t.Errorf("%+v", got)
	}
}
