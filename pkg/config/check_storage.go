package config

import (
	"crypto/x509"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/config/strict"
)

var keyPrefix = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// oneOf checks a word from a list.
func (l *loader) oneOf(at strict.Path, word string, known ...string) {
	if !slices.Contains(known, word) {
		l.Bad(at, "is not possible; write %s%s", strings.Join(known, " or "), strict.Suggest(word, known))
	}
}

// between checks a number or a duration against what is possible, bounds included.
func between[T int | time.Duration | Size](l *loader, at strict.Path, value, least, most T) {
	if value < least || value > most {
		l.Bad(at, "is not possible; it must be from %s to %s", written(least), written(most))
	}
}

func written(v any) string {
	if d, ok := v.(time.Duration); ok {
		return strict.FormatDuration(d)
	}
	return fmt.Sprint(v)
}

func (l *loader) storage(s *Storage) {
	at := strict.Path{"storage"}
	l.oneOf(at.With("driver"), s.Driver, append([]string{DriverBolt, DriverRedis}, l.opts.Drivers...)...)
	if s.Driver == DriverBolt && s.Bolt.Path == "" {
		l.Report(at.With("bolt", "path"), "the path is empty")
	}
	r, at := &s.Redis, at.With("redis")
	l.oneOf(at.With("mode"), r.Mode, RedisSingle, RedisSentinel, RedisCluster)
	for i, addr := range r.Addrs {
		host, port, err := net.SplitHostPort(addr)
		if err != nil || !validHost(host) || port == "" || !validPort(port) {
			l.Bad(at.With("addrs").At(i), "is not an address; write host:port, such as redis:6379")
		}
	}
	between(l, at.With("db"), r.DB, 0, 1<<20)
	between(l, at.With("timeout"), r.Timeout, 10*time.Millisecond, 2*time.Second)
	between(l, at.With("pool_size"), r.PoolSize, 0, 10_000)
	between(l, at.With("wait_replicas"), r.WaitReplicas, 0, 64)
	if !keyPrefix.MatchString(r.KeyPrefix) {
		l.Bad(at.With("key_prefix"), "must be 1 to 64 letters, digits and any of _ . : - (braces would move keys "+
			"between slots of a cluster)")
	}
	if s.Driver == DriverRedis {
		l.redisMode(at, r)
		l.redisFiles(at, r)
	}
}

// redisMode checks what a mode asks for.
func (l *loader) redisMode(at strict.Path, r *Redis) {
	switch {
	case len(r.Addrs) == 0:
		l.Report(at.With("addrs"), "names no address")
	case r.Mode == RedisSingle && len(r.Addrs) > 1:
		l.Report(at.With("addrs"), "mode single has one address; set mode to sentinel or cluster")
	}
	switch {
	case r.Mode == RedisCluster && r.DB != 0:
		l.Bad(at.With("db"), "is not possible: a cluster has db 0 only")
	case r.Mode == RedisSentinel && r.Sentinel.MasterName == "":
		l.Report(at.With("sentinel", "master_name"), "mode sentinel needs the name of the master")
	case r.Mode != RedisSentinel && r.Sentinel.MasterName != "":
		l.Warn(at.With("sentinel", "master_name"), "is not used in mode %s", r.Mode)
	}
}

func (l *loader) redisFiles(at strict.Path, r *Redis) {
	if r.PasswordFile != "" {
		l.secretFile(at.With("password_file"), r.PasswordFile, false)
	}
	if r.Mode == RedisSentinel && r.Sentinel.PasswordFile != "" {
		l.secretFile(at.With("sentinel", "password_file"), r.Sentinel.PasswordFile, false)
	}
	at = at.With("tls")
	if !r.TLS.Enabled {
		if r.TLS.CAFile != "" || r.TLS.CertFile != "" || r.TLS.KeyFile != "" || r.TLS.ServerName != "" {
			l.Warn(at, "is not enabled, so its other keys do nothing; set enabled: true")
		}
		return
	}
	l.keyPair(at, r.TLS.CertFile, r.TLS.KeyFile)
	if r.TLS.CAFile == "" {
		return
	}
	pem, err := readFile(r.TLS.CAFile, maxFile)
	switch {
	case err != nil:
		l.Report(at.With("ca_file"), "the file %s %s", r.TLS.CAFile, err)
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		l.Report(at.With("ca_file"), "the file %s holds no certificate in PEM form", r.TLS.CAFile)
	}
}
