package ropcd_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropcd/ropcd/pkg/ropcd"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

// buffer is a bytes.Buffer for a server and a test at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// installation is a folder with a config.yaml.
type installation struct {
	t       *testing.T
	dir     string
	options ropcd.Options
}

// install writes smallConfig, with its text replaced pair by pair, into a folder whose name is short enough for a socket.
func install(t *testing.T, replace ...string) installation {
	t.Helper()
	dir, err := os.MkdirTemp("", "ropcd") //nolint:usetesting // t.TempDir is named after the test, which may be too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	text := smallConfig
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("config.yaml holds no %q", replace[i])
		}
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	in := installation{t: t, dir: dir}
	in.write("config.yaml", text, 0o600)
	return in
}

func (in installation) path(name string) string { return filepath.Join(in.dir, name) }

func (in installation) write(name, text string, mode os.FileMode) {
	in.t.Helper()
	if err := os.WriteFile(in.path(name), []byte(text), mode); err != nil {
		in.t.Fatal(err)
	}
	if err := os.Chmod(in.path(name), mode); err != nil {
		in.t.Fatal(err)
	}
}

func (in installation) exists(name string) bool {
	_, err := os.Stat(in.path(name))
	return err == nil
}

// run runs a command to its end, and gives its exit status and all that it writes.
func (in installation) run(args ...string) (int, string) {
	ctx, cancel := context.WithTimeout(in.t.Context(), patience)
	defer cancel()
	out := &buffer{}
	status := ropcd.Run(ctx, in.options, append(args, "--config", in.path("config.yaml")), strings.NewReader(""), out, out)
	return status, out.String()
}

// refuses expects a serve that never begins.
func (in installation) refuses(want string) {
	in.t.Helper()
	if status, text := in.run("serve"); status != 2 || !strings.Contains(text, want) {
		in.t.Errorf("exit status %d, want 2 and %q:\n%s", status, want, text)
	}
	if in.exists("admin.sock") {
		in.t.Error("it left its socket")
	}
}

// server is a running one.
type server struct {
	at   map[string]string // "listen" and "ops"
	log  *buffer
	stop func() // begins to drain
	done <-chan int
}

func (in installation) serve() *server {
	in.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan int, 1)
	s := &server{log: &buffer{}, stop: stop, done: done}
	go func() {
		done <- ropcd.Run(ctx, in.options, []string{"serve", "--config", in.path("config.yaml")}, nil, &buffer{}, s.log)
		close(done)
	}()
	in.t.Cleanup(func() { stop(); <-done })
	ready := func() bool {
		s.at = serving(s.log.String())
		return s.at != nil && s.status("http://"+s.at["ops"]+"/readyz") == http.StatusOK
	}
	if !eventually(ready) {
		in.t.Fatalf("not ready in time:\n%s", s.log)
	}
	return s
}

