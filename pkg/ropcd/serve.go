package ropcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/guard"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/pkg/provider"
	"github.com/ropcd/ropcd/pkg/server"
	"github.com/ropcd/ropcd/pkg/token"
	"github.com/ropcd/ropcd/storage"
)

// serveFlags are those of `ropcd serve`.
type serveFlags struct {
	configPath string
	demo       bool
}

// serve runs the server until ctx ends, drains it, and returns nil. A setupError means that it never began.
func serve(ctx context.Context, o Options, f serveFlags, stdout, stderr io.Writer) error {
	p, err := assemble(ctx, o, f, stdout, stderr)
	if err != nil {
		return err
	}
	defer p.close()
	l, err := p.listen(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	if err := p.watch(ctx); err != nil {
		return err
	}
	go p.probe(ctx)
	for _, w := range p.shadowed(p.current()) {
		p.logger.WarnContext(ctx, "configuration", "problem", w)
	}
	debug.FreeOSMemory() // what the hash of the decoy took
	p.logger.InfoContext(ctx, "serving", "listen", l.public.Addr().String(), "ops", l.ops.Addr().String(), "base_url", p.current().Server.BaseURL,
		"storage", p.current().Storage.Driver, "version", version())
	if f.demo {
		if err := p.demo(ctx, stdout); err != nil {
			return err
		}
	}
	return p.run(ctx, l)
}

// process is the server put together from one configuration.
type process struct {
	options Options
	path    string // of config.yaml
	config  atomic.Pointer[config.Config]
	logger  *slog.Logger
	level   *slog.LevelVar
	audit   *audit.Log
	secrets *token.Secrets
	seeds   *token.Sealer // of one-time codes

	store     storage.Store
	passwords *password.Set
	pool      *password.Pool
	provider  *provider.Provider
	server    *server.Server
	tls       *certificate

	draining atomic.Bool
	reloads  chan reloadRequest
	watcher  *config.Watcher
}

func (p *process) current() *config.Config { return p.config.Load() }

// assemble reads the configuration and makes everything from it that does not listen.
func assemble(ctx context.Context, o Options, f serveFlags, stdout, stderr io.Writer) (*process, error) {
	c, problems := config.Load(f.configPath, o.loadOptions())
	if c == nil {
		return nil, setupError{errors.New(problemList(problems))}
	}
	p := &process{options: o, path: f.configPath, reloads: make(chan reloadRequest)}
	p.config.Store(c)
	p.logger, p.level = newLogger(c.Log, stderr)
	tuneMemory(p.logger)
	for _, w := range problems.Warnings() {
		p.logger.WarnContext(ctx, "configuration", "problem", w.String())
	}
	var err error
	if p.secrets, err = systemSecrets(c, p.logger); err != nil {
		return nil, err
	}
	if p.seeds, err = p.secrets.Sealer(seedPurpose); err != nil {
		return nil, err
	}
	realms, err := snapshot(c, p.secrets)
	if err != nil {
		return nil, err
	}
	if p.tls, err = newCertificate(c.Server.TLS); err != nil {
		return nil, err
	}
	if p.passwords, err = o.passwords(c.PasswordHashing); err != nil {
		return nil, err
	}
	if p.audit, err = openAudit(c.Audit, stdout); err != nil {
		return nil, err
	}
	if p.store, err = openStore(ctx, o, c.Storage, p.secrets, p.logger); err != nil {
		return nil, err
	}
	p.pool = hashingPool(c.PasswordHashing, p.passwords)
	p.provider = provider.New(provider.Options{Store: p.store, Passwords: p.passwords, Pool: p.pool, Realms: realms, Seeds: p.seeds})
	p.server = server.New(server.Options{
		Provider: p.provider, Store: p.store, Audit: p.audit, Logger: p.logger,
		BaseURL: c.Server.BaseURL, Proxies: guard.Proxies(c.Server.Proxies()), ProxyHeader: c.Server.ProxyHeader,
		MaxOpen: c.Server.Limits.Requests,
	})
	return p, nil
}

// close frees what assemble made, after everything that uses it has ended.
func (p *process) close() {
	p.pool.Close()
	p.current().Close()
	if err := p.store.Close(); err != nil {
		p.logger.Error("close store", "error", err)
	}
}

// run serves until ctx ends or a listener fails, then drains: not ready, still serving for shutdown_delay; then no new
// requests, and those under way have drain_timeout to finish.
func (p *process) run(ctx context.Context, l *listeners) error {
	failed := l.serve()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s := p.current().Server
	p.draining.Store(true)
	p.logger.Info("draining", "shutdown_delay", s.ShutdownDelay.String(), "drain_timeout", s.DrainTimeout.String())
	<-time.After(s.ShutdownDelay)
	stop, cancel := context.WithTimeout(context.Background(), s.DrainTimeout)
	defer cancel()
	if err := l.shutdown(stop); err != nil {
		p.logger.Warn("drained with requests under way", "error", err)
	}
	p.logger.Info("stopped")
	return nil
}

// adminOptions are the admin API of the process.
func (p *process) adminOptions() admin.Options {
	return admin.Options{
		Store: p.store, Provider: p.provider, Passwords: p.passwords, Pool: p.pool, Audit: p.audit, Logger: p.logger,
		Seeds:   p.seeds,
		Reload:  p.askReload,
		KeyIDs:  p.keyIDs,
		Version: version(),
		Effective: func() any {
			text, err := config.EffectiveJSON(p.current())
			if err != nil {
				return map[string]string{"error": err.Error()}
			}
			return rawJSON(text)
		},
	}
}

func (p *process) keyIDs() []string {
	var ids []string
	for _, id := range p.secrets.IDs() {
		ids = append(ids, fmt.Sprintf("%x", id))
	}
	return ids
}

// rawJSON is a document that is encoded already.
type rawJSON []byte

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// hangUps are the requests to reload that come as signals.
func hangUps() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
