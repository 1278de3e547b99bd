package ropcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
	"github.com/ropcd/ropcd/storage/redis"
)

// openStore opens the store that the configuration names: one of o.Stores, or a built-in one.
func openStore(ctx context.Context, o Options, c config.Storage, secrets *token.Secrets, log *slog.Logger) (storage.Store, error) {
	if open, ok := o.Stores[c.Driver]; ok {
		return open(ctx)
	}
	strangers, err := secrets.Derive("strangers")
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	switch c.Driver {
	case config.DriverBolt:
		return openBolt(c.Bolt, strangers, log)
	case config.DriverRedis:
		return openRedis(c.Redis, strangers, log)
	}
	return nil, setupError{fmt.Errorf("storage.driver: there is no store %q", c.Driver)}
}

func openBolt(c config.Bolt, strangers []byte, log *slog.Logger) (storage.Store, error) {
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		return nil, setupError{fmt.Errorf("make the folder of storage.bolt.path: %w", err)}
	}
	s, err := bolt.Open(c.Path, bolt.Options{Logger: log, StrangersKey: strangers})
	if errors.Is(err, bolt.ErrLocked) {
		return nil, setupError{fmt.Errorf("another process has the store open: %w", err)}
	}
	if errors.Is(err, bolt.ErrPages) {
		return nil, setupError{fmt.Errorf("the store can't be used, restore it from a backup: %w", err)}
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

func openRedis(c config.Redis, strangers []byte, log *slog.Logger) (storage.Store, error) {
	o := redis.Options{
		Mode: c.Mode, Addrs: c.Addrs, Username: c.Username, DB: c.DB, KeyPrefix: c.KeyPrefix, Timeout: c.Timeout,
		PoolSize: c.PoolSize, WaitReplicas: c.WaitReplicas, AllowEviction: c.AllowEviction, Logger: log, StrangersKey: strangers,
		Sentinel: redis.Sentinel{MasterName: c.Sentinel.MasterName, Username: c.Sentinel.Username},
	}
	var err error
	if o.Password, err = optionalSecret(c.PasswordFile); err != nil {
		return nil, setupError{fmt.Errorf("storage.redis.password_file: %w", err)}
	}
	if o.Sentinel.Password, err = optionalSecret(c.Sentinel.PasswordFile); err != nil {
		return nil, setupError{fmt.Errorf("storage.redis.sentinel.password_file: %w", err)}
	}
	if o.TLS, err = redisTLS(c.TLS); err != nil {
		return nil, setupError{fmt.Errorf("storage.redis.tls: %w", err)}
	}
	s, err := redis.Open(o)
	if err != nil {
		return nil, setupError{fmt.Errorf("storage.redis: %w", err)}
	}
	return s, nil
}

func optionalSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return config.ReadSecret(path)
}

func redisTLS(c config.RedisTLS) (*tls.Config, error) {
	if !c.Enabled {
		return nil, nil //nolint:nilnil // no TLS is a value
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("ca_file holds no certificate")
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("load cert_file and key_file: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
