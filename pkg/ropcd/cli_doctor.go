package ropcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/storage"
	"github.com/ropcd/ropcd/storage/bolt"
)

func doctorCommand(c *cli) *cobra.Command {
	repair := false
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look for what is wrong with the store and the configuration, and say what to do",
		Long: "Look for what is wrong with the store and the configuration, and say what to do about it: settings of Redis, its ACL and\n" +
			"clock, keys and records, pages and space of the embedded file, secrets, the admin socket. It goes through all that is\n" +
			"stored, a little at a time. The running server does it; without one, the store is opened directly.\n\n" +
			"Nothing is changed without --repair. Exit status 1 means that something fails; warnings are no failure.",
		Example: "  ropcd doctor\n  ropcd doctor --output json\n  ropcd doctor --repair",
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.doctor(cmd.Context(), repair) },
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "remove what leads nowhere and nobody misses, and say what was removed")
	return cmd
}

// doctor shows all findings. Those that fail are exit status 1.
func (c *cli) doctor(ctx context.Context, repair bool) error {
	cfg, err := c.configuration()
	if err != nil {
		return err
	}
	all := []storage.Finding{{Level: storage.LevelOK, Check: "configuration", Found: c.configPath + " can be read"}}
	all = append(all, examineSecrets(cfg)...)
	progress := c.progress()
	for f, err := range c.examine(ctx, cfg, repair) {
		if err != nil {
			return err
		}
		if f.Level == storage.LevelProgress {
			progress(f.Check + ": " + f.Found)
			continue
		}
		all = append(all, f)
	}
	progress("")
	if err := c.showFindings(all); err != nil {
		return err
	}
	failed := 0
	for _, f := range all {
		if f.Level == storage.LevelFail {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s failed", count(failed, "check"))
	}
	return nil
}

func (c *cli) showFindings(all []storage.Finding) error {
	if c.output != "table" {
		return showAll(c, func(yield func(storage.Finding, error) bool) {
			for _, f := range all {
				if !yield(f, nil) {
					return
				}
			}
		})
	}
	return c.listTable("level\tcheck\tfound\twhat to do", func(yield func([]any, error) bool) {
		for _, f := range all {
			if !yield([]any{string(f.Level), f.Check, f.Found, f.Todo}, nil) {
				return
			}
		}
	})
}

// progress writes over one line of standard error, if that is a terminal.
func (c *cli) progress() func(text string) {
	f, ok := c.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(string) {}
	}
	return func(text string) { _, _ = io.WriteString(f, "\r\x1b[K"+text) } // it is only for people to watch
}

// examineSecrets looks for the system secrets. Those that are there could be read, or the configuration would be refused.
func examineSecrets(cfg *config.Config) (found []storage.Finding) {
	for _, path := range cfg.Secrets.SystemFiles {
		f := storage.Finding{Level: storage.LevelOK, Check: "system secret", Found: path + " can be read"}
		if _, err := os.Stat(path); err != nil {
			f = storage.Finding{
				Level: storage.LevelWarn, Check: "system secret", Found: path + " is not there yet", Todo: "start the server: it makes one",
			}
			if lost, what, todo := lostSecret(cfg, path); lost {
				f.Level, f.Found, f.Todo = storage.LevelFail, what, todo
			}
		}
		found = append(found, f)
	}
	return found
}

// examine has the running server look at its store, or does it itself when none answers.
func (c *cli) examine(ctx context.Context, cfg *config.Config, repair bool) iter.Seq2[storage.Finding, error] {
	return func(yield func(storage.Finding, error) bool) {
		server, err := c.api()
		if err != nil {
			yield(storage.Finding{}, err)
			return
		}
		verb := map[bool]string{false: "store/examine", true: "store/repair"}[repair]
		answered := false
		for f, err := range admin.List[storage.Finding](ctx, server, verb, admin.Nothing{}) {
			if errors.Is(err, admin.ErrNoServer) {
				c.examineDirectly(ctx, cfg, repair, err, yield)
				return
			}
			if err == nil && !answered {
				answered = true
				if !yield(storage.Finding{Level: storage.LevelOK, Check: "admin socket", Found: "the server answers"}, nil) {
					return
				}
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// examineDirectly opens the store of the configuration, since no server answers.
func (c *cli) examineDirectly(ctx context.Context, cfg *config.Config, repair bool, why error, yield func(storage.Finding, error) bool) {
	socket := storage.Finding{
		Level: storage.LevelWarn, Check: "admin socket", Found: why.Error(),
		Todo: "start the server; if it runs, run ropcd doctor as its user, with its configuration",
	}
	if !yield(socket, nil) {
		return
	}
	findings := bolt.Examine(cfg.Storage.Bolt.Path)
	if cfg.Storage.Driver != config.DriverBolt {
		s, err := c.openToExamine(ctx, cfg)
		if err != nil {
			yield(storage.Finding{}, err)
			return
		}
		defer func() { _ = s.Close() }()
		e, ok := s.(storage.Examiner)
		if !ok {
			yield(storage.Finding{Level: storage.LevelWarn, Check: "store", Found: "can't be examined", Todo: "ask whoever made it"}, nil)
			return
		}
		findings = e.Examine(ctx, repair)
	}
	for f := range findings {
		if !yield(f, nil) {
			return
		}
	}
}

// openToExamine opens a store without secrets of the system: nobody logs in here.
func (c *cli) openToExamine(ctx context.Context, cfg *config.Config) (storage.Store, error) {
	if open, ok := c.options.Stores[cfg.Storage.Driver]; ok {
		return open(ctx)
	}
	return openRedis(cfg.Storage.Redis, nil, slog.New(slog.DiscardHandler))
}
