package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropcd/ropcd/pkg/guard"
)

// watched is a password grant in the realm with alarms: beyond two owners of an address, beyond half of five grants of a
// client.
func (w *world) watched(t testing.TB, client, user, password string, headers ...string) answer {
	t.Helper()
	body := form("grant_type", "password", "username", user, "password", password)
	if client == "open" {
		body += "&client_id=open"
	} else {
		headers = append(headers, basic("/watched", client))
	}
	return w.send(t, post(endpoint("/watched", "access_token"), body, headers...))
}

// alarms are the events of alarms, without time and request, which are checked.
func (w *world) alarms(t testing.TB) (list []map[string]any) {
	t.Helper()
	before := map[any]bool{}
	for line := range strings.SplitSeq(strings.TrimSpace(w.audit.String()), "\n") {
		var e map[string]any
		must(t, json.Unmarshal([]byte(line), &e))
		if e["event"] != "alarm" {
			before[e["request_id"]] = true
			continue
		}
		if _, err := time.Parse(time.RFC3339, fmt.Sprint(e["time"])); err != nil || !before[e["request_id"]] {
			t.Errorf("the event %v", e)
		}
		delete(e, "time")
		delete(e, "request_id")
		list = append(list, e)
	}
	return list
}

// metricLines are the lines of a metric.
func metricLines(text, prefix string) (list []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, prefix) {
			list = append(list, line)
		}
	}
	return list
}

// Whether the names belong to anybody or not, whoever guesses at many owners from one place is noticed once, and nobody is
// refused for it.
func TestGuessingAtManyOwnersRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"demo", "nobody", "de mo", "another"}, {"stranger1", "stranger2", "stranger3", "demo"}} {
		w := newWorld(t, setup{})
		address := "X-End-User: 2001:db8::1"
		// Right ones of one owner, at home, keep the client below its share.
		for range 8 {
			if a := w.watched(t, "reporter", "demo", passwordOf("/watched"), "X-End-User: 198.51.100.1"); a.status != 200 {
				t.Fatal(a)
			}
		}
		for range 3 {
			w.watched(t, "reporter", names[0], "wrong", address)
		}
		for _, name := range []string{"x", "y", "z"} { // a back end's address is nobody's
			w.watched(t, "app", name, "wrong")
		}
		w.watched(t, "reporter", names[1], "wrong", "X-End-User: 2001:db8::2")
		if got := w.alarms(t); len(got) != 0 {
			t.Errorf("too early: %v", got)
		}
		for _, name := range names[2:] {
			if a := w.watched(t, "reporter", name, "wrong", address); a.status != 400 {
				t.Errorf("%s: %s", name, a)
			}
		}
		want := []map[string]any{{
			"event": "alarm", "outcome": "raised", "reason": "many_owners", "realm": "/watched", "address": "2001:db8::/64", "count": 3.,
		}}
		if diff := cmp.Diff(want, w.alarms(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", names, diff)
		}
		metric := []string{`ropcd_alarms_total{realm="/watched",reason="many_owners"} 1`}
		if diff := cmp.Diff(metric, metricLines(w.metrics(t), "ropcd_alarms_total")); diff != "" {
			t.Errorf("metric (-want +got):\n%s", diff)
		}
	}
}

func TestClientMostOfWhoseGrantsAreDeniedRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	want := map[string]any{
		"event": "alarm", "outcome": "raised", "reason": "failure_ratio", "realm": "/watched", "client_id": "app", "count": 4., "grants": 5.,
	}
	for round := 1; round <= 2; round++ {
		w.watched(t, "app", "demo", passwordOf("/watched"))
		for i := range 8 {
			w.watched(t, "app", fmt.Sprintf("user%d", i), "wrong")
		}
		alarms := w.alarms(t)
		if len(alarms) != round {
			t.Fatalf("round %d: %v", round, alarms)
		}
		if diff := cmp.Diff(want, alarms[round-1]); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		metric := []string{fmt.Sprintf(`ropcd_alarms_total{realm="/watched",reason="failure_ratio"} %d`, round)}
		if diff := cmp.Diff(metric, metricLines(w.metrics(t), "ropcd_alarms_total")); diff != "" {
			t.Errorf("metric (-want +got):\n%s", diff)
		}
		w.clock.move(guard.AlarmWindow + time.Minute)
	}
	if got := metricLines(w.metrics(t), "ropcd_alarms_forgotten_total"); len(got) != 1 || !strings.HasSuffix(got[0], " 0") {
		t.Error(got)
	}
}

// An alarm that can't be written down is counted, and changes no answer, in strict mode neither.
func TestAlarmThatCanNotBeWrittenRefusesNobody(t *testing.T) {
	t.Parallel()
	out := &alarmless{}
	w := newWorld(t, setup{strict: true, audit: out})
	for _, name := range []string{"a", "b", "c", "d"} {
		if a := w.watched(t, "open", name, "wrong"); a.status != 400 {
			t.Errorf("%s: %s", name, a)
		}
	}
	for range 3 {
		if a := w.watched(t, "open", "demo", passwordOf("/watched")); a.status != 200 {
			t.Error(a)
		}
	}
	if m := w.metrics(t); !strings.Contains(m, "ropcd_audit_failures_total 2\n") {
		t.Errorf("not counted: %v", metricLines(m, "ropcd_audit"))
	}
	wantLog(t, w, "no alarms here")
}

// alarmless takes every event but alarms.
type alarmless struct{ buffer }

func (a *alarmless) Write(p []byte) (int, error) {
	if strings.Contains(string(p), `"event":"alarm"`) {
		return 0, fmt.Errorf("no alarms here")
	}
	return a.buffer.Write(p)
}
