package ropc_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/pkg/ropc"
)

func TestExpiresInIsWholeSecondsThatRemain(t *testing.T) {
	timeless(t, func(t *testing.T, s *site) {
		if got := s.demo(t); got.expires != int64(3600) {
			t.Errorf("at the very instant: %v", got.expires)
		}
		s.hashes.hook = func() { time.Sleep(500 * time.Microsecond) }
		if got := s.demo(t); got.expires != int64(3599) {
			t.Errorf("a moment later: %v", got.expires)
		}
	})
	end := time.Unix(1700000000, 0)
	for left, want := range map[time.Duration]int64{
		time.Hour: 3600, time.Hour - 1: 3599, time.Second: 1, time.Second - 1: 0, 0: 0, -time.Hour: 0,
	} {
		if got := ropc.Seconds(end.Add(-left), end); got != want {
			t.Errorf("%v left: %d", left, got)
		}
	}
}

// lives is how long a refresh token and an access token of a login live, to the minute; zero is for ever.
type lives struct{ access, refresh time.Duration }

func on(b bool) *bool { return &b }

func TestLifetimes(t *testing.T) {
	const never = realm.Never
	for _, tc := range []struct {
		name   string
		change func(p *realm.Provider, own *realm.Overrides)
		owner  time.Duration // when the account expires; 0: never
		want   lives
	}{
		{"of the realm", func(*realm.Provider, *realm.Overrides) {}, 0, lives{time.Hour, 24 * time.Hour}},
		{"access never", func(p *realm.Provider, _ *realm.Overrides) { p.AccessTokenLifetime = never }, 0, lives{0, 24 * time.Hour}},
		{"refresh never", func(p *realm.Provider, _ *realm.Overrides) { p.RefreshTokenLifetime = never }, 0, lives{time.Hour, 0}},
		{"of the client", func(_ *realm.Provider, own *realm.Overrides) {
			own.AccessTokenLifetime, own.RefreshTokenLifetime = 5*time.Minute, 2*time.Hour
		}, 0, lives{5 * time.Minute, 2 * time.Hour}},
		{"of the client, never", func(_ *realm.Provider, own *realm.Overrides) {
			own.AccessTokenLifetime, own.RefreshTokenLifetime = never, never
		}, 0, lives{}},
		{"within the grant's", func(p *realm.Provider, _ *realm.Overrides) { p.RefreshTokenMaxLifetime = 30 * time.Minute }, 0, lives{30 * time.Minute, 30 * time.Minute}},
		{"never, within the grant's", func(p *realm.Provider, own *realm.Overrides) {
			p.RefreshTokenMaxLifetime, own.AccessTokenLifetime, own.RefreshTokenLifetime = 3*time.Hour, never, never
		}, 0, lives{3 * time.Hour, 3 * time.Hour}},
		{"within the account's", func(*realm.Provider, *realm.Overrides) {}, 2 * time.Hour, lives{time.Hour, 2 * time.Hour}},
		{"both within the account's", func(*realm.Provider, *realm.Overrides) {}, 10 * time.Minute, lives{10 * time.Minute, 10 * time.Minute}},
		{"never, within the account's", func(p *realm.Provider, own *realm.Overrides) {
			p.AccessTokenLifetime, own.RefreshTokenLifetime = never, never
		}, 2 * time.Hour, lives{2 * time.Hour, 2 * time.Hour}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			timeless(t, func(t *testing.T, s *site) {
				tc.change(s.settings, &s.client.Overrides)
				if tc.owner > 0 {
					s.change(t, "demo", func(u *realm.User) { u.Expires = time.Now().Add(tc.owner) })
				}
				login := s.demo(t)
				want := any(nil)
				if tc.want.access > 0 {
					want = int64(tc.want.access / time.Second)
				}
				if diff := cmp.Diff(want, login.expires); diff != "" {
					t.Error(diff)
				}
				s.livesFor(t, "access token", login.access, tc.want.access)
				s.livesFor(t, "refresh token", login.refresh, tc.want.refresh)
			})
		})
	}
}

