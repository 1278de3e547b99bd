package ropcd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/provider"
)

// reloadRequest asks the one goroutine that reloads to do it now.
type reloadRequest struct {
	why    string
	answer chan reloadAnswer // nil: nobody waits
}

type reloadAnswer struct {
	warnings []string
	err      error
}

// watch reloads on SIGHUP, when a file of the configuration changes, and when the admin API asks, one at a time, until
// ctx ends.
func (p *process) watch(ctx context.Context) error {
	watcher, err := config.Watch(ctx, p.path, func() { p.ask(ctx, reloadRequest{why: "file changed"}) })
	if err != nil {
		return fmt.Errorf("watch %s: %w", p.path, err)
	}
	p.watcher = watcher
	p.watcher.Also(p.current().Files()...)
	signals, stop := hangUps()
	go func() {
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				p.reloadFor(ctx, reloadRequest{why: "SIGHUP"})
			case r := <-p.reloads:
				p.reloadFor(ctx, r)
			}
		}
	}()
	return nil
}

// ask hands a request to the goroutine that reloads; false when ctx ends first.
func (p *process) ask(ctx context.Context, r reloadRequest) bool {
	select {
	case p.reloads <- r:
		return true
	case <-ctx.Done():
		return false
	}
}

// askReload is `ropcd config reload`: it returns the warnings, or all problems as one error.
func (p *process) askReload(ctx context.Context) ([]string, error) {
	r := reloadRequest{why: "asked", answer: make(chan reloadAnswer, 1)}
	if !p.ask(ctx, r) {
		return nil, fmt.Errorf("reload: %w", ctx.Err())
	}
	select {
	case a := <-r.answer:
		return a.warnings, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("reload: %w", ctx.Err())
	}
}

func (p *process) reloadFor(ctx context.Context, r reloadRequest) {
	p.watcher.Look() // else the watcher would have the same contents loaded, and logged, once more
	warnings, err := p.reload()
	if err != nil {
		p.logger.ErrorContext(ctx, "configuration refused, the one in use stays", "why", r.why, "error", err.Error())
	} else {
		p.logger.InfoContext(ctx, "configuration loaded", "why", r.why, "warnings", warnings)
	}
	p.server.Reloaded(err == nil) // last, so that who sees the count finds the log line
	if r.answer != nil {
		r.answer <- reloadAnswer{warnings, err}
	}
}

// reload reads the configuration anew and puts it in place as one snapshot, or changes nothing. The audit file is opened
// anew too, for rotation.
func (p *process) reload() (warnings []string, err error) {
	old := p.current()
	next, problems := config.Load(p.path, p.options.loadOptions())
	if next == nil {
		return nil, errors.New(problemList(problems))
	}
	for _, w := range problems.Warnings() {
		warnings = append(warnings, w.String())
	}
	if keys := next.Diff(old); len(keys) > 0 {
		warnings = append(warnings, "needs a restart: "+strings.Join(keys, ", "))
	}
	next = old.Reload(next)
	realms, err := p.prepare(next)
	if err != nil {
		next.Close()
		return nil, err
	}
	p.provider.Swap(realms)
	p.endClients(old, next)
	warnings = append(warnings, p.shadowed(next)...)
	p.level.Set(next.Log.SlogLevel())
	p.config.Store(next)
	p.watcher.Also(next.Files()...)
	time.AfterFunc(lastRun, old.Close)
	return warnings, nil
}

// lastRun is how long requests that began before a reload may go on with the journeys of then: more than their deadline.
const lastRun = 10 * time.Second

// prepare does all of a reload that can fail.
func (p *process) prepare(next *config.Config) (*provider.Realms, error) {
	realms, err := snapshot(next, p.secrets)
	if err != nil {
		return nil, err
	}
	if err := p.audit.Reopen(); err != nil {
		return nil, fmt.Errorf("audit.file: %w", err)
	}
	if err := p.tls.load(next.Server.TLS); err != nil {
		return nil, err
	}
	return realms, nil
}

// endClients ends, for good, the grants of static clients that the new configuration disables or no longer has. Their
// tokens are refused from the moment of the swap on; ending the grants keeps them dead should the client come back.
func (p *process) endClients(old, next *config.Config) {
	enabled := map[[2]string]bool{}
	for _, r := range next.Realms {
		for _, c := range r.Clients {
			enabled[[2]string{c.Realm, c.ID}] = c.Enabled
		}
	}
	for _, r := range old.Realms {
		for _, c := range r.Clients {
			if !c.Enabled || enabled[[2]string{c.Realm, c.ID}] {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
			if err := p.store.EndClient(ctx, c.Realm, c.ID); err != nil {
				p.logger.Error("end grants of a static client", "realm", c.Realm, "client_id", c.ID, "error", err)
			}
			cancel()
		}
	}
}

// shadowed tells of stored clients that a static one of the same id hides.
func (p *process) shadowed(c *config.Config) (warnings []string) {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	for _, r := range c.Realms {
		for _, client := range r.Clients {
			if _, err := p.store.Client(ctx, client.Realm, client.ID); err == nil {
				warnings = append(warnings, fmt.Sprintf(
					"the client %q of realm %s is also stored: the one of the configuration hides it", client.ID, r.Path))
			}
		}
	}
	return warnings
}

// endTimeout bounds ending the grants of one client.
const endTimeout = 2 * time.Second
