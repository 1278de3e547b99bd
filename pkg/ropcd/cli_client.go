package ropcd

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ropcd/ropcd/pkg/admin"
)

func clientCommand(c *cli) *cobra.Command {
	return group("client", "Manage the clients of a realm",
		createClientCommand(c), listClientsCommand(c), showClientCommand(c), updateClientCommand(c), rotateSecretCommand(c),
		clientVerb(c, "enable", "Let a client in again"),
		clientVerb(c, "disable", "Keep a client out, and end its grants"),
		deleteClientCommand(c),
	)
}

// clientFlags are the settings of a client that create and update share.
type clientFlags struct {
	grantTypes, scopes, defaultScopes, journeys []string
	method, trust                               string
	access, refresh                             admin.Lifetime
	issue, issueOnRefresh                       string
	allowPublic                                 bool
}

func (f *clientFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.grantTypes, "grant-type", nil, "password or refresh_token (repeat it for more)")
	flags.StringArrayVar(&f.scopes, "scope", nil, "a scope that the client may have (repeat it for more)")
	flags.StringArrayVar(&f.defaultScopes, "default-scope", nil, "a scope for requests without any (repeat it for more)")
	flags.StringArrayVar(&f.journeys, "allowed-journey", nil, "a journey that it may use (repeat it for more; none: every one)")
	flags.StringVar(&f.method, "token-endpoint-auth-method", "any", "any, client_secret_basic or client_secret_post")
	flags.StringVar(&f.trust, "trust-end-user-ip", "", "the header in which it reports its user's address")
	flags.TextVar(&f.access, "access-token-lifetime", admin.Lifetime(0), "a `duration` such as 30m, never or inherit")
	flags.TextVar(&f.refresh, "refresh-token-lifetime", admin.Lifetime(0), "a `duration` such as 7d, never or inherit")
	flags.StringVar(&f.issue, "issue-refresh-token", "inherit", "true, false or inherit")
	flags.StringVar(&f.issueOnRefresh, "issue-refresh-token-on-refresh", "inherit", "true, false or inherit")
	flags.BoolVar(&f.allowPublic, "allow-public-password-grant", false, "let a public client use the password grant")
}

func createClientCommand(c *cli) *cobra.Command {
	in, f, secretStdin := admin.NewClient{}, clientFlags{}, false
	cmd := &cobra.Command{
		Use:     "create",
		Short:   "Register a client; without --secret-stdin its secret is generated and shown once",
		Example: "  ropcd client create --realm alpha --id myClient --grant-type password --grant-type refresh_token --scope write",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if in.InRealm, err = c.inRealm(); err != nil {
				return err
			}
			if err := need(cmd, "id"); err != nil {
				return err
			}
			if in.ClientSettings, err = f.settings(); err != nil {
				return err
			}
			if secretStdin {
				if in.Secret, err = c.secretFromStdin("client's secret"); err != nil {
					return err
				}
			}
			return ask(cmd.Context(), c, "client/create", in, c.clientAnswer)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVar(&in.ID, "id", "", "the client's id")
	cmd.Flags().BoolVar(&in.Public, "public", false, "a client without a secret")
	cmd.Flags().BoolVar(&in.IfAbsent, "if-absent", false, "no error if there is one already; it stays as it is")
	cmd.Flags().BoolVar(&secretStdin, "secret-stdin", false, "read the secret from standard input")
	return cmd
}

// settings are those of a new client.
func (f *clientFlags) settings() (admin.ClientSettings, error) {
	issue, err1 := choice("issue-refresh-token", f.issue)
	onRefresh, err2 := choice("issue-refresh-token-on-refresh", f.issueOnRefresh)
	return admin.ClientSettings{
		AllowPublicPasswordGrant: f.allowPublic, GrantTypes: f.grantTypes, Scopes: f.scopes, DefaultScopes: f.defaultScopes,
		TokenEndpointAuthMethod: f.method, AllowedJourneys: f.journeys, TrustEndUserIP: f.trust,
		AccessTokenLifetime: f.access, RefreshTokenLifetime: f.refresh,
		IssueRefreshToken: issue, IssueRefreshTokenOnRefresh: onRefresh,
	}, errors.Join(err1, err2)
}

func choice(name, value string) (*bool, error) {
	yes := value == "true"
	switch value {
	case "inherit":
		return nil, nil //nolint:nilnil // inherited is a value
	case "true", "false":
		return &yes, nil
	}
	return nil, setupError{fmt.Errorf("--%s is true, false or inherit, not %q", name, value)}
}

func updateClientCommand(c *cli) *cobra.Command {
	in, f := admin.ClientChange{}, clientFlags{}
	cmd := &cobra.Command{
		Use:     "update",
		Short:   "Change settings of a client; what is not named stays",
		Example: "  ropcd client update --realm alpha --id myClient --scope read --scope write --access-token-lifetime 15m",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if in.InRealm, err = c.inRealm(); err != nil {
				return err
			}
			if err := need(cmd, "id"); err != nil {
				return err
			}
			if err := needChange(cmd); err != nil {
				return err
			}
			f.change(cmd.Flags(), &in)
			return ask(cmd.Context(), c, "client/update", in, c.clientAnswer)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVar(&in.ID, "id", "", "the client's id")
	return cmd
}

// change asks for what was named on the command line. A list that is named as one empty value becomes empty.
func (f *clientFlags) change(flags *pflag.FlagSet, in *admin.ClientChange) {
	changed(flags, "grant-type", &in.GrantTypes, &f.grantTypes)
	changed(flags, "scope", &in.Scopes, &f.scopes)
	changed(flags, "default-scope", &in.DefaultScopes, &f.defaultScopes)
	changed(flags, "allowed-journey", &in.AllowedJourneys, &f.journeys)
	changed(flags, "token-endpoint-auth-method", &in.TokenEndpointAuthMethod, &f.method)
	changed(flags, "trust-end-user-ip", &in.TrustEndUserIP, &f.trust)
	changed(flags, "access-token-lifetime", &in.AccessTokenLifetime, &f.access)
	changed(flags, "refresh-token-lifetime", &in.RefreshTokenLifetime, &f.refresh)
	changed(flags, "issue-refresh-token", &in.IssueRefreshToken, &f.issue)
	changed(flags, "issue-refresh-token-on-refresh", &in.IssueRefreshTokenOnRefresh, &f.issueOnRefresh)
	changed(flags, "allow-public-password-grant", &in.AllowPublicPasswordGrant, &f.allowPublic)
	for _, list := range []*[]string{in.GrantTypes, in.Scopes, in.DefaultScopes, in.AllowedJourneys} {
		if list != nil && len(*list) == 1 && (*list)[0] == "" {
			*list = []string{}
		}
	}
}

func changed[T any](flags *pflag.FlagSet, name string, field **T, value *T) {
	if flags.Changed(name) {
		*field = value
	}
}

// need refuses a command line on which a flag is missing.
func need(cmd *cobra.Command, name string) error {
	if cmd.Flags().Lookup(name).Value.String() == "" {
		return setupError{fmt.Errorf("--%s is missing (see `%s --help`)", name, cmd.CommandPath())}
	}
	return nil
}

// needChange refuses a command line that says whom to change, and not in what.
func needChange(cmd *cobra.Command) error {
	named := false
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		named = named || f.Changed && f.Name != "id" && f.Name != "username"
	})
	if !named {
		return setupError{fmt.Errorf("nothing to change is named (see `%s --help`)", cmd.CommandPath())}
	}
	return nil
}

