package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

var binary string

// TestMain builds the command once, as `make build` does.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ropcd-test")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "ropcd")
	build := exec.Command("go", "build", "-trimpath", "-tags", "grpcnotrace", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// buffer is a bytes.Buffer for a process and a test at once.
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

// tail is the end of it, as much as somebody would read.
func (b *buffer) tail() string {
	s := b.String()
	return s[max(0, len(s)-32<<10):]
}

// process is one `ropcd serve`.
type process struct {
	cmd            *exec.Cmd
	dir            string // of its config.yaml
	url            string // of the clients' endpoint
	ops            string
	stdout, stderr *buffer
	exited         chan struct{}
}

// configure writes a config.yaml that serves on free ports into dir.
func configure(t *testing.T, dir, storage, realms string) {
	t.Helper()
	text := fmt.Sprintf(`
server: {listen: "127.0.0.1:0", base_url: "http://127.0.0.1:1"}
ops: {listen: "127.0.0.1:0"}
admin: {socket: admin.sock}
secrets: {system_files: [system.secret]}
password_hashing: {argon2id: {memory: 1MiB, iterations: 1, parallelism: 1}}
storage: %s
realms:
%s`, storage, realms)
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// alpha is a realm with the shipped journey.
const alpha = `  alpha:
    authentication: {organization_authentication_configuration: PasswordGrant}
    oauth2_provider: {}
    journeys:
      PasswordGrant:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check: {type: DataStoreDecision, outcomes: {true: success, false: failure}}
`

// start runs `ropcd serve` in dir and waits until it serves.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{
		cmd: exec.Command(binary, append([]string{"serve"}, args...)...),
		dir: dir, stdout: &buffer{}, stderr: &buffer{}, exited: make(chan struct{}),
	}
	p.cmd.Dir, p.cmd.Stdout = dir, p.stdout
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan map[string]any, 1)
	go p.read(stderr, serving)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("%s stderr, its end:\n%s", filepath.Base(dir), p.stderr.tail())
		}
	})
	select {
	case line := <-serving:
		p.url, p.ops = "http://"+line["listen"].(string), "http://"+line["ops"].(string)
	case <-p.exited:
		t.Fatalf("exited: %v\n%s", p.cmd.ProcessState, p.stderr)
	case <-time.After(patience):
		t.Fatalf("does not serve\n%s", p.stderr)
	}
	return p
}

// read keeps what the process logs, and tells when it serves.
func (p *process) read(stderr io.Reader, serving chan<- map[string]any) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for waiting := true; lines.Scan(); {
		_, _ = p.stderr.Write(append(lines.Bytes(), '\n'))
		var line map[string]any
		if waiting && json.Unmarshal(lines.Bytes(), &line) == nil && line["msg"] == "serving" {
			serving <- line
			waiting = false
		}
	}
	_ = p.cmd.Wait()
	close(p.exited)
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// stop asks it to end and returns its exit status.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("does not stop\n%s", p.stderr)
	}
	return p.cmd.ProcessState.ExitCode()
}

// cli runs a verb against the process, with a secret on standard input, and returns what it prints.
func (p *process) cli(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := p.try(stdin, args...)
	if err != nil {
		t.Fatalf("ropcd %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (p *process) try(stdin string, args ...string) (string, error) {
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdin = p.dir, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// enroll makes the client and the user of AM's documentation, and a resource server that may introspect.
func (p *process) enroll(t *testing.T) {
	t.Helper()
	p.cli(t, clientSecret, "client", "create", "--realm", "alpha", "--id", "myClient", "--secret-stdin",
		"--grant-type", "password", "--grant-type", "refresh_token", "--scope", "write", "--default-scope", "write")
	p.cli(t, userPassword, "user", "create", "--realm", "alpha", "--username", "demo", "--password-stdin")
}

const (
	clientSecret = "canary-client-secret-4711"
	userPassword = "canary-user-password-0815"
)

// answer is a response of an endpoint.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a answer) text(key string) string {
	s, _ := a.body[key].(string)
	return s
}

// endpoint is the address of an endpoint of realm alpha.
func (p *process) endpoint(name string) string {
	return p.url + "/oauth2/realms/root/realms/alpha/" + name
}

// call posts a form to an endpoint of realm alpha as myClient.
func (p *process) call(endpoint string, form url.Values) (answer, error) {
	return p.callAs("myClient", clientSecret, endpoint, form)
}

func (p *process) callAs(id, secret, endpoint string, form url.Values) (answer, error) {
	return p.callBy(http.DefaultClient, id, secret, endpoint, form)
}

func (p *process) callBy(by *http.Client, id, secret, endpoint string, form url.Values) (answer, error) {
	r, err := http.NewRequest(http.MethodPost, p.endpoint(endpoint), strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	response, err := by.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	body, err := io.ReadAll(response.Body)
	return a, errors.Join(err, json.Unmarshal(body, &a.body))
}

// must is call for what has to be answered.
func (p *process) must(t *testing.T, endpoint string, form url.Values) answer {
	t.Helper()
	a, err := p.call(endpoint, form)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func passwordGrant() url.Values {
	return url.Values{"grant_type": {"password"}, "username": {"demo"}, "password": {userPassword}}
}

func refreshGrant(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

func theToken(token string) url.Values { return url.Values{"token": {token}} }

// login gets tokens.
func (p *process) login(t *testing.T) answer {
	t.Helper()
	a := p.must(t, "access_token", passwordGrant())
	if a.status != http.StatusOK || a.text("access_token") == "" || a.text("refresh_token") == "" {
		t.Fatalf("password grant: %d %v", a.status, a.body)
	}
	return a
}

// active asks the resource server's question.
func (p *process) active(t *testing.T, token string) bool {
	t.Helper()
	a := p.must(t, "introspect", theToken(token))
	if a.status != http.StatusOK {
		t.Fatalf("introspect: %d %v", a.status, a.body)
	}
	return a.body["active"] == true
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for tick := time.NewTicker(10 * time.Millisecond); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// get is a process endpoint's status and text; zero while nobody answers.
func (p *process) get(path string) (int, string) {
	response, err := http.Get(p.ops + path)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}
