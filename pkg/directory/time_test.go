package directory_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/directory"
	"github.com/ropcd/ropcd/pkg/directory/directorytest"
)

func took(t *testing.T, f func() error) time.Duration {
	t.Helper()
	start := time.Now()
	if err := f(); err != nil {
		t.Error(err)
	}
	return time.Since(start)
}

func TestRefusalsTakeAsLongAsWrongPasswords(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{Answering: true})
	s.AddUser("slow", password, directorytest.Answering(49, "", 1))
	s.AddUser("locked", password, directorytest.Answering(49, ad("775"), 0))
	s.AddUser("zoë", password, nil)
	d := open(t, options(s, s.TLSURL()))
	of := func(name string) func() error {
		return func() error { _, err := d.Check(t.Context(), name, password); return err }
	}
	if got := took(t, of("slow")); got < time.Second {
		t.Fatalf("a wrong password takes %v", got)
	}
	for what, f := range map[string]func() error{
		"unknown": of("nobody"), "locked": of("locked"), "refuse": func() error { return d.Refuse(t.Context()) },
	} {
		if got := took(t, f); got < time.Second || got > 3*time.Second {
			t.Errorf("%s takes %v", what, got)
		}
	}
	if got := took(t, of("zoë")); got >= time.Second {
		t.Errorf("a right password takes %v", got)
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{Answering: true})
	s.AddUser("slow", password, directorytest.Answering(49, "", 2))
	o := options(s, s.TLSURL())
	o.Connections = 1
	d := open(t, o)
	check(t, d, "slow", password, no(directory.Wrong))
	for what, f := range map[string]func(ctx context.Context) error{
		"unknown": func(ctx context.Context) error { _, err := d.Check(ctx, "nobody", password); return err },
		"refuse":  d.Refuse,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		start := time.Now()
		err := f(ctx)
		cancel()
		if !errors.Is(err, directory.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 1500*time.Millisecond {
			t.Errorf("%s: %v after %v", what, err, time.Since(start))
		}
	}
}

// Until a wrong password was seen, an unknown name costs the same round trips, and nobody's password is tried.
func TestFirstRefusalsMakeTheSameRoundTrips(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, nil)
	connections := map[string]int{}
	for what, f := range map[string]func(d *directory.Directory){
		"wrong":   func(d *directory.Directory) { check(t, d, "zoë", "wrong", no(directory.Wrong)) },
		"unknown": func(d *directory.Directory) { check(t, d, "nobody", "typed", no(directory.Unknown)) },
		"refuse": func(d *directory.Directory) {
			if err := d.Refuse(t.Context()); err != nil {
				t.Error(err)
			}
		},
	} {
		r := newRelay(t, s.Addr(), nil)
		f(open(t, options(s, r.ldap())))
		connections[what], _, _ = r.clients()
		if heard := r.said(); what != "wrong" && (strings.Contains(heard, "typed") || strings.Contains(heard, "zoë")) {
			t.Errorf("%s: the server hears %q", what, heard)
		}
	}
	if connections["unknown"] != connections["wrong"] || connections["refuse"] != connections["wrong"] {
		t.Errorf("connections: %v", connections)
	}
}

// An outage must not tell who is refused without being asked about.
func TestRefuseIsUnavailableWhenNoServerAnswers(t *testing.T) {
	t.Parallel()
	s := directorytest.Start(t, directorytest.Options{})
	s.AddUser("zoë", password, nil)
	d := open(t, options(s, s.TLSURL()))
	check(t, d, "zoë", "wrong", no(directory.Wrong))
	if err := d.Refuse(t.Context()); err != nil {
		t.Error(err)
	}
	s.Kill()
	unavailable(t, d, "zoë", "connect")
	if err := d.Refuse(t.Context()); !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("refuse: %v", err)
	}
	s.Restart()
	check(t, d, "zoë", password, right)
	if err := d.Refuse(t.Context()); err != nil {
		t.Error(err)
	}
}
