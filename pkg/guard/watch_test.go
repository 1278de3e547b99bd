package guard_test

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/realm"
)

// watched has an alarm beyond three owners of an address, and beyond half of at least four grants of a client.
var watched = &realm.Realm{Path: "/Alpha", Limits: realm.Limits{Alarms: realm.Alarms{Owners: 3, Grants: 4, DeniedPercent: 50}}}

// owners has the alarm of addresses only, clients the other one.
func owners(most int) *realm.Realm {
	return &realm.Realm{Path: "/Alpha", Limits: realm.Limits{Alarms: realm.Alarms{Owners: most}}}
}

func clients(least, percent int) *realm.Realm {
	return &realm.Realm{Path: "/Alpha", Limits: realm.Limits{Alarms: realm.Alarms{Grants: least, DeniedPercent: percent}}}
}

// denials are logins denied at an address, a second after each other; what is raised is by their number, from one.
func denials(w *guard.Watch, r *realm.Realm, address string, at time.Time, names ...string) map[int]guard.Alarm {
	raised := map[int]guard.Alarm{}
	for i, name := range names {
		d := guard.Decided{ClientID: "app", Username: name, Address: address, Denied: true, At: at.Add(time.Duration(i) * time.Second)}
		for _, a := range w.Note(r, d) {
			raised[i+1] = a
		}
	}
	return raised
}

