package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ropcd/ropcd/pkg/audit"
)

func TestWriteIsOneVisibleLineWhateverTheInput(t *testing.T) {
	for _, name := range []string{
		"demo", "a\nb", "a\r\nSet-Cookie: x", "\x00\x1b[31m", "\u202egnp.exe", "\u2028", "\x7f", "\u3164admin", "\u2800", "\u0085", "\xff\xfe",
		"\U000e0041", `","outcome":"success`, strings.Repeat("x", 1000),
	} {
		var b bytes.Buffer
		if err := audit.New(&b, false).Write(audit.Event{Event: audit.EventGrant, Outcome: audit.Denied, Username: name}); err != nil {
			t.Fatal(err)
		}
		line := b.String()
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Errorf("%q makes %d lines", name, strings.Count(line, "\n"))
		}
		for _, r := range strings.TrimSuffix(line, "\n") {
			if r < ' ' || r == 0x7f || (r > 0x7e && r < 0xa0) || r == '\u202e' || r == '\u3164' || r == '\u2800' || r == '\u2028' {
				t.Errorf("%q leaves %U in the line", name, r)
			}
		}
		var e audit.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Outcome != audit.Denied {
			t.Errorf("%q: %v, outcome %q", name, err, e.Outcome)
		}
		if want := strings.ToValidUTF8(name, "\ufffd"); e.Username != want && name != "\xff\xfe" {
			t.Errorf("%q is read back as %q", name, e.Username)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteTellsThatTheSinkIsGone(t *testing.T) {
	if err := audit.New(broken{}, true).Write(audit.Event{}); err == nil {
		t.Error("no error")
	}
}

func TestReopenFollowsARotatedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := audit.Open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string) {
		t.Helper()
		if err := l.Write(audit.Event{Event: name}); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	write("second")
	for file, want := range map[string]string{path + ".1": "first", path: "second"} {
		b, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(b), want) || strings.Count(string(b), "\n") != 1 {
			t.Errorf("%s: %v %q", filepath.Base(file), err, b)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Each event is in one of the files, whole and once, however the writes and the rotations meet.
func TestReopenLosesNoEventThatIsBeingWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := audit.Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	const writers, each, rotations = 8, 500, 300
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := l.Write(audit.Event{RequestID: fmt.Sprintf("%d-%d", w, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range rotations {
		if err := os.Rename(path, fmt.Sprint(path, ".", n)); err != nil {
			t.Fatal(err)
		}
		if err := l.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != rotations+1 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	seen := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var e audit.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil || seen[e.RequestID] {
				t.Errorf("%v, or twice: %q", err, line)
			}
			seen[e.RequestID] = true
		}
	}
	if len(seen) != writers*each {
		t.Errorf("%d events are in the files, %d were written", len(seen), writers*each)
	}
}

func TestNilLogDropsEvents(t *testing.T) {
	var l *audit.Log
	if err := l.Write(audit.Event{}); err != nil || l.Strict() {
		t.Error("a nil log is not silent")
	}
}

// pipe is a sink that takes nothing until it is opened.
type pipe struct {
	opened chan struct{}
	mu     sync.Mutex
	text   bytes.Buffer
}

func (p *pipe) Write(line []byte) (int, error) {
	<-p.opened
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(line)
}

// A sink that blocks holds up nobody for long, and the next ones not at all; it is used again when it takes lines.
func TestWriteDoesNotWaitForABlockedSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{opened: make(chan struct{})}
		l := audit.New(p, false)
		start := time.Now()
		if err := l.Write(audit.Event{Event: "first"}); err == nil || time.Since(start) > time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
		time.Sleep(time.Second)
		start = time.Now()
		for range 100 {
			if err := l.Write(audit.Event{Event: "lost"}); err == nil || time.Since(start) > 0 {
				t.Fatalf("error %v after %s", err, time.Since(start))
			}
		}
		close(p.opened)
		synctest.Wait()
		if err := l.Write(audit.Event{Event: "last"}); err != nil {
			t.Error(err)
		}
		if text := p.text.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "first") || !strings.Contains(text, "last") {
			t.Errorf("written: %s", text)
		}
	})
}

func TestReopenLeavesAFileThatTakesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	l, err := audit.Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	full := audit.Event{Username: strings.Repeat("x", 1<<20)} // more than a pipe holds
	if err := l.Write(full); err == nil {
		t.Fatal("nobody reads, and the line is written")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	if err := l.Write(audit.Event{Event: "after"}); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(path); err != nil || !strings.Contains(string(b), "after") {
		t.Errorf("%v %q", err, b)
	}
}

func TestPseudonymsStandForNames(t *testing.T) {
	key, other := []byte("0123456789abcdef"), []byte("fedcba9876543210")
	one := audit.Pseudonym(key, "/alpha", "demo")
	if one != audit.Pseudonym(key, "Alpha", "demo") {
		t.Error("the spelling of the realm counts")
	}
	for what, p := range map[string]string{
		"name": audit.Pseudonym(key, "/alpha", "demo2"), "realm": audit.Pseudonym(key, "/beta", "demo"), "key": audit.Pseudonym(other, "/alpha", "demo"),
	} {
		if p == one {
			t.Errorf("another %s has the same pseudonym", what)
		}
	}
	var b bytes.Buffer
	l := audit.New(&b, false)
	l.Pseudonyms(key)
	if err := l.Write(audit.Event{Realm: "/alpha", Username: "demo", Subject: "id-1"}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Contains(text, "demo") || !strings.Contains(text, one) || !strings.Contains(text, "id-1") {
		t.Errorf("written: %s", text)
	}
}
