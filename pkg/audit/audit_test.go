package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

func TestNilLogDropsEvents(t *testing.T) {
	var l *audit.Log
	if err := l.Write(audit.Event{}); err != nil || l.Strict() {
		t.Error("a nil log is not silent")
	}
}
