package ropc_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
	"github.com/ropcd/ropcd/storage"
)

func TestSourceIsOfWhomTheAddressIsKnownToBe(t *testing.T) {
	public, backEnd := &realm.Client{ID: "c", Public: true}, &realm.Client{ID: "c"}
	for _, tc := range []struct {
		name    string
		client  *realm.Client
		of      ropc.AddressOf
		address string
		want    bool
	}{
		{"a device that connects", public, ropc.AddressConnected, "192.0.2.1", true},
		{"a device of IPv6", public, ropc.AddressConnected, "2001:db8::1", true},
		{"a back end that connects", backEnd, ropc.AddressConnected, "192.0.2.1", false},
		{"what a trusted client reports", backEnd, ropc.AddressReported, "192.0.2.1", true},
		{"a proxy, or a malformed header", public, ropc.AddressUnsure, "192.0.2.1", false},
		{"a proxy, or a malformed header, and a back end", backEnd, ropc.AddressUnsure, "192.0.2.1", false},
		{"no address", public, ropc.AddressConnected, "", false},
		{"no address, reported", backEnd, ropc.AddressReported, "nonsense", false},
	} {
		s := &ropc.Site{Address: tc.address, AddressOf: tc.of}
		if got := s.Source(ropc.Client{Client: tc.client}, "alice"); (got != storage.Source{}) != tc.want {
			t.Errorf("%s: source %x", tc.name, got)
		}
	}
}

// device lets requests come through a public client, from an address of the end user's own.
func (s *site) device(address string) {
	s.client.Public, s.client.AllowPublicPasswordGrant = true, true
	s.address, s.of = address, ropc.AddressConnected
}

const (
	home     = "198.51.100.1"
	newPlace = "198.51.100.2"
	attacker = "203.0.113.66"
)

// Whoever guesses alice's password all day locks or stops nobody but themselves and places where alice never was.
func TestAttackerDoesNotLockOutTheOwner(t *testing.T) {
	for _, tc := range []struct {
		name    string
		lockout realm.Lockout
		guesses int
	}{
		{"locked", lockout, lockout.Threshold},
		{"stopped", realm.Lockout{StopAfter: 100, Window: time.Hour, Duration: time.Hour, MaxDuration: time.Hour}, 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			s.realm.Lockout = tc.lockout
			s.owner(t, "alice")
			s.device(home)
			login(t, s, "at home")
			s.device(attacker)
			before, _ := s.hashes.count()
			s.wrong(t, "alice", 200)
			guesses, _ := s.hashes.count()
			if guesses-before != tc.guesses {
				t.Errorf("%d guesses were compared, want %d", guesses-before, tc.guesses)
			}
			for range 3 {
				s.device(home)
				s.wrong(t, "alice", 1)
				login(t, s, "at home, while an attacker guesses")
				locked(t, s, attacker)
				locked(t, s, newPlace)
			}
			if now, _ := s.hashes.count(); now-guesses != 6 {
				t.Errorf("%d passwords were compared after the lock, want alice's 6", now-guesses)
			}
			if err := s.UnlockUser(t.Context(), "/alpha", "alice"); err != nil {
				t.Fatal(err)
			}
			s.device(newPlace)
			login(t, s, "at a new place, once unlocked")
		})
	}
}

// login is alice's.
func login(t *testing.T, s *site, where string) {
	t.Helper()
	if _, err := s.as(t, "alice", "right"); err != nil {
		t.Errorf("alice %s: %v", where, err)
	}
}

// locked wants the right password to be refused at an address.
func locked(t *testing.T, s *site, address string) {
	t.Helper()
	s.device(address)
	got, err := s.as(t, "alice", "right")
	refused(t, address, err, ropc.ErrInvalidGrant)
	if got.trace.Reason != audit.Locked {
		t.Errorf("%s: reason %q", address, got.trace.Reason)
	}
}

func TestOwnerLogsInWhileAnAttackerGuessesAtTheSameTime(t *testing.T) {
	s := newSite(t)
	s.owner(t, "alice")
	s.device(home)
	login(t, s, "at home")
	before, _ := s.hashes.count()
	away := *s
	away.address = attacker
	var through atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	parallel(120, func(i int) {
		if i%6 == 0 {
			if _, err := s.askWithin(t, ctx, passwordForm("username", "alice", "password", "right")); err != nil {
				t.Errorf("alice at home: %v", err)
			}
			through.Add(1)
			return
		}
		_, err := away.askWithin(t, ctx, passwordForm("username", "alice", "password", "wrong"))
		if !errors.Is(err, ropc.ErrInvalidGrant) && !errors.Is(err, ropc.ErrTemporarilyUnavailable) {
			t.Errorf("attacker: %v", err)
		}
	})
	if all, _ := s.hashes.count(); all-before != lockout.Threshold+int(through.Load()) {
		t.Errorf("%d passwords were compared, %d of them alice's: the threshold is %d", all-before, through.Load(), lockout.Threshold)
	}
}

// An attacker who guesses through the same back end has the same address as everybody else there.
func TestPlainBackEndIsNoKnownSource(t *testing.T) {
	s := newSite(t)
	s.owner(t, "alice")
	s.of = ropc.AddressConnected
	login(t, s, "through a back end")
	s.wrong(t, "alice", lockout.Threshold)
	got, err := s.as(t, "alice", "right")
	refused(t, "locked", err, ropc.ErrInvalidGrant)
	if got.trace.Reason != audit.Locked || s.user(t, "alice").Login.Failures != lockout.Threshold {
		t.Errorf("reason %q, account %+v", got.trace.Reason, s.user(t, "alice").Login)
	}
}

func TestNewPasswordForgetsKnownSources(t *testing.T) {
	s := newSite(t)
	s.owner(t, "alice")
	s.device(home)
	login(t, s, "at home")
	if err := s.UpdateUser(t.Context(), s.user(t, "alice"), true); err != nil {
		t.Fatal(err)
	}
	s.device(attacker)
	s.wrong(t, "alice", lockout.Threshold)
	locked(t, s, home)
}
