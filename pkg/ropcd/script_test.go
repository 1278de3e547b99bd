package ropcd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ropcd/ropcd/pkg/ropcd"
	"github.com/ropcd/ropcd/storage/redis/redistest"
)

// TestMain lets scripts run this test binary as the command ropcd.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ropcd": func() { ropcd.Main(ropcd.Options{}) }})
}

// TestScripts runs testdata/script: every verb, used right and held wrong. A script finds a config.yaml unless it brings
// its own, and has these commands beside testscript's:
//
//	wait-ready                             until the server that logs to serve.log answers at every door
//	exits STATUS command ...               run it, with that exit status
//	listed LIST.json LIST.jsonl SHOW.json  the list is an array of lines' objects, and one of them is what show says
//	login CLIENT SECRET USER PASSWORD      get tokens into the files access and refresh, or a refusal;
//	                                       the request's id into $REQUEST
//	redis FILE                             run a Redis, and put its address in place of REDIS in the file
//	redis-set NAME VALUE                   change a setting of it
//	wait-log TEXT                          until serve.log has it
func TestScripts(t *testing.T) {
	shared := sync.OnceValue(func() *redistest.Server { return redistest.Start(t, "--appendonly", "yes") })
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TZ", "UTC")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a command may end at once
			path := filepath.Join(env.WorkDir, "config.yaml")
			if _, err := os.Stat(path); err == nil {
				return nil
			}
			return os.WriteFile(path, []byte(smallConfig), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"wait-ready": waitReady, "exits": exits, "listed": listed, "login": login, "wait-log": waitLog,
			"redis": func(ts *testscript.TestScript, _ bool, args []string) {
				text := strings.ReplaceAll(ts.ReadFile(args[0]), "REDIS", shared().Addr())
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
			},
			"redis-set": func(ts *testscript.TestScript, _ bool, args []string) {
				_, port, _ := strings.Cut(shared().Addr(), ":")
				ts.Check(ts.Exec("redis-cli", "-p", port, "config", "set", args[0], args[1]))
			},
		},
	})
}

// smallConfig serves realm alpha on free ports, with hashes that cost little.
const smallConfig = `
server: {listen: "127.0.0.1:0", base_url: "http://127.0.0.1:1"}
ops: {listen: "127.0.0.1:0"}
admin: {socket: admin.sock}
secrets: {system_files: [system.secret]}
password_hashing: {argon2id: {memory: 1MiB, iterations: 1, parallelism: 1}}
storage: {driver: bolt, bolt: {path: store.db}}
audit: {file: audit.log}
realms:
  alpha:
    authentication: {organization_authentication_configuration: PasswordGrant}
    oauth2_provider: {}
    journeys:
      PasswordGrant:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check: {type: DataStoreDecision, outcomes: {true: success, false: failure}}
  closed: {active: false}
`

// serving is the line of the log that tells where the server listens; nil before it is there.
func serving(log string) map[string]string {
	for _, line := range strings.Split(log, "\n") {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == "serving" {
			return map[string]string{"listen": entry["listen"].(string), "ops": entry["ops"].(string)}
		}
	}
	return nil
}

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

// eventually reports whether a condition holds in time.
func eventually(holds func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func waitReady(ts *testscript.TestScript, _ bool, _ []string) {
	ready := func() bool {
		log, _ := os.ReadFile(ts.MkAbs("serve.log"))
		at := serving(string(log))
		if at == nil || ts.Exec("ropcd", "realm", "list") != nil {
			return false
		}
		response, err := http.Get("http://" + at["ops"] + "/readyz")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
	if !eventually(ready) {
		log, _ := os.ReadFile(ts.MkAbs("serve.log"))
		ts.Fatalf("not ready in time:\n%s", log)
	}
}

func waitLog(ts *testscript.TestScript, _ bool, args []string) {
	if !eventually(func() bool {
		log, err := os.ReadFile(ts.MkAbs("serve.log"))
		return err == nil && strings.Contains(string(log), args[0])
	}) {
		ts.Fatalf("serve.log has no %q in time:\n%s", args[0], ts.ReadFile("serve.log"))
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: exits STATUS command ...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func listed(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 || neg {
		ts.Fatalf("usage: listed LIST.json LIST.jsonl SHOW.json")
	}
	var array, lines []map[string]any
	var shown map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &array))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[2])), &shown))
	text := strings.TrimSuffix(ts.ReadFile(args[1]), "\n")
	for _, line := range strings.Split(text, "\n") {
		var object map[string]any
		ts.Check(json.Unmarshal([]byte(line), &object))
		lines = append(lines, object)
	}
	found := false
	for _, object := range array {
		found = found || reflect.DeepEqual(object, shown)
	}
	if !found || !reflect.DeepEqual(array, lines) {
		ts.Fatalf("the array holds what show says: %v; it holds what the lines do: %v", found, reflect.DeepEqual(array, lines))
	}
}

func login(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: login CLIENT SECRET USER PASSWORD")
	}
	form := url.Values{"grant_type": {"password"}, "username": {args[2]}, "password": {args[3]}}
	if args[1] == "-" {
		form.Set("client_id", args[0])
	}
	r, err := http.NewRequest(http.MethodPost,
		"http://"+serving(ts.ReadFile("serve.log"))["listen"]+"/oauth2/realms/root/realms/alpha/access_token", strings.NewReader(form.Encode()))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if args[1] != "-" {
		r.SetBasicAuth(args[0], args[1])
	}
	response, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if (response.StatusCode == http.StatusOK) == neg {
		ts.Fatalf("%d %s", response.StatusCode, body)
	}
	ts.Setenv("REQUEST", response.Header.Get("X-Request-Id"))
	var answer map[string]any
	ts.Check(json.NewDecoder(bytes.NewReader(body)).Decode(&answer))
	for key, file := range map[string]string{"access_token": "access", "refresh_token": "refresh"} {
		if token, ok := answer[key].(string); ok {
			ts.Check(os.WriteFile(ts.MkAbs(file), []byte(token+"\n"), 0o600))
		}
	}
}
