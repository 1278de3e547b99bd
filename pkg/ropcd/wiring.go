package ropcd

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/journey/nodes"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/token"
)

// setupError is a fault of the configuration or of the call: exit status 2.
type setupError struct{ error }

func (e setupError) Unwrap() error { return e.error }

// nodeTypes are the built-in node types with those of the options.
func (o Options) nodeTypes() journey.Types {
	types := nodes.Table()
	maps.Copy(types, o.Nodes)
	return types
}

// loadOptions are what every command judges config.yaml by.
func (o Options) loadOptions() config.Options {
	known := sync.OnceValues(func() (*password.Set, error) { return o.passwords(config.PasswordHashing{}) })
	return config.Options{
		Types:   o.nodeTypes(),
		Drivers: slices.Sorted(maps.Keys(o.Stores)),
		CheckHash: func(hash string) error {
			set, err := known()
			if err != nil {
				return err
			}
			if _, isSecret := password.VerifySecret("", "", "", hash); isSecret {
				return nil
			}
			return set.Check(hash)
		},
	}
}

// passwords are the hashers: the configured one makes new hashes, all verify.
func (o Options) passwords(c config.PasswordHashing) (*password.Set, error) {
	argon := password.Argon2id{
		Memory: c.Argon2id.Memory.KiB(), Iterations: uint32(c.Argon2id.Iterations), Parallelism: uint8(c.Argon2id.Parallelism),
	}
	bcrypt := password.Bcrypt{Cost: c.Bcrypt.Cost}
	all := []password.Hasher{argon, bcrypt}
	if c.Algorithm == bcrypt.Name() {
		all = []password.Hasher{bcrypt, argon}
	}
	all = append(all, password.Scrypt{}, password.PBKDF2{Digest: "sha256"})
	given := slices.Clone(o.Hashers)
	for i, h := range all {
		at := slices.IndexFunc(given, func(g password.Hasher) bool { return g != nil && g.Name() == h.Name() })
		if at >= 0 {
			all[i] = given[at]
			given = slices.Delete(given, at, at+1)
		}
	}
	set, err := password.NewSet(all[0], append(all[1:], given...)...)
	if err != nil {
		return nil, setupError{fmt.Errorf("password_hashing: %w", err)}
	}
	return set, nil
}

// cores is how many threads run Go code at once before [hashingPool] asks for more.
var cores = sync.OnceValue(func() int { return runtime.GOMAXPROCS(0) })

// hashingPool bounds how many passwords are hashed at once. Its first estimate of what one costs is measured.
//
// It also lets as many more threads run Go code as there are workers. Go takes a core from a hash only every 10 ms, so
// that with a hash on every core all other requests would wait for that; the kernel lets who woke up run much sooner.
// Threads of low priority, one for each worker, would not do: x/crypto's argon2 computes on goroutines of its own.
func hashingPool(c config.PasswordHashing, set *password.Set) *password.Pool {
	workers := int(c.MaxConcurrent)
	if workers <= 0 {
		workers = cores()
	}
	runtime.GOMAXPROCS(cores() + workers)
	return password.NewPool(password.PoolOptions{Workers: workers, Cost: set.Cost()})
}

// systemSecrets reads the secrets that all keys are derived from. A missing first file is made with the
// embedded store, when that is made too. For a store that is there it is a fault: a new secret would end all tokens and
// lock all seeds away. So it is where processes share a store, since they must share their secrets.
func systemSecrets(c *config.Config, log *slog.Logger) (*token.Secrets, error) {
	var list [][]byte
	for i, path := range c.Secrets.SystemFiles {
		text, err := config.ReadSecret(path)
		if errors.Is(err, fs.ErrNotExist) && i == 0 && c.Storage.Driver == config.DriverBolt {
			if lost, found, todo := lostSecret(c, path); lost {
				return nil, setupError{fmt.Errorf("secrets.system_files: %s: %s", found, todo)}
			}
			log.Info("made a system secret", "file", path)
			text, err = makeSecret(path)
		}
		if err != nil {
			return nil, setupError{fmt.Errorf("secrets.system_files: the file %s %w", path, err)}
		}
		list = append(list, []byte(text))
	}
	secrets, err := token.NewSecrets(list...)
	if err != nil {
		return nil, setupError{fmt.Errorf("secrets.system_files: %w", err)}
	}
	return secrets, nil
}

// lostSecret tells whether a missing system secret is one that an embedded store needs, and if so, what to do.
func lostSecret(c *config.Config, path string) (lost bool, found, todo string) {
	info, err := os.Stat(c.Storage.Bolt.Path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return false, "", ""
	}
	return true, fmt.Sprintf("the store %s is there, and its tokens and one-time codes need the secret %s", c.Storage.Bolt.Path, path),
		fmt.Sprintf("restore it from the backup; or make a new one with `ropcd secret generate --out %s`, with which they all end", path)
}

// seedPurpose names the keys that seal the seeds of one-time codes. Another name would lock all of them away.
const seedPurpose = "one-time codes"

// newSystemSecret is 512 random bits as text.
func newSystemSecret() string {
	b := make([]byte, 64)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// makeSecret writes a new system secret to a file that must not be there yet.
func makeSecret(path string) (string, error) {
	secret := newSystemSecret()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make its folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fmt.Errorf("make it: %w", err)
	}
	_, err = f.WriteString(secret + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("write it: %w", err)
	}
	return secret, nil
}

// newLogger writes the log of the process. The level can be changed.
func newLogger(c config.Log, w io.Writer) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	level.Set(c.SlogLevel())
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, o)), level
	}
	return slog.New(slog.NewJSONHandler(w, o)), level
}

// openAudit is where audit events go: a file, or standard output.
func openAudit(c config.Audit, stdout io.Writer) (l *audit.Log, err error) {
	strict := c.Mode == config.AuditStrict
	if c.File == "" {
		l = audit.New(stdout, strict)
	} else if l, err = audit.Open(c.File, strict); err != nil {
		return nil, setupError{fmt.Errorf("audit.file: %w", err)}
	}
	key, err := optionalSecret(c.PseudonymKeyFile)
	if err != nil {
		return nil, setupError{fmt.Errorf("audit.pseudonym_key_file: %w", err)}
	}
	l.Pseudonyms([]byte(key))
	return l, nil
}

// snapshot is the realms of a configuration with the keys of their tokens.
func snapshot(c *config.Config, secrets *token.Secrets) (*provider.Realms, error) {
	sources := make([]provider.Source, len(c.Realms))
	for i, r := range c.Realms {
		sources[i] = provider.Source{Realm: r.Realm, Journeys: r.Journeys}
	}
	realms, err := provider.NewRealms(secrets, sources)
	if err != nil {
		return nil, setupError{err}
	}
	return realms, nil
}

// problemList is all problems of a configuration as one error text, a line each.
func problemList(problems config.Problems) string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
