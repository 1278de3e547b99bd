package main_test

import (
	"fmt"
	"net/http"
	"testing"

	"golang.org/x/net/http2"
)

const (
	maxOpen       = 200
	attackers     = 10
	attackStreams = 100
)

// Requests that stall on many streams of many connections, for their body or because nobody takes the answer, are as many
// as may be open, and cost what these may. Beyond them there is a 503, and when they end everybody is served again.
func TestOpenRequestsAreBoundedOverAllConnections(t *testing.T) {
	for name, attack := range map[string]struct {
		window uint32 // for answers
		path   string
		length string
		drops  bool
	}{
		"bodies that are announced and don't come": {window: 1 << 16, path: "/oauth2/realms/root/realms/alpha/access_token", length: "16384"},
		"answers that nobody takes":                {path: "/nowhere", length: "1", drops: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := secure(t, fmt.Sprintf("streams: %d, requests: %d, read_timeout: 1m, write_timeout: 1m", attackStreams, maxOpen))
			client := newClient()
			if r, err := p.ask(client); err != nil || r.StatusCode != http.StatusOK {
				t.Fatal(r, err)
			}
			memory, goroutines := p.number("ropcd_process_resident_memory_bytes"), p.number("ropcd_go_goroutines")
			var held []*streams
			for range attackers {
				s := p.streams(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: attack.window})
				for range attackStreams {
					if err := s.begin(attack.path, [2]string{"content-length", attack.length}); err != nil {
						t.Fatal(err)
					}
				}
				held = append(held, s)
			}
			p.full(t, client, attack.drops)
			if now := p.number("ropcd_go_goroutines"); now > goroutines+2*maxOpen+10*attackers {
				t.Errorf("%v goroutines, %v before", now, goroutines)
			}
			if now := p.number("ropcd_process_resident_memory_bytes"); now > memory+64<<20 {
				t.Errorf("resident: %.0f bytes before, %.0f now", memory, now)
			}
			for _, s := range held {
				_ = s.conn.Close()
			}
			eventually(t, "others are served again", func() bool {
				r, err := p.ask(client)
				return err == nil && r.StatusCode == http.StatusOK
			})
			eventually(t, "no request is open", func() bool { return p.number("ropcd_http_requests_open") == 0 })
		})
	}
}

// full expects that no more requests are served, and that the process endpoints and administrators don't care.
func (p *process) full(t *testing.T, client *http.Client, drops bool) {
	t.Helper()
	eventually(t, "as many requests are open as may be", func() bool { return p.number("ropcd_http_requests_open") == maxOpen })
	if drops { // those who are refused take no answer either
		eventually(t, "the others are dropped", func() bool {
			return p.number("ropcd_http_requests_dropped_total") >= attackers*attackStreams-2*maxOpen
		})
		if r, err := p.ask(client); err == nil {
			t.Errorf("another client: %d", r.StatusCode)
		}
	} else {
		eventually(t, "the others are refused", func() bool {
			return p.number(`ropcd_http_requests_total{endpoint="access_token",status="503"}`) == attackers*attackStreams-maxOpen
		})
		if r, err := p.ask(client); err != nil || r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
			t.Errorf("another client: %v, %v", r, err)
		}
	}
	if status, _ := p.get("/readyz"); status != http.StatusOK {
		t.Errorf("ready: %d", status)
	}
	p.cli(t, "", "user", "list", "--realm", "alpha")
}
