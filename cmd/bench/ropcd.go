package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ropcd/ropcd/pkg/admin"
)

const (
	realmURL       = "/oauth2/realms/root/realms/alpha/"
	realmKey       = "/alpha"
	backEnd        = "back-end"
	resourceServer = "resource-server"
	ownerPassword  = "a-password-of-usual-size"
)

// setup is how a server is configured. What it doesn't say is as it is by default, but for rate limits and audit.file.
type setup struct {
	storage string // the section of config.yaml
	hashing string // the section password_hashing, empty: as it is by default
	null    bool   // no hashing at all: run by this program, with its hasher
	owners  int    // that are made
}

// server is one `ropcd serve` under load.
type server struct {
	*child
	dir       string
	addr, ops string
	api       *admin.API
	secrets   map[string]string
}

const configuration = `
server: {listen: "127.0.0.1:0", base_url: "http://127.0.0.1:1"}
ops: {listen: "127.0.0.1:0"}
admin: {socket: admin.sock}
audit: {file: audit.log}
secrets: {system_files: [system.secret]}
storage: %s
%s
realms:
  alpha:
    authentication: {organization_authentication_configuration: PasswordGrant}
    limits: {address: {requests: 0}, client: {requests: 0}, user_client: {requests: 0}}
    oauth2_provider: {}
    journeys:
      PasswordGrant:
        entry: collect
        nodes:
          collect: {type: ZeroPageLoginCollector, outcomes: {has_credentials: check, no_credentials: failure}}
          check: {type: DataStoreDecision, outcomes: {true: success, false: failure}}
`

// configure writes config.yaml and the system secret into a new folder.
func (b *bench) configure(s setup) (dir string, err error) {
	if dir, err = os.MkdirTemp(b.dir, "ropcd"); err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	hashing := ""
	if s.hashing != "" {
		hashing = "password_hashing: " + s.hashing
	}
	files := map[string]string{
		"config.yaml": fmt.Sprintf(configuration, s.storage, hashing), "system.secret": "bench-" + uuid.NewString() + uuid.NewString() + "\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write %s: %w", name, err)
		}
	}
	return dir, nil
}

// start runs a server that was configured in a folder until it serves. Its log goes to a file.
func (b *bench) start(dir string, null bool) (*server, error) {
	s := &server{dir: dir, api: admin.Dial(filepath.Join(dir, "admin.sock")), secrets: map[string]string{}}
	path := filepath.Join(dir, "server.log")
	log, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make the log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(b.binary, "serve") //nolint:noctx // it is killed
	if null || b.profiles != "" {
		if cmd, err = self(roleServer, "serve"); err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, nullEnv+"="+strconv.FormatBool(null))
		if b.profiles != "" {
			cmd.Env = append(cmd.Env, profileEnv+"="+filepath.Join(b.profiles, filepath.Base(dir)+".pprof"))
		}
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if s.child, err = spawn(b.cores.server, cmd); err != nil {
		return nil, err
	}
	err = s.await("ropcd serves", func() bool {
		text, err := os.ReadFile(path)
		line, served := servingLine(string(text))
		s.addr, s.ops = field([]byte(line), "listen"), field([]byte(line), "ops")
		return err == nil && served
	})
	if err != nil {
		text, _ := os.ReadFile(path)
		s.kill()
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return s, nil
}

func servingLine(log string) (string, bool) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"msg":"serving"`) && strings.HasSuffix(line, "\n") {
			return line, true
		}
	}
	return "", false
}

// serve configures and starts a server, and makes its clients and owners.
func (b *bench) serve(ctx context.Context, s setup) (*server, error) {
	dir, err := b.configure(s)
	if err != nil {
		return nil, err
	}
	v, err := b.start(dir, s.null)
	if err != nil {
		return nil, err
	}
	if err := v.enroll(ctx, s.owners); err != nil {
		v.kill()
		return nil, err
	}
	return v, nil
}

// enroll makes the clients, with secrets that take no password hash, and the owners.
func (s *server) enroll(ctx context.Context, owners int) error {
	in := admin.InRealm{Realm: "alpha"}
	for id, scopes := range map[string][]string{backEnd: {"write"}, resourceServer: {"am-introspect-all-tokens"}} {
		c := admin.NewClient{ClientRef: admin.ClientRef{InRealm: in, ID: id}}
		if id == backEnd {
			c.GrantTypes, c.DefaultScopes = []string{"password", "refresh_token"}, scopes
		}
		c.Scopes = scopes
		made, err := admin.Do[admin.ClientAnswer](ctx, s.api, "client/create", c)
		if refused := (*admin.Error)(nil); errors.As(err, &refused) && refused.Code == admin.CodeExists { // the store was used before
			made, err = admin.Do[admin.ClientAnswer](ctx, s.api, "client/rotate-secret", admin.SecretChange{ClientRef: c.ClientRef})
		}
		if err != nil {
			return fmt.Errorf("make client: %w", err)
		}
		s.secrets[id] = made.Secret
	}
	for i := range owners {
		u := admin.NewUser{InRealm: in, Username: owner(i), Password: ownerPassword}
		if _, err := admin.Do[admin.UserAnswer](ctx, s.api, "user/create", u); err != nil {
			return fmt.Errorf("make owner: %w", err)
		}
	}
	return nil
}

// owner is the name of one.
func owner(i int) string { return fmt.Sprintf("owner-%07d", i) }

// loginForm is a right login.
func loginForm(i int) url.Values {
	return url.Values{"grant_type": {"password"}, "username": {owner(i)}, "password": {ownerPassword}}
}

func (s *server) letter(id, endpoint string) letter {
	return write(s.addr, realmURL+endpoint, id, s.secrets[id])
}

// tokens logs owners in, and gives the bodies of the answers.
func (s *server) tokens(owners []int) (bodies [][]byte, err error) {
	return tokens(s.addr, s.letter(backEnd, "access_token"), owners)
}

var errNoLogin = errors.New("a login was refused")

func tokens(addr string, l letter, owners []int) (bodies [][]byte, err error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	for _, i := range owners {
		status, body, err := c.do(l.with(loginForm(i)))
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("%w: %d %.200s", errNoLogin, status, body)
		}
		bodies = append(bodies, append([]byte(nil), body...))
	}
	return bodies, nil
}

// mallocs is how many objects the server has allocated.
func (s *server) mallocs() figure {
	const name = "ropcd_go_memstats_mallocs_total "
	for line := range strings.Lines(fetch(s.ops, "/metrics")) {
		if value, ok := strings.CutPrefix(line, name); ok {
			if n, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
				return figure(n)
			}
		}
	}
	return unknown
}

// under is the server under the load of what connections ask.
func (s *server) under(askers []asker) *web {
	return &web{addr: s.addr, pid: s.pid(), mallocs: s.mallocs, askers: askers}
}

// since is how long ago something was, in ms.
func since(t time.Time) figure { return millis(time.Since(t)) }
