package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The audit file is renamed and opened anew, by each way to reload, while events come: each is there once, in whole lines,
// in one of the files.
func TestRotatingTheAuditFileLosesNoEvent(t *testing.T) {
	dir := t.TempDir()
	configure(t, dir, bolt+"\naudit: {file: audit.log, mode: strict}", alpha)
	p := start(t, dir)
	p.enroll(t)
	path := filepath.Join(dir, "audit.log")
	old := func(n int) string { return fmt.Sprintf("%s.%d", path, n) }

	const rotations = 6
	over := make(chan struct{})
	asked := make([][]string, 4) // request ids, by client
	var clients sync.WaitGroup
	for i := range asked {
		clients.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				a, err := p.call("access_token", refreshGrant(fmt.Sprint("rt_of-client-", i)))
				if err != nil || a.status != http.StatusBadRequest {
					t.Errorf("a refresh with no token: %d %v %v", a.status, a.body, err)
					return
				}
				asked[i] = append(asked[i], a.header.Get("X-Request-Id"))
			}
		})
	}
	stop := sync.OnceFunc(func() { close(over); clients.Wait() })
	t.Cleanup(stop) // before the process is killed
	for n := range rotations {
		eventually(t, "there are events to lose", func() bool { return strings.Count(file(t, path), "\n") > 10 })
		if err := os.Rename(path, old(n)); err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			p.cli(t, "", "config", "reload")
		} else if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the file is opened anew", func() bool { _, err := os.Stat(path); return err == nil })
	}
	stop()

	seen, events := map[string]int{}, 0
	for n := range rotations + 1 {
		name := old(n)
		if n == rotations {
			name = path
		}
		text := file(t, name)
		if !strings.HasSuffix(text, "\n") && text != "" {
			t.Errorf("the last line of file %d is cut short", n)
		}
		for line := range strings.Lines(text) {
			var e struct {
				RequestID string `json:"request_id"`
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Errorf("file %d: %v in %q", n, err, line)
			}
			seen[e.RequestID]++
			events++
		}
	}
	requests := 0
	for _, ids := range asked {
		for _, id := range ids {
			requests++
			if id == "" || seen[id] != 1 {
				t.Errorf("request %q has %d events", id, seen[id])
			}
		}
	}
	t.Logf("%d requests, %d events in %d files", requests, events, rotations+1)
}
