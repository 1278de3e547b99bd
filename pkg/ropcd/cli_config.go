package ropcd

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/audit"
	"github.com/ropcd/ropcd/pkg/config"
	"github.com/ropcd/ropcd/pkg/realm"
)

func configCommand(c *cli) *cobra.Command {
	effective := false
	show := &cobra.Command{
		Use: "show", Short: "Show the configuration with every key, without secrets", Example: "  ropcd config show --effective",
		RunE: func(cmd *cobra.Command, _ []string) error { return c.showConfig(cmd, effective) },
	}
	show.Flags().BoolVar(&effective, "effective", false, "of the running server, instead of the file")
	return group("config", "Check, reload and show the configuration",
		&cobra.Command{
			Use: "check", Short: "Report all problems of the configuration; needs no server", Example: "  ropcd config check --config /etc/ropcd/config.yaml",
			RunE: func(*cobra.Command, []string) error { return c.checkConfig() },
		},
		&cobra.Command{
			Use: "reload", Short: "Let the running server read the configuration anew", Example: "  ropcd config reload",
			RunE: func(cmd *cobra.Command, _ []string) error {
				return ask(cmd.Context(), c, "config/reload", admin.Nothing{}, func(w io.Writer, a admin.ReloadAnswer) {
					for _, text := range a.Warnings {
						fmt.Fprintln(c.stderr, text)
					}
					pairs(w, "reloaded", true)
				})
			},
		},
		show,
	)
}

// checkConfig prints all problems; errors among them are exit status 2.
func (c *cli) checkConfig() error {
	cfg, problems := config.Load(c.configPath, c.options.loadOptions())
	for _, p := range problems {
		fmt.Fprintln(c.stdout, p)
	}
	if cfg == nil {
		return setupError{fmt.Errorf("%s has %s", c.configPath, count(len(problems.Errors()), "problem"))}
	}
	_, err := fmt.Fprintf(c.stdout, "%s is good: %s, %s\n", c.configPath,
		count(len(cfg.Realms), "realm"), count(len(problems.Warnings()), "warning"))
	return err
}

// configuration is the file's, for commands that need no server.
func (c *cli) configuration() (*config.Config, error) {
	cfg, problems := config.Load(c.configPath, c.options.loadOptions())
	if cfg == nil {
		return nil, setupError{errors.New(problemList(problems))}
	}
	return cfg, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (c *cli) showConfig(cmd *cobra.Command, running bool) error {
	if running {
		c.output = map[bool]string{true: "json", false: c.output}[c.output == "table"]
		return ask(cmd.Context(), c, "config/effective", admin.Nothing{}, func(io.Writer, any) {})
	}
	cfg, err := c.configuration()
	if err != nil {
		return err
	}
	text, err := config.Effective(cfg)
	if c.output != "table" {
		text, err = config.EffectiveJSON(cfg)
	}
	if err != nil {
		return fmt.Errorf("show configuration: %w", err)
	}
	_, err = c.stdout.Write(text)
	return err
}

func secretCommand(c *cli) *cobra.Command {
	out := ""
	generate := &cobra.Command{
		Use: "generate", Short: "Make a new system secret", Example: "  ropcd secret generate --out data/system.secret",
		RunE: func(*cobra.Command, []string) error {
			if out == "" {
				_, err := fmt.Fprintln(c.stdout, newSystemSecret())
				return err
			}
			if _, err := makeSecret(out); err != nil {
				return fmt.Errorf("%s: %w", out, err)
			}
			fmt.Fprintln(c.stdout, "written to", out)
			return nil
		},
	}
	generate.Flags().StringVar(&out, "out", "", "the file, which must not be there yet (mode 0600); standard output if left out")
	return group("secret", "Make and list system secrets", generate, &cobra.Command{
		Use: "list", Short: "List the system secrets of the running server by id, and the seeds that are under each",
		Long: "List the system secrets of the running server by id: which one signs, and how many seeds of one-time codes, in the\n" +
			"realms of config.yaml, are sealed under each. It goes through all users. `ropcd user totp reseal` puts the seeds of a\n" +
			"realm under the one that signs. Tokens are not stored, so nobody can count them: one that a secret has signed may live\n" +
			"for the longest lifetime of an access or refresh token after the secret has ceased to sign in every process.",
		Example: "  ropcd secret list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), c, "secret/list", admin.Nothing{}, "id\tsigns\tseeds", func(s admin.Secret) []any {
				return []any{s.ID, s.Signs, s.Seeds}
			})
		},
	})
}

func auditCommand(c *cli) *cobra.Command {
	id := ""
	show := &cobra.Command{
		Use: "show", Short: "Find the events of a request in the audit file", Example: "  ropcd audit show --request-id 4f2a…",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "request-id"); err != nil {
				return err
			}
			return c.showAudit(id)
		},
	}
	show.Flags().StringVar(&id, "request-id", "", "the X-Request-Id of the answer")
	return group("audit", "Look into the audit file", show, pseudonymCommand(c))
}

func pseudonymCommand(c *cli) *cobra.Command {
	username := ""
	cmd := &cobra.Command{
		Use: "pseudonym", Short: "Tell by what audit events name a user, with audit.pseudonym_key_file; needs no server",
		Example: "  ropcd audit pseudonym --realm alpha --username demo",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := c.inRealm()
			if err != nil {
				return err
			}
			if err := need(cmd, "username"); err != nil {
				return err
			}
			return c.showPseudonym(in.Realm, username)
		},
	}
	cmd.Flags().StringVar(&username, "username", "", "the user name, in any spelling")
	return cmd
}

func (c *cli) showPseudonym(realmName, username string) error {
	cfg, err := c.configuration()
	switch {
	case err != nil:
		return err
	case cfg.Audit.PseudonymKeyFile == "":
		return setupError{errors.New("the configuration has no pseudonyms: set audit.pseudonym_key_file")}
	}
	key, err := config.ReadSecret(cfg.Audit.PseudonymKeyFile)
	if err != nil {
		return setupError{fmt.Errorf("audit.pseudonym_key_file: %w", err)}
	}
	if canonical, ok := realm.Username(username); ok {
		username = canonical
	}
	_, err = fmt.Fprintln(c.stdout, audit.Pseudonym([]byte(key), realmName, username))
	return err
}

// showAudit reads the audit file of the configuration; it needs no server.
func (c *cli) showAudit(id string) error {
	cfg, err := c.configuration()
	switch {
	case err != nil:
		return err
	case cfg.Audit.File == "":
		return setupError{errors.New("the configuration keeps no audit file: set audit.file")}
	}
	f, err := os.Open(cfg.Audit.File)
	if err != nil {
		return fmt.Errorf("open audit file: %w", err)
	}
	defer f.Close()
	var found []audit.Event
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e audit.Event
		if strings.Contains(lines.Text(), id) && json.Unmarshal(lines.Bytes(), &e) == nil && e.RequestID == id {
			found = append(found, e)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read audit file: %w", err)
	}
	if len(found) == 0 {
		return fmt.Errorf("no event of request %s in %s", id, cfg.Audit.File)
	}
	if c.output != "table" {
		return showAll(c, func(yield func(audit.Event, error) bool) {
			for _, e := range found {
				if !yield(e, nil) {
					return
				}
			}
		})
	}
	return c.table(func(w io.Writer) {
		for i, e := range found {
			if i > 0 {
				fmt.Fprintln(w)
			}
			showEvent(w, e)
		}
	})
}