func TestWatchNoticesAnAddressThatTriesManyOwners(t *testing.T) {
	many := func(network string) map[int]guard.Alarm {
		return map[int]guard.Alarm{4: {Reason: audit.ManyOwners, Network: network, Count: 4}}
	}
	for _, row := range []struct {
		name    string
		most    int
		address string
		names   string
		want    map[int]guard.Alarm
	}{
		{"as many as may be", 3, "192.0.2.1", "a b c a b c a b c", nil},
		{"one more", 3, "192.0.2.1", "a b c d", many("192.0.2.1")},
		{"once in a window", 3, "192.0.2.1", "a b c d e f g h i j k a b c d", many("192.0.2.1")},
		{"of IPv6 the network", 3, "2001:db8:0:1:2:3:4:5", "a b c d e", many("2001:db8:0:1::/64")},
		{"IPv4 in IPv6", 3, "::ffff:192.0.2.1", "a b c d", many("192.0.2.1")},
		{"off", 0, "192.0.2.1", "a b c d e", nil},
		{"a back end's address", 3, "", "a b c d e", nil},
		{"no address", 3, "nonsense", "a b c d e", nil},
	} {
		got := denials(guard.NewWatch(), owners(row.most), row.address, noon, strings.Fields(row.names)...)
		if diff := cmp.Diff(row.want, got); diff != "" && len(row.want)+len(got) > 0 {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestWatchCountsDenialsOfOneNetworkAndRealmTogether(t *testing.T) {
	other := &realm.Realm{Path: "/Beta", Limits: watched.Limits}
	for _, row := range []struct {
		name   string
		realm  *realm.Realm
		second string
		denied bool
		want   int
	}{
		{"the same network", owners(3), "2001:db8::ffff", true, 1},
		{"another network", owners(3), "2001:db8:0:1::1", true, 0},
		{"another realm", other, "2001:db8::1", true, 0},
		{"logins that are granted", owners(3), "2001:db8::1", false, 0},
	} {
		w := guard.NewWatch()
		denials(w, owners(3), "2001:db8::1", noon, "a", "b", "c")
		got := w.Note(row.realm, guard.Decided{Username: "d", Address: row.second, Denied: row.denied, At: noon})
		if len(got) != row.want {
			t.Errorf("%s: %v, want %d", row.name, got, row.want)
		}
	}
}

func TestWatchBeginsAnewWithEachWindow(t *testing.T) {
	for _, row := range []struct {
		name  string
		later time.Duration
		want  int // which of four more owners raises
	}{
		{"within the window", guard.AlarmWindow - time.Nanosecond, 1},
		{"after it", guard.AlarmWindow, 4},
		{"a request that was a little before", -time.Second, 1},
		{"long before: the clock was set back", -guard.AlarmWindow, 4},
	} {
		w := guard.NewWatch()
		denials(w, owners(3), "192.0.2.1", noon, "a", "b", "c")
		got := denials(w, owners(3), "192.0.2.1", noon.Add(row.later), "d", "e", "f", "g")
		if _, ok := got[row.want]; !ok || len(got) != 1 {
			t.Errorf("%s: %v, want one at %d", row.name, got, row.want)
		}
	}
}

// Each window has an alarm of its own, also for who never stops.
func TestWatchRaisesOnceAWindow(t *testing.T) {
	w, raised := guard.NewWatch(), 0
	for i := range 3600 {
		d := guard.Decided{ClientID: "app", Username: fmt.Sprint(i), Address: "192.0.2.1", Denied: true, At: noon.Add(time.Duration(i) * time.Second)}
		raised += len(w.Note(watched, d))
	}
	if raised != 2*6 { // in an hour, of the address and of the client
		t.Errorf("%d alarms", raised)
	}
}

func TestWatchNoticesAClientMostOfWhoseGrantsAreDenied(t *testing.T) {
	for _, row := range []struct {
		name           string
		least, percent int
		grants         string // - denied, + granted
		want           map[int]guard.Alarm
	}{
		{"half of them", 4, 50, "+-+-+-+-", nil},
		{"more than half", 4, 50, "+-+--", map[int]guard.Alarm{5: {Reason: audit.FailureRatio, ClientID: "app", Count: 3, Grants: 5}}},
		{"all, but few", 4, 50, "---", nil},
		{"enough with one that is granted", 4, 50, "---+", map[int]guard.Alarm{4: {Reason: audit.FailureRatio, ClientID: "app", Count: 3, Grants: 4}}},
		{"once in a window", 4, 50, "--------+++++++++---------------", map[int]guard.Alarm{4: {Reason: audit.FailureRatio, ClientID: "app", Count: 4, Grants: 4}}},
		{"no least number: off", 0, 50, "--------", nil},
		{"no share: off", 4, 0, "--------", nil},
	} {
		w, got := guard.NewWatch(), map[int]guard.Alarm{}
		for i, c := range row.grants {
			for _, a := range w.Note(clients(row.least, row.percent), guard.Decided{ClientID: "app", Username: "demo", Denied: c == '-', At: noon}) {
				got[i+1] = a
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" && len(row.want)+len(got) > 0 {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

// A hundred thousand addresses, names and clients, all different, take no more memory than there is for them.
func TestWatchIsBoundedUnderAttack(t *testing.T) {
	w := guard.NewWatch()
	flood := func(n int) {
		for range n {
			var a [16]byte
			_, _ = rand.Read(a[:])
			w.Note(watched, guard.Decided{
				ClientID: rand.Text(), Username: rand.Text(), Address: netip.AddrFrom16(a).String(), Denied: true, At: noon,
			})
		}
	}
	const many = 100_000
	flood(many / 2)
	half := heap()
	flood(many / 2)
	if grown := heap() - half; grown > 256<<10 {
		t.Errorf("%d bytes more for the second half", grown)
	}
	if want := uint64(2*many - guard.WatchedAddresses - guard.WatchedClients); w.Forgotten() != want {
		t.Errorf("%d forgotten, want %d", w.Forgotten(), want)
	}
	runtime.KeepAlive(w)
}

// As much as an attacker can make it keep: with as many names of each address as may be, an eighth of all addresses takes an
// eighth of 12 MiB.
func TestWatchKeepsFewNamesOfAnAddress(t *testing.T) {
	w, r := guard.NewWatch(), owners(1_000_000) // no configuration may say that
	before := heap()
	for i := range guard.WatchedAddresses / 8 {
		address := netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}).String()
		for n := range realm.MaxAlarmOwners {
			if a := w.Note(r, guard.Decided{Username: fmt.Sprint(n), Address: address, Denied: true, At: noon}); len(a) > 0 {
				t.Fatal(a)
			}
		}
	}
	if grown := heap() - before; grown > 12<<20/8 {
		t.Errorf("%d bytes", grown)
	}
	if got := denials(w, r, "192.0.0.1", noon, "one more"); got[1].Count != realm.MaxAlarmOwners+1 {
		t.Errorf("beyond what may be kept: %v", got)
	}
	runtime.KeepAlive(w)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Who goes on guessing is not forgotten for addresses that come once.
func TestWatchForgetsWhoWasQuietForTheLongest(t *testing.T) {
	w := guard.NewWatch()
	strangers := 0
	crowd := func() {
		for range guard.WatchedAddresses - 1 {
			strangers++
			denials(w, owners(3), fmt.Sprintf("2001:db8:%x:%x::1", strangers>>16, strangers&0xffff), noon, "x")
		}
	}
	denials(w, owners(3), "192.0.2.1", noon, "a")
	for _, name := range []string{"b", "c"} {
		crowd()
		denials(w, owners(3), "192.0.2.1", noon, name)
	}
	crowd()
	if got := denials(w, owners(3), "192.0.2.1", noon, "d"); len(got) != 1 {
		t.Error("who guessed all the time was forgotten")
	}
	crowd()
	crowd()
	if got := denials(w, owners(0), "192.0.2.1", noon, "e", "f", "g"); len(got) != 0 {
		t.Error(got)
	}
	before := w.Forgotten()
	denials(w, owners(3), "198.51.100.1", noon.Add(guard.AlarmWindow), "x")
	if w.Forgotten() != before {
		t.Error("a window that was over counts as forgotten early")
	}
}

// What is kept names nobody, whatever is looked at.
func TestWatchKeepsNoNames(t *testing.T) {
	w := guard.NewWatch()
	denials(w, watched, "192.0.2.77", noon, "canary-name", "other")
	for _, canary := range []string{"canary-name", "192.0.2.77", "app"} {
		if reaches(reflect.ValueOf(w), canary, map[uintptr]bool{}) {
			t.Errorf("%s is in memory", canary)
		}
	}
	if !reaches(reflect.ValueOf(&struct{ m map[string]*[]any }{map[string]*[]any{"a": {"x canary-name"}}}), "canary-name", map[uintptr]bool{}) {
		t.Error("the search finds nothing")
	}
}

// reaches reports whether a text is in any string or array of bytes that can be reached.
func reaches(v reflect.Value, text string, seen map[uintptr]bool) bool {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return false
		}
		seen[v.Pointer()] = true
		return reaches(v.Elem(), text, seen)
	case reflect.Interface:
		return !v.IsNil() && reaches(v.Elem(), text, seen)
	case reflect.Struct:
		for _, f := range v.Fields() {
			if reaches(f, text, seen) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if reaches(it.Key(), text, seen) || reaches(it.Value(), text, seen) {
				return true
			}
		}
	case reflect.Array, reflect.Slice:
		var b []byte
		for i := range v.Len() {
			e := v.Index(i)
			if e.Kind() == reflect.Uint8 {
				b = append(b, byte(e.Uint()))
			} else if reaches(e, text, seen) {
				return true
			}
		}
		return strings.Contains(string(b), text)
	case reflect.String:
		return strings.Contains(v.String(), text)
	}
	return false
}

func TestWatchRaisesOnceForRequestsInParallel(t *testing.T) {
	w := guard.NewWatch()
	var raised [2]atomic.Int32
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				at := noon.Add(time.Duration(i-g) * time.Millisecond)
				d := guard.Decided{ClientID: "app", Username: fmt.Sprint(g, i), Address: "192.0.2.1", Denied: true, At: at}
				for _, a := range w.Note(watched, d) {
					raised[map[string]int{audit.ManyOwners: 0, audit.FailureRatio: 1}[a.Reason]].Add(1)
				}
			}
		})
	}
	all.Wait()
	if raised[0].Load() != 1 || raised[1].Load() != 1 {
		t.Errorf("%d of the address, %d of the client", raised[0].Load(), raised[1].Load())
	}
}