// status is that of an answer, zero while nobody answers.
func (*server) status(url string) int {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	response, err := c.Get(url)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// end stops it, and gives its exit status.
func (s *server) end() int {
	s.stop()
	return <-s.done
}

const metadata = "/oauth2/realms/root/realms/alpha/.well-known/openid-configuration"

func TestSystemSecretIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	in := install(t)
	if status := in.serve().end(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	first, err := os.ReadFile(in.path("system.secret"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(in.path("system.secret")); err != nil || info.Mode() != 0o600 || len(first) != 87 {
		t.Errorf("mode %v, %d bytes, %v", info.Mode(), len(first), err)
	}
	in.serve().end()
	if second, err := os.ReadFile(in.path("system.secret")); err != nil || !bytes.Equal(first, second) {
		t.Errorf("the second start changed it, %v", err)
	}
}

func TestSystemSecretThatCanNotBeUsedIsRefused(t *testing.T) {
	good := strings.Repeat("a", 43) + "\n"
	for name, tc := range map[string]struct {
		prepare func(in installation)
		change  []string
		want    string
	}{
		"open to others":   {func(in installation) { in.write("system.secret", good, 0o644) }, nil, "chmod"},
		"short":            {func(in installation) { in.write("system.secret", "short\n", 0o600) }, nil, "32 bytes"},
		"second is absent": {func(installation) {}, []string{"[system.secret]", "[system.secret, old.secret]"}, "old.secret"},
		"shared by many": {
			func(installation) {},
			[]string{"{driver: bolt, bolt: {path: store.db}}", `{driver: redis, redis: {addrs: ["127.0.0.1:1"]}}`}, "ropcd secret generate",
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := install(t, tc.change...)
			tc.prepare(in)
			in.refuses(tc.want)
			if in.exists("old.secret") || in.exists("store.db") {
				t.Error("it left something behind")
			}
		})
	}
}

func TestGroupMayReadASystemSecret(t *testing.T) { // as Kubernetes mounts it
	in := install(t)
	in.write("system.secret", strings.Repeat("a", 43)+"\n", 0o640)
	in.serve()
}

func TestServeOnAnOccupiedPortLeavesNothingBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := other.Addr().String()
	other.Close()
	for _, tc := range []struct{ key, public, ops string }{
		{"server.listen", taken.Addr().String(), free},
		{"ops.listen", free, taken.Addr().String()},
	} {
		in := install(t, `server: {listen: "127.0.0.1:0"`, `server: {listen: "`+tc.public+`"`, `ops: {listen: "127.0.0.1:0"`, `ops: {listen: "`+tc.ops+`"`)
		in.refuses(tc.key + ": listen tcp " + taken.Addr().String())
		if l, err := net.Listen("tcp", free); err != nil {
			t.Errorf("%s: the other port is still open: %v", tc.key, err)
		} else {
			l.Close()
		}
		if db, err := bolt.Open(in.path("store.db"), bolt.Options{}); err != nil {
			t.Errorf("%s: the store is still open: %v", tc.key, err)
		} else {
			db.Close()
		}
	}
}

func TestSecondServerOnOneSocketIsRefused(t *testing.T) {
	in := install(t)
	s := in.serve()
	other := install(t, "socket: admin.sock", "socket: "+in.path("admin.sock"))
	other.refuses("admin.socket: another process listens on")
	if status, text := in.run("realm", "list"); status != 0 {
		t.Errorf("the first lost its socket: %d %s", status, text)
	}
	s.end()
	if in.exists("admin.sock") {
		t.Error("the socket is left behind")
	}
}

func TestDrainIsNotReadyAndStillServes(t *testing.T) {
	in := install(t, "server: {", "server: {shutdown_delay: 700ms, ")
	s := in.serve()
	begun := time.Now()
	s.stop()
	if !eventually(func() bool { return s.status("http://"+s.at["ops"]+"/readyz") == http.StatusServiceUnavailable }) {
		t.Fatal("it stays ready")
	}
	if got := s.status("http://" + s.at["ops"] + "/healthz"); got != http.StatusOK {
		t.Errorf("health %d", got)
	}
	if got := s.status("http://" + s.at["listen"] + metadata); got != http.StatusOK {
		t.Errorf("it does not serve while it drains: %d", got)
	}
	if status := <-s.done; status != 0 || time.Since(begun) < 700*time.Millisecond {
		t.Errorf("exit status %d after %v", status, time.Since(begun))
	}
	if got := s.status("http://" + s.at["listen"] + metadata); got != 0 {
		t.Errorf("it serves after its end: %d", got)
	}
}

// counted is a store that tells when it is closed.
type counted struct {
	storage.Store
	closed *int
}

func (c counted) Close() error {
	*c.closed++
	return c.Store.Close()
}

func TestStoreOfOnesOwn(t *testing.T) {
	in := install(t, "driver: bolt, bolt: {path: store.db}", "driver: memory")
	in.refuses("memory")
	opened, closed := 0, 0
	in.options.Stores = map[string]func(context.Context) (storage.Store, error){
		"memory": func(context.Context) (storage.Store, error) {
			opened++
			db, err := bolt.Open(in.path("own.db"), bolt.Options{})
			return counted{db, &closed}, err
		},
	}
	in.refuses("system.secret") // who may share the store must share the secret, too
	if opened != 0 || in.exists("system.secret") {
		t.Errorf("opened %d times, made a secret: %v", opened, in.exists("system.secret"))
	}
	if status, text := in.run("secret", "generate", "--out", in.path("system.secret")); status != 0 {
		t.Fatal(text)
	}
	s := in.serve()
	if status, text := in.run("user", "create", "--realm", "alpha", "--username", "demo"); status != 0 {
		t.Error(text)
	}
	if status := s.end(); status != 0 || opened != 1 || closed != 1 {
		t.Errorf("exit status %d, opened %d times, closed %d times", status, opened, closed)
	}

	in.options.Stores["memory"] = func(context.Context) (storage.Store, error) { return nil, errors.New("no room") }
	if status, text := in.run("serve"); status != 1 || !strings.Contains(text, "no room") {
		t.Errorf("exit status %d: %s", status, text)
	}
	unknown := install(t, "driver: bolt, bolt: {path: store.db}", "driver: memry")
	unknown.options = in.options
	unknown.refuses("memory") // it is suggested
}

func TestConfigurationThatIsNotThere(t *testing.T) {
	in := install(t)
	if err := os.Remove(in.path("config.yaml")); err != nil {
		t.Fatal(err)
	}
	in.refuses("config.yaml: can't be read: no such file")
}
