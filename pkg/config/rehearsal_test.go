package config_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

// look is a node that shows the owner to a test.
type look struct{ at func(u *realm.User) }

func (*look) Outcomes() []string                       { return []string{"done"} }
func (l *look) Open(journey.Env) (journey.Node, error) { return l, nil }

func (l *look) Run(_ context.Context, s *journey.State) (string, error) {
	l.at(s.User())
	return "done", nil
}

// waits is a node that takes a while.
type waits struct {
	take func(ctx context.Context) error
}

func (*waits) Outcomes() []string                       { return []string{"done"} }
func (w *waits) Open(journey.Env) (journey.Node, error) { return w, nil }

func (w *waits) Run(ctx context.Context, _ *journey.State) (string, error) {
	return "done", w.take(ctx)
}

// slow are two realms with n tests each, which wait.
func slow(n int) string {
	text := "realms:\n"
	for _, name := range []string{"alpha", "beta"} {
		text += "  " + name + `:
    oauth2_provider: {password_grant_authentication_service: Waits}
    journeys: {Waits: {entry: wait, allow_unverified: true, nodes: {wait: {type: Waits, next: success}}}}
    journey_tests:
` + strings.Repeat("      - {name: of "+name+", parameters: {username: demo, password: pass}, owner: {}, expect: {outcome: success}}\n", n)
	}
	return text
}

func TestJourneyTestsEndInTime(t *testing.T) {
	stuck := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	takes := func(d time.Duration) func(context.Context) error {
		return func(context.Context) error { time.Sleep(d); return nil } // it does not even look whether it may go on
	}
	for _, tc := range []struct {
		name string
		take func(context.Context) error
		n    int // of each of two realms
		runs int
		took time.Duration
		want string
	}{
		{"in time", takes(time.Second), 4, 8, 8 * time.Second, ""},
		{"one waits for ever", stuck, 3, 1, 2 * time.Second, `realms.alpha.journey_tests[0]: "of alpha": the run takes longer than 2s, ` +
			"so that no test after it ran; the way was wait"},
		{"one takes too long", takes(3 * time.Second), 3, 1, 3 * time.Second, `realms.alpha.journey_tests[0]: "of alpha": the run takes ` +
			"longer than 2s, so that no test after it ran; the way was wait:done"},
		{"all take too long", takes(1500 * time.Millisecond), 5, 7, 10500 * time.Millisecond, `realms.beta.journey_tests[1]: "of beta": ` +
			"the tests of all realms take longer than 10s together, so that none after this one ran; the way was wait:done"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path, opts, runs := filepath.Join(folder(t), "config.yaml"), options(), 0
			opts.Types["Waits"] = func() journey.Settings {
				return &waits{func(ctx context.Context) error { runs++; return tc.take(ctx) }}
			}
			write(t, path, slow(tc.n), 0o644)
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, problems := config.Load(path, opts)
				if took := time.Since(start); took != tc.took || runs != tc.runs {
					t.Errorf("%d runs took %v, want %d and %v", runs, took, tc.runs, tc.took)
				}
				errs := problems.Errors()
				if tc.want == "" && len(errs) == 0 {
					return
				}
				if len(errs) != 1 || errs[0].Path+": "+errs[0].Message != tc.want {
					t.Errorf("problems:\n%s\nwant %s", errs, tc.want)
				}
			})
		})
	}
}

// A test without a time runs when the file is read.
func TestJourneyTestsAreOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 1, 2, 17, 29, 30, 0, time.UTC)))
		for _, want := range []string{"success", "failure"} {
			_, problems := site{service: "Hours"}.rehearse(t, request("")+", owner: {password: pass}, expect: {outcome: "+want+"}")
			if len(problems) > 0 {
				t.Errorf("at %v:\n%s", time.Now(), problems)
			}
			time.Sleep(time.Minute)
		}
	})
}

// The record is that of a login: a node finds what it would find in the store.
func TestLockedOwnerOfAJourneyTestHasALock(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	for locked, want := range map[bool]bool{true: true, false: false} {
		path, opts, seen := filepath.Join(folder(t), "config.yaml"), options(), (*realm.User)(nil)
		opts.Types["Look"] = func() journey.Settings { return &look{func(u *realm.User) { seen = u }} }
		write(t, path, fmt.Sprintf(`
realms:
  alpha:
    oauth2_provider: {password_grant_authentication_service: Look}
    journeys:
      Look:
        entry: name
        allow_unverified: true
        nodes: {name: {type: UsernameCollector, next: look}, look: {type: Look, next: success}}
    journey_tests:
      - {now: 2026-01-02T15:04:05Z, parameters: {username: demo, password: pass}, owner: {locked: %t}, expect: {outcome: failure}}
`, locked), 0o644)
		config.Load(path, opts)
		if seen == nil || seen.Login.LockedUntil.After(now) != want {
			t.Errorf("locked: %t, the owner is %+v", locked, seen)
		}
	}
}

// In an emergency a client is switched off, and a realm's grant, whatever the tests say. On again, they count again.
func TestJourneyTestsDoNotHinderSwitchingOff(t *testing.T) {
	const on = `
realms:
  alpha:
    authentication: {organization_authentication_configuration: J}
    oauth2_provider: {grant_types: [password, refresh_token]}
    journeys:
      J:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check: {type: DataStoreDecision, outcomes: {true: success, false: failure}}
    clients:
      - {id: batch, secret_hash: h, scopes: [read], default_scopes: [read], enabled: true}
    journey_tests:
      - {client: batch, parameters: {username: demo, password: pass}, owner: {password: other}, expect: {outcome: success}}
      - {parameters: {username: demo, password: pass}, owner: {password: pass}, expect: {outcome: success}}
`
	if _, problems := load(t, on); len(problems.Errors()) != 1 {
		t.Errorf("on, the first test fails:\n%s", problems)
	}
	for old, changed := range map[string]string{"enabled: true": "enabled: false", "[password, refresh_token]": "[refresh_token]"} {
		c, problems := load(t, strings.Replace(on, old, changed, 1))
		if c == nil || len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Message, "left out") {
			t.Errorf("%s:\n%s", changed, problems)
		}
	}
	// The others run on.
	off := strings.NewReplacer("enabled: true", "enabled: false", "owner: {password: pass}", "owner: {}").Replace(on)
	if _, problems := load(t, off); len(problems.Errors()) != 1 || problems.Errors()[0].Path != "realms.alpha.journey_tests[1].expect.outcome" {
		t.Errorf("the second test fails:\n%s", problems)
	}
}

func TestJourneyTestsAreBounded(t *testing.T) {
	fails := slices.Repeat([]string{"expect: {outcome: success}"}, 501)
	if _, problems := (site{}).rehearse(t, fails[:500]...); len(problems) != 500 {
		t.Errorf("%d problems of 500 tests", len(problems))
	}
	_, problems := site{}.rehearse(t, fails...)
	if len(problems) != 1 || !strings.HasSuffix(problems[0].Message, "has 501 tests; there may be 500") {
		t.Errorf("%d problems, the first: %v", len(problems), problems[:1])
	}
}
