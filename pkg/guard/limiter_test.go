package guard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
	"github.com/ropcd/ropcd/storage"
)

// limits is a store of limits whose answer is given.
type limits struct {
	verdict storage.Verdict
	fault   error
	charged []storage.Charge
	known   []storage.Charge
}

func (l *limits) Charge(ctx context.Context, charges ...storage.Charge) (storage.Verdict, error) {
	l.charged = append(l.charged, charges...)
	return l.verdict, errors.Join(l.fault, ctx.Err())
}

func (l *limits) Known(c storage.Charge) storage.Verdict {
	l.known = append(l.known, c)
	return l.verdict
}

var limited = &realm.Realm{Path: "/Alpha", Limits: realm.Limits{
	Address: realm.Limit{Requests: 1, Per: time.Minute}, Client: realm.Limit{Requests: 2, Per: time.Minute},
	UserClient: realm.Limit{Requests: 3, Per: time.Minute},
}}

func TestAdmitAsksForEveryLimitThatIsOn(t *testing.T) {
	client := storage.Charge{Layer: storage.LayerClient, Realm: "/alpha", Party: "app", Limit: limited.Limits.Client}
	user := storage.Charge{Layer: storage.LayerUserClient, Realm: "/alpha", Party: "app", Username: "demo", Limit: limited.Limits.UserClient}
	address := storage.Charge{
		Layer: storage.LayerAddress, Realm: "/alpha", Party: "2001:db8:0:1::/64", Limit: limited.Limits.Address, Mode: storage.Look,
	}
	for _, row := range []struct {
		name    string
		off     func(l *realm.Limits)
		public  bool
		address string
		want    []storage.Charge
	}{
		{"all", nil, false, "2001:db8:0:1::7", []storage.Charge{client, user, address}},
		{"a public client", nil, true, "2001:db8:0:1::7", []storage.Charge{address}},
		{"a back end", nil, false, "", []storage.Charge{client, user}},
		{"no address", nil, false, "unix", []storage.Charge{client, user}},
		{"no address limit", func(l *realm.Limits) { l.Address = realm.Limit{} }, false, "2001:db8:0:1::7", []storage.Charge{client, user}},
		{"no client limit", func(l *realm.Limits) { l.Client.Requests = 0 }, false, "", []storage.Charge{user}},
		{"no user limit", func(l *realm.Limits) { l.UserClient = realm.Limit{} }, false, "", []storage.Charge{client}},
		{"none", func(l *realm.Limits) { *l = realm.Limits{} }, false, "2001:db8:0:1::7", nil},
	} {
		r, store := *limited, &limits{}
		if row.off != nil {
			row.off(&r.Limits)
		}
		l := &guard.Limiter{Limits: store}
		g := guard.Grant{ClientID: "app", Username: "demo", Address: row.address}
		if row.public {
			g.ClientID = ""
		}
		if err := l.Admit(t.Context(), &r, g); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if diff := cmp.Diff(row.want, store.charged); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestRefusalSaysWhichLayerAndHowLong(t *testing.T) {
	l := &guard.Limiter{Limits: &limits{verdict: storage.Verdict{Over: storage.LayerClient, Retry: 7 * time.Second}}}
	for what, err := range map[string]error{
		"admit":   l.Admit(t.Context(), limited, guard.Grant{ClientID: "app", Username: "demo"}),
		"address": l.Address(limited, "192.0.2.7"),
	} {
		var limit *guard.LimitError
		if !errors.As(err, &limit) || limit.Layer != storage.LayerClient || limit.Retry != 7*time.Second {
			t.Errorf("%s: %v", what, err)
		}
		if strings.Contains(err.Error(), "app") || strings.Contains(err.Error(), "192") {
			t.Errorf("%s names a party: %v", what, err)
		}
	}
}

func TestAddressAsksNoStore(t *testing.T) {
	store := &limits{fault: storage.ErrUnavailable}
	l := &guard.Limiter{Limits: store}
	for _, address := range []string{"192.0.2.7", "", "unix"} {
		if err := l.Address(limited, address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
	if len(store.charged) != 0 || len(store.known) != 1 || store.known[0].Party != "192.0.2.7" {
		t.Errorf("charged %v, looked up %v", store.charged, store.known)
	}
}

func TestFailureIsCountedAlsoWhenTheCallerHasGone(t *testing.T) {
	store := &limits{verdict: storage.Verdict{Over: storage.LayerAddress, Retry: time.Second}}
	l := &guard.Limiter{Limits: store}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Fail(ctx, limited, "192.0.2.7"); err != nil { // the failure itself is not refused
		t.Error(err)
	}
	if err := l.Fail(ctx, limited, ""); err != nil {
		t.Error(err)
	}
	want := []storage.Charge{{
		Layer: storage.LayerAddress, Realm: "/alpha", Party: "192.0.2.7", Limit: limited.Limits.Address, Mode: storage.Count,
	}}
	if diff := cmp.Diff(want, store.charged); diff != "" {
		t.Error(diff)
	}
}

func TestFaultOfTheStoreIsNoYes(t *testing.T) {
	l := &guard.Limiter{Limits: &limits{fault: storage.ErrUnavailable}}
	if err := l.Admit(t.Context(), limited, guard.Grant{ClientID: "app"}); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("admit: %v", err)
	}
	if err := l.Fail(t.Context(), limited, "192.0.2.7"); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("fail: %v", err)
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:0:1:ffff::7": "2001:db8:0:1::/64",
		"fe80::1%eth0": "fe80::/64", "::1": "::/64", "": "", "unix": "", "192.0.2.7:80": "",
	} {
		if got := guard.Network(address); got != want {
			t.Errorf("%q is in %q, want %q", address, got, want)
		}
	}
}
