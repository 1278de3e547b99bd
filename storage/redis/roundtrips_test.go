package redis_test

import (
	"testing"
	"time"

	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

func TestRoundTrips(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.Addr(), timeout(300*time.Millisecond)) // a longer one leaves no time to remember epochs
	ctx := t.Context()
	addUser(t, s, "alice")
	g := login(t, s, "alice") // loads the scripts
	addUser(t, s, "bob")
	warm := login(t, s, "bob")
	addUser(t, s, "carol")
	login(t, s, "carol")
	everything(t, open(t, server.Addr()))
	c := &counter{}
	s.AddHook(c.hook())

	client, user, address := limits()
	client.Party, user.Party, client.Limit.Requests = "another", "another", 3
	count := address
	address.Mode, count.Mode = storage.Look, storage.Count
	charge := func(want bool, charges ...storage.Charge) func() error {
		return func() error {
			v, err := s.Charge(ctx, charges...)
			if err == nil && v.Refused() != want {
				t.Errorf("refused %v, want %v", v.Refused(), want)
			}
			return err
		}
	}

	var r storage.Reservation
	rows := []struct {
		what string
		want int
		f    func() error
	}{
		{"charge a client and a user", 1, charge(false, client, user)},
		{"charge a client and a user, look at an address", 1, charge(false, client, user, address)},
		{"count at an address", 1, charge(false, count)},
		{"count at an address for the last time", 1, charge(true, count)},
		{"an address that is known to be refused", 0, func() error { _ = s.Known(address); return nil }},
		{"what is known to be refused", 0, charge(true, client, user, address)},
		{"begin", 1, func() error { r = reserve(t, s, "alice"); return nil }},
		{"finish", 1, func() error {
			return s.Finish(ctx, storage.Settlement{Reservation: r, Outcome: storage.Success, Grant: newGrant(r)})
		}},
		{"begin again", 1, func() error { r = reserve(t, s, "carol"); return nil }},
		{"finish with all effects", 1, func() error { return s.Finish(ctx, effects(r, storage.Success, 7)) }},
		{"begin once more", 1, func() error { r = reserve(t, s, "carol"); return nil }},
		{"fail with all effects", 1, func() error { return s.Finish(ctx, effects(r, storage.Failure, 8)) }},
		{"begin at a source", 1, func() error { r = reserveAt(t, s, "carol", 1); return nil }},
		{"make it known", 1, func() error { return s.Finish(ctx, storage.Settlement{Reservation: r, Outcome: storage.Success}) }},
		{"begin at a known source", 1, func() error { r = reserveAt(t, s, "carol", 1); return nil }},
		{"fail at a known source", 1, func() error { return s.Finish(ctx, storage.Settlement{Reservation: r, Outcome: storage.Failure}) }},
		{"begin for nobody", 1, func() error { r = reserve(t, s, "nobody"); return nil }},
		{"finish for nobody", 1, func() error { return s.Finish(ctx, storage.Settlement{Reservation: r, Outcome: storage.Failure}) }},
		{"inspect", 1, func() error { _, err := s.Inspect(ctx, g.ID); return err }},
		{"inspect with owner", 1, func() error { _, err := s.InspectOwner(ctx, g.ID); return err }},
		{"refresh", 1, func() error { _, err := s.Refresh(ctx, refreshStep(g)); return err }},
		{"revoke an access token", 1, func() error { return s.Revoke(ctx, revocation(g, true)) }},
		{"revoke a refresh token", 1, func() error { return s.Revoke(ctx, revocation(g, false)) }},
		{"list an owner's grants", 1, func() error { _, err := s.GrantsOf(ctx, alpha, "alice"); return err }},
		{"end an owner's grants", 1, func() error { return s.EndUser(ctx, alpha, "alice") }},
		{"end a client's grants", 1, func() error { return s.EndClient(ctx, alpha, clientID) }},
		{"end a realm's grants", 1, func() error { return s.EndRealm(ctx, alpha) }},
	}
	for _, row := range rows {
		_, _ = s.Inspect(ctx, warm.ID) // the epochs
		if got := c.of(func() { ok(t, row.what, row.f()) }); got > row.want {
			t.Errorf("%s: %d round trips, at most %d", row.what, got, row.want)
		}
	}
	again := login(t, s, "alice")
	ok(t, "forget the epochs", s.EndClient(ctx, alpha, "another"))
	ok(t, "end a client's grants", s.EndClient(ctx, alpha, clientID))
	if got := c.of(func() { _, _ = s.Inspect(ctx, again.ID) }); got != 2 {
		t.Errorf("inspect with epochs that are not remembered: %d round trips, want 2", got)
	}
}
