package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
	"github.com/ropcd/ropcd/pkg/journey"
)

// maxFile bounds config.yaml.
const maxFile = 1 << 20

// Options are what the file is judged by. The zero value knows no node types.
type Options struct {
	// Types are the node types that journeys may use.
	Types journey.Types
	// JourneyEnv is what the nodes get, beside the files that Load gives them.
	JourneyEnv journey.Env
	// Env looks up variables; nil: os.LookupEnv.
	Env func(name string) (string, bool)
	// Drivers are more names of storage.driver, beyond those that are built in.
	Drivers []string
	// CheckHash says with an error that a secret_hash can't be verified; nil: each can. The error must not hold it.
	CheckHash func(hash string) error
}

// Problem is one thing wrong with the file. Its String is `config.yaml:LINE:COL: path: problem` and the line below.
type Problem = strict.Problem

// Problems are sorted by place.
type Problems = strict.Problems

// Load reads, expands, decodes and validates the file, and the files that it names. It reports all problems, not the
// first only. With an error among them the Config is nil; warnings leave it usable.
func Load(path string, opts Options) (*Config, Problems) {
	l, problems := read(path, opts)
	if l == nil {
		return nil, problems
	}
	c := l.load()
	c.path = filepath.Join(l.folder, filepath.Base(path))
	if l.Failed() {
		c.Close()
		return nil, l.Problems()
	}
	return c, l.Problems()
}

// Socket is the absolute path of admin.socket, for who only wants to reach the server: what is wrong elsewhere in the file
// does not matter. It is empty, with all problems, if the file can't be parsed or its section admin is wrong.
func Socket(path string, opts Options) (string, Problems) {
	l, problems := read(path, opts)
	if l == nil {
		return "", problems
	}
	f, at := new(file), strict.Path{"admin"}
	l.Decode(f)
	f.Admin.Socket = l.resolve(f.Admin.Socket)
	if l.adminSocket(f.Admin); l.Has(at) && l.FailedIn(at) {
		return "", l.Problems()
	}
	return f.Admin.Socket, nil
}

// read parses the file; nil with the problems if there is nothing that can be decoded.
func read(path string, opts Options) (*loader, Problems) {
	data, err := readFile(path, maxFile)
	if err != nil {
		return nil, Problems{{File: path, Message: err.Error()}}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, Problems{{File: path, Message: "has no absolute path: " + err.Error()}}
	}
	if opts.Env == nil {
		opts.Env = os.LookupEnv
	}
	l := &loader{Document: strict.Parse(path, data, opts.Env), opts: opts, folder: filepath.Dir(abs)}
	if l.Failed() && !l.Has(nil) { // not YAML
		return nil, l.Problems()
	}
	return l, nil
}

// readFile reads a file that must not be larger than most. The errors leave out its name.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", unwrapPath(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", unwrapPath(err))
	}
	if info.IsDir() {
		return nil, errors.New("is a folder, not a file")
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", unwrapPath(err))
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("is larger than %d KiB", most>>10)
	}
	return data, nil
}

// unwrapPath drops the operation and the name from an error of package os.
func unwrapPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// loader is one Load. The problems are with its Document.
type loader struct {
	*strict.Document
	opts      Options
	folder    string
	nodeFiles []string // that nodes have read

	rehearsed time.Duration // what tests of journeys took so far
	late      bool          // one of them took too long
}

func (l *loader) load() *Config {
	f := new(file)
	l.Decode(f)
	l.resolvePaths(f)
	l.server(f)
	l.storage(&f.Storage)
	l.secrets(f)
	l.passwordHashing(&f.PasswordHashing)
	l.logs(f)
	c := &Config{
		Server: f.Server, Admin: f.Admin, Ops: f.Ops, Storage: f.Storage, Secrets: f.Secrets,
		PasswordHashing: f.PasswordHashing, Log: f.Log, Audit: f.Audit,
	}
	l.realms(f, c)
	c.nodeFiles = l.nodeFiles
	return c
}

// resolvePaths makes paths absolute, from the file's folder.
func (l *loader) resolvePaths(f *file) {
	redis := &f.Storage.Redis
	paths := []*string{
		&f.Server.TLS.CertFile, &f.Server.TLS.KeyFile, &f.Admin.Socket, &f.Audit.File, &f.Audit.PseudonymKeyFile, &f.Storage.Bolt.Path,
		&redis.PasswordFile, &redis.TLS.CAFile, &redis.TLS.CertFile, &redis.TLS.KeyFile, &redis.Sentinel.PasswordFile,
	}
	for i := range f.Secrets.SystemFiles {
		paths = append(paths, &f.Secrets.SystemFiles[i])
	}
	for _, r := range f.Realms {
		for i := range r.Clients {
			paths = append(paths, &r.Clients[i].SecretFile)
		}
	}
	for _, p := range paths {
		*p = l.resolve(*p)
	}
}

func (l *loader) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(l.folder, path)
}