func (c *cli) clientAnswer(w io.Writer, a admin.ClientAnswer) {
	warn(c.stderr, a.Warnings)
	if a.Unchanged {
		fmt.Fprintln(c.stderr, "ropcd: the client is there already and stays as it is")
	}
	showClient(w, a.Client)
	once(w, a.Secret)
}

func listClientsCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the clients of a realm", Example: "  ropcd client list --realm alpha --output jsonl",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := c.inRealm()
			if err != nil {
				return err
			}
			return list(cmd.Context(), c, "client/list", in, "id\tenabled\tpublic\tstatic\tgrant types\tscopes", func(cl admin.Client) []any {
				return []any{cl.ID, cl.Enabled, cl.Public, cl.Static, cl.GrantTypes, cl.Scopes}
			})
		},
	}
}

// clientRef adds --id to a command that names a client.
func clientRef(c *cli, cmd *cobra.Command, run func(cmd *cobra.Command, in admin.ClientRef) error) *cobra.Command {
	in := admin.ClientRef{}
	cmd.Flags().StringVar(&in.ID, "id", "", "the client's id")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if in.InRealm, err = c.inRealm(); err != nil {
			return err
		}
		if err := need(cmd, "id"); err != nil {
			return err
		}
		return run(cmd, in)
	}
	return cmd
}

func showClientCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "show", Short: "Show a client", Example: "  ropcd client show --realm alpha --id myClient"}
	return clientRef(c, cmd, func(cmd *cobra.Command, in admin.ClientRef) error {
		return ask(cmd.Context(), c, "client/show", in, showClient)
	})
}

func clientVerb(c *cli, verb, short string) *cobra.Command {
	cmd := &cobra.Command{Use: verb, Short: short, Example: "  ropcd client " + verb + " --realm alpha --id myClient"}
	return clientRef(c, cmd, func(cmd *cobra.Command, in admin.ClientRef) error {
		return ask(cmd.Context(), c, "client/"+verb, in, c.clientAnswer)
	})
}

func deleteClientCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "delete", Short: "Remove a client, and end its grants", Example: "  ropcd client delete --realm alpha --id myClient"}
	return clientRef(c, cmd, func(cmd *cobra.Command, in admin.ClientRef) error {
		return ask(cmd.Context(), c, "client/delete", in, func(w io.Writer, _ admin.Nothing) { pairs(w, "deleted", in.ID) })
	})
}

func rotateSecretCommand(c *cli) *cobra.Command {
	secretStdin, overlap := false, admin.Overlap(0)
	cmd := &cobra.Command{
		Use: "rotate-secret", Short: "Give a client a new secret; without --secret-stdin a generated one, shown once",
		Long: "Give a client a new secret; without --secret-stdin a generated one, shown once. The old one ends at once, unless\n" +
			"--overlap says how long it stays right beside the new one, at most 90d. There are never more than two: rotating again\n" +
			"within the overlap ends the oldest, and without --overlap all old ones. The client's grants stay.",
		Example: "  ropcd client rotate-secret --realm alpha --id myClient --overlap 24h",
	}
	cmd.Flags().BoolVar(&secretStdin, "secret-stdin", false, "read the secret from standard input")
	cmd.Flags().TextVar(&overlap, "overlap", admin.Overlap(0), "the `duration` for which the old secret stays right, such as 24h or 7d")
	return clientRef(c, cmd, func(cmd *cobra.Command, ref admin.ClientRef) (err error) {
		in := admin.SecretChange{ClientRef: ref, Overlap: overlap}
		if secretStdin {
			if in.Secret, err = c.secretFromStdin("client's secret"); err != nil {
				return err
			}
		}
		return ask(cmd.Context(), c, "client/rotate-secret", in, c.clientAnswer)
	})
}
