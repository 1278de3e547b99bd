package config

import (
	"log/slog"
	"time"

	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/realm"
)

// Config is a configuration without errors. All paths in it are absolute. It is immutable once it is in use.
type Config struct {
	Server          Server
	Admin           Admin
	Ops             Ops
	Storage         Storage
	Secrets         Secrets
	PasswordHashing PasswordHashing
	Log             Log
	Audit           Audit
	Realms          []Realm // sorted by key; inactive ones too

	path      string                  // of the file, absolute
	sections  map[string]realmSection // by the realm's key
	nodeFiles []string                // that nodes of the journeys have read
}

// Close frees what the journeys hold, such as connections. For a configuration that is not, or no longer, in use.
func (c *Config) Close() {
	for _, r := range c.Realms {
		_ = r.Journeys.Close() // nothing can be done about connections that don't close
	}
}

// Realm is one realm with its journeys.
type Realm struct {
	*realm.Realm
	Journeys    *journey.Set
	Definitions map[string]journey.Definition
}

// Server is the endpoint that clients talk to.
type Server struct {
	Listen         string        `yaml:"listen"`          // host:port
	BaseURL        string        `yaml:"base_url"`        // without a slash at the end
	BehindProxy    bool          `yaml:"behind_proxy"`    // plain HTTP off loopback is allowed
	TrustedProxies []string      `yaml:"trusted_proxies"` // see [Server.Proxies]
	ProxyHeader    string        `yaml:"proxy_header"`    // in which they say whom they ask for
	TLS            TLS           `yaml:"tls"`
	Limits         ServerLimits  `yaml:"limits"`
	ShutdownDelay  time.Duration `yaml:"shutdown_delay"`
	DrainTimeout   time.Duration `yaml:"drain_timeout"`
}

// ServerLimits bound what one connection of a client may take, how many there are, and what all take together.
type ServerLimits struct {
	Connections   int           `yaml:"connections"`    // at once; the others wait to be let in
	Requests      int           `yaml:"requests"`       // at once over all connections; the others get a 503
	Streams       int           `yaml:"streams"`        // requests at once on a connection of HTTP/2
	Header        Size          `yaml:"header"`         // of a request
	HeaderTimeout time.Duration `yaml:"header_timeout"` // from the connection, or the end of the request before, to the end of the header
	ReadTimeout   time.Duration `yaml:"read_timeout"`   // to the end of the body
	WriteTimeout  time.Duration `yaml:"write_timeout"`  // from the end of the header to the end of the answer
	IdleTimeout   time.Duration `yaml:"idle_timeout"`   // between two requests
}

// TLS is a certificate chain and its key, in PEM files. Both are empty for plain HTTP.
type TLS struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// Enabled reports whether there is a certificate.
func (t TLS) Enabled() bool { return t.CertFile != "" }

// Admin is the socket of the admin API.
type Admin struct {
	Socket string `yaml:"socket"`
}

// Ops is the endpoint of health and metrics.
type Ops struct {
	Listen string `yaml:"listen"` // host:port
}

// The storage drivers.
const (
	DriverBolt  = "bolt"
	DriverRedis = "redis"
)

// Storage is where users, clients and grants are kept.
type Storage struct {
	Driver string `yaml:"driver"`
	Bolt   Bolt   `yaml:"bolt"`
	Redis  Redis  `yaml:"redis"`
}

// Bolt is the embedded store.
type Bolt struct {
	Path string `yaml:"path"`
}

// The kinds of Redis deployments.
const (
	RedisSingle   = "single"
	RedisSentinel = "sentinel"
	RedisCluster  = "cluster"
)

// Redis is the shared store. What the password files hold is read with [ReadSecret].
type Redis struct {
	Mode          string        `yaml:"mode"`
	Addrs         []string      `yaml:"addrs"` // of the server, the sentinels, or some nodes of the cluster
	Username      string        `yaml:"username"`
	PasswordFile  string        `yaml:"password_file"`
	DB            int           `yaml:"db"`
	TLS           RedisTLS      `yaml:"tls"`
	Sentinel      Sentinel      `yaml:"sentinel"`
	KeyPrefix     string        `yaml:"key_prefix"`
	Timeout       time.Duration `yaml:"timeout"`
	PoolSize      int           `yaml:"pool_size"` // 0: ten per core
	WaitReplicas  int           `yaml:"wait_replicas"`
	AllowEviction bool          `yaml:"allow_eviction"`
}

// RedisTLS is how the connection to Redis is protected. An empty CAFile means the system's roots.
type RedisTLS struct {
	Enabled    bool   `yaml:"enabled"`
	CAFile     string `yaml:"ca_file"`
	CertFile   string `yaml:"cert_file"`
	KeyFile    string `yaml:"key_file"`
	ServerName string `yaml:"server_name"`
}

// Sentinel is how the sentinels are asked for the master.
type Sentinel struct {
	MasterName   string `yaml:"master_name"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
}

// Secrets are the system secrets, which all keys are derived from: the first signs, all verify. There is at least one;
// with bolt a file may be absent, and is then made by the program.
type Secrets struct {
	SystemFiles []string `yaml:"system_files"`
}

// PasswordHashing is how new passwords are hashed.
type PasswordHashing struct {
	Algorithm     string      `yaml:"algorithm"` // argon2id | bcrypt
	Argon2id      Argon2id    `yaml:"argon2id"`
	Bcrypt        Bcrypt      `yaml:"bcrypt"`
	MaxConcurrent Concurrency `yaml:"max_concurrent"`
}

// Argon2id are its costs.
type Argon2id struct {
	Memory      Size `yaml:"memory"` // whole KiB
	Iterations  int  `yaml:"iterations"`
	Parallelism int  `yaml:"parallelism"`
}

// Bcrypt is its cost.
type Bcrypt struct {
	Cost int `yaml:"cost"`
}

// Log is the log of the process.
type Log struct {
	Level  string `yaml:"level"`  // debug | info | warn | error
	Format string `yaml:"format"` // json | text
}

// SlogLevel is the level for package slog.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // checked by Load
	return level
}

// How the audit log is kept.
const (
	AuditBestEffort = "best_effort"
	AuditStrict     = "strict" // what can't be audited is refused
)

// Audit is the audit log. An empty File means standard output; what PseudonymKeyFile holds is read with [ReadSecret].
type Audit struct {
	File             string `yaml:"file"`
	Mode             string `yaml:"mode"`
	PseudonymKeyFile string `yaml:"pseudonym_key_file"`
}