// livesFor waits for the end of a token's life since the login that it is from.
func (s *site) livesFor(t *testing.T, what, text string, life time.Duration) {
	t.Helper()
	active, err := s.tokens().Inspect(t.Context(), s.realm, text, false)
	if life == 0 {
		if err != nil || !active.Expires.IsZero() {
			t.Errorf("%s: %+v, %v", what, active, err)
		}
		return
	}
	if err != nil {
		if left := life - time.Since(bubbleStart); left > 0 {
			t.Errorf("%s: over %v early", what, left)
		}
		return
	}
	if active.Expires.IsZero() {
		t.Errorf("%s: lives for ever", what)
		return
	}
	time.Sleep(time.Until(active.Expires) - time.Millisecond)
	if _, err := s.tokens().Inspect(t.Context(), s.realm, text, false); err != nil {
		t.Errorf("%s: over too early: %v", what, err)
	}
	time.Sleep(time.Millisecond)
	if _, err := s.tokens().Inspect(t.Context(), s.realm, text, false); err == nil {
		t.Errorf("%s: not over", what)
	}
	if got := time.Since(bubbleStart); got != life {
		t.Errorf("%s: over after %v, want %v", what, got, life)
	}
}

// bubbleStart is when time begins in synctest.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestRotationRenewsTheLifetime(t *testing.T) {
	timeless(t, func(t *testing.T, s *site) {
		s.settings.RefreshTokenLifetime = time.Hour
		now := s.demo(t)
		for range 5 {
			time.Sleep(time.Hour - time.Millisecond)
			now = s.renew(t, now.refresh, "")
		}
		time.Sleep(time.Hour)
		s.dead(t, "after an hour without use", now.refresh)
	})
}

func TestRotationNeverPassesTheGrantsOwnEnd(t *testing.T) {
	for name, limit := range map[string]func(t *testing.T, s *site){
		"max lifetime": func(_ *testing.T, s *site) { s.settings.RefreshTokenMaxLifetime = 90 * time.Minute },
		"account": func(t *testing.T, s *site) {
			s.change(t, "demo", func(u *realm.User) { u.Expires = time.Now().Add(90 * time.Minute) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			timeless(t, func(t *testing.T, s *site) {
				limit(t, s)
				now := s.demo(t)
				time.Sleep(time.Hour)
				now = s.renew(t, now.refresh, "")
				if now.expires != int64(1800) {
					t.Errorf("expires_in %v", now.expires)
				}
				time.Sleep(30*time.Minute - time.Millisecond)
				now = s.renew(t, now.refresh, "")
				if now.expires != int64(0) {
					t.Errorf("expires_in %v in the last millisecond", now.expires)
				}
				time.Sleep(time.Millisecond)
				s.dead(t, "after the grant's end", now.refresh)
			})
		})
	}
}

// An account that is made to end earlier takes what was issued with it.
func TestAccountThatEndsEarlierEndsItsTokens(t *testing.T) {
	timeless(t, func(t *testing.T, s *site) {
		login := s.demo(t)
		s.change(t, "demo", func(u *realm.User) { u.Expires = time.Now().Add(time.Minute) })
		time.Sleep(time.Minute)
		s.dead(t, "after the account's end", login.refresh)
		if _, err := s.tokens().Inspect(t.Context(), s.realm, login.access, false); err == nil {
			t.Error("the access token lives on")
		}
	})
}

func TestClientsOwnFlags(t *testing.T) {
	s := newSite(t)
	s.client.IssueRefreshTokenOnRefresh = on(false)
	login := s.demo(t)
	if got := s.renew(t, login.refresh, ""); got.refresh != "" {
		t.Error("rotated")
	}
	s.client.IssueRefreshToken = on(false)
	if got := s.demo(t); got.refresh != "" {
		t.Error("a refresh token was issued")
	}
	s.settings.IssueRefreshToken, s.client.IssueRefreshToken = false, on(true)
	if got := s.demo(t); got.refresh == "" {
		t.Error("no refresh token was issued")
	}
}
