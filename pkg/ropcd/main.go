package ropcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ropcd/ropcd/pkg/admin"
	"github.com/ropcd/ropcd/pkg/journey"
	"github.com/ropcd/ropcd/pkg/password"
	"github.com/ropcd/ropcd/storage"
)

// Options are what a server has beyond what is built in. The zero value adds nothing.
type Options struct {
	// Nodes are more types of journey nodes. One with the name of a built-in type replaces it.
	Nodes journey.Types
	// Hashers verify more forms of password hashes. One with the name of a built-in hasher takes its place, also where
	// password_hashing names it: it makes the new hashes then, and those of the built-in one are unknown.
	Hashers []password.Hasher
	// Stores are more values of storage.driver. What they need they find themselves; the server closes them.
	Stores map[string]func(ctx context.Context) (storage.Store, error)
}

// Main runs the command line of the process and exits: 0 done, 1 refused or failed, 2 wrong usage or configuration.
// Ctrl-C and SIGTERM end what it does in good order.
func Main(o Options) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	status := Run(ctx, o, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// Run runs one command line and returns its exit status.
func Run(ctx context.Context, o Options, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(&cli{options: o, stdin: stdin, stdout: stdout, stderr: stderr})
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "ropcd: %v\n", err)
	var setup setupError
	var refused *admin.Error
	switch {
	case errors.As(err, &setup):
		return 2
	case errors.Is(err, admin.ErrNoServer):
		fmt.Fprintln(stderr, "Is `ropcd serve` running? --config or --admin tell where its socket is.")
	case errors.As(err, &refused) && refused.Code == admin.CodeConfiguration:
		return 2
	}
	return 1
}

func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:               "ropcd",
		Short:             "OAuth 2.0 authorization server for the Resource Owner Password Credentials grant",
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return c.checkOutput(cmd) },
	}
	onlyHolds(root)
	flags := root.PersistentFlags()
	flags.StringVar(&c.configPath, "config", fromEnv("ROPCD_CONFIG", "config.yaml"), "the configuration (env ROPCD_CONFIG)")
	flags.StringVar(&c.socket, "admin", os.Getenv("ROPCD_ADMIN"), "the admin socket; admin.socket of the configuration if empty (env ROPCD_ADMIN)")
	flags.StringVar(&c.realm, "realm", os.Getenv("ROPCD_REALM"), "the realm (env ROPCD_REALM)")
	flags.StringVar(&c.output, "output", "table", "table, json or jsonl")
	root.AddCommand(
		serveCommand(c), configCommand(c), realmCommand(c), clientCommand(c), userCommand(c), sessionCommand(c),
		journeyCommand(c), tokenCommand(c), secretCommand(c), auditCommand(c), doctorCommand(c), versionCommand(c),
	)
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		onlyHolds(completion)
	}
	misuse(root)
	return root
}

// misuse makes every mistake in the use of a command one of exit status 2.
func misuse(c *cobra.Command) {
	c.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd.HasSubCommands() { // the flag may be one of the command that was meant
			err = cmp.Or(noSuchCommand(cmd, cmd.Flags().Args()), err)
		}
		return setupError{fmt.Errorf("%w (see `%s --help`)", err, cmd.CommandPath())}
	})
	args := c.Args
	if args == nil {
		args = cobra.NoArgs
	}
	c.Args = func(cmd *cobra.Command, given []string) error {
		if err := args(cmd, given); err != nil {
			return setupError{fmt.Errorf("%w (see `%s --help`)", err, cmd.CommandPath())}
		}
		return nil
	}
	for _, sub := range c.Commands() {
		misuse(sub)
	}
}

func fromEnv(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// buildVersion is set by the linker.
var buildVersion string

// version is the program's version: the linker's, else that of the module.
func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func serveCommand(c *cli) *cobra.Command {
	var demo bool
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Run the server until Ctrl-C or SIGTERM",
		Example: "  ropcd serve --config /etc/ropcd/config.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), c.options, serveFlags{configPath: c.configPath, demo: demo}, c.stdout, c.stderr)
		},
	}
	cmd.Flags().BoolVar(&demo, "demo", false, "give a demo client and user of realm alpha new secrets, and print a call that uses them")
	return cmd
}

func versionCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(c.stdout, version())
			return err
		},
	}
}
