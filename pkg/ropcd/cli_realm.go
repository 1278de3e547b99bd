package ropcd

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ropcd/ropcd/pkg/admin"
)

func realmCommand(c *cli) *cobra.Command {
	return group("realm", "Look at the realms",
		&cobra.Command{
			Use: "list", Short: "List the realms of the configuration", Example: "  ropcd realm list",
			RunE: func(cmd *cobra.Command, _ []string) error {
				return list(cmd.Context(), c, "realm/list", admin.Nothing{}, "realm\tactive\tissuer\tgrant types\tjourneys", func(r admin.Realm) []any {
					var grants []string
					if r.Provider != nil {
						grants = r.Provider.GrantTypes
					}
					return []any{r.Realm, r.Active, r.Issuer, grants, r.Journeys}
				})
			},
		},
		&cobra.Command{
			Use: "show", Short: "Show a realm and its OAuth2 provider", Example: "  ropcd realm show --realm alpha",
			RunE: func(cmd *cobra.Command, _ []string) error {
				in, err := c.inRealm()
				if err != nil {
					return err
				}
				return ask(cmd.Context(), c, "realm/show", in, showRealm)
			},
		},
	)
}

func journeyCommand(c *cli) *cobra.Command {
	in := admin.JourneyRef{}
	show := &cobra.Command{
		Use: "show", Short: "Draw a journey",
		Long: "Draw a journey: as a tree (--output table or text), as a flowchart for Mermaid, or as JSON.",
		Example: "  ropcd journey show --realm alpha --name PasswordGrant\n" +
			"  ropcd journey show --realm alpha --name PasswordGrant --output mermaid",
		Annotations: map[string]string{moreOutput: "text mermaid"},
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if in.InRealm, err = c.inRealm(); err != nil {
				return err
			}
			if err := need(cmd, "name"); err != nil {
				return err
			}
			return drawJourney(cmd.Context(), c, in)
		},
	}
	show.Flags().StringVar(&in.Name, "name", "", "the journey's name")
	return group("journey", "Look at the journeys of a realm", show, explainCommand(c), &cobra.Command{
		Use: "list", Short: "List the journeys of a realm, and which rule uses which", Example: "  ropcd journey list --realm alpha",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := c.inRealm()
			if err != nil {
				return err
			}
			return list(cmd.Context(), c, "journey/list", in, "name\tenabled\tinner only\tneeds its user at\tused by", func(j admin.Journey) []any {
				return []any{j.Name, j.Enabled, j.InnerOnly, j.Interactive, j.UsedBy}
			})
		},
	})
}

func sessionCommand(c *cli) *cobra.Command {
	find, end := admin.SessionQuery{}, admin.SessionQuery{}
	ls := &cobra.Command{
		Use: "list", Short: "List live grants of a user, of a client, or of the realm",
		Example: "  ropcd session list --realm alpha --username demo",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if find.InRealm, err = c.inRealm(); err != nil {
				return err
			}
			return list(cmd.Context(), c, "session/list", find, "id\tuser\tclient\tjourney\trule\tlogged in\trefreshed\texpires\taddress", func(s admin.Session) []any {
				return []any{s.ID, s.Username, s.ClientID, s.Journey, s.Rule, s.AuthTime, s.Refreshed, s.Expires, s.Address}
			})
		},
	}
	ls.Flags().StringVar(&find.Username, "username", "", "of this user")
	ls.Flags().StringVar(&find.ClientID, "client", "", "of this client (reads all of the realm)")
	revoke := &cobra.Command{
		Use: "revoke", Short: "End grants: one, a user's, a client's, or all of the realm",
		Example: "  ropcd session revoke --realm alpha --username demo",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if end.InRealm, err = c.inRealm(); err != nil {
				return err
			}
			if one := end.ID + end.Username + end.ClientID; end.All == (one != "") || (one != end.ID && one != end.Username && one != end.ClientID) {
				return setupError{errors.New("name the sessions by one of --id, --username, --client and --all")}
			}
			return ask(cmd.Context(), c, "session/revoke", end, func(w io.Writer, _ admin.Nothing) {
				pairs(w, "ended", map[bool]string{true: "all of realm " + end.Realm, false: end.ID + end.Username + end.ClientID}[end.All])
			})
		},
	}
	revoke.Flags().StringVar(&end.ID, "id", "", "this one")
	revoke.Flags().StringVar(&end.Username, "username", "", "of this user")
	revoke.Flags().StringVar(&end.ClientID, "client", "", "of this client")
	revoke.Flags().BoolVar(&end.All, "all", false, "of the whole realm")
	return group("session", "Look at and end live grants", ls, revoke)
}

func tokenCommand(c *cli) *cobra.Command {
	return group("token", "Look at and revoke a token",
		tokenVerb(c, "introspect", "Show what a token stands for", func(cmd *cobra.Command, in admin.TokenRef) error {
			return ask(cmd.Context(), c, "token/introspect", in, showIntrospection)
		}),
		tokenVerb(c, "revoke", "Revoke a token; a refresh token ends its grant", func(cmd *cobra.Command, in admin.TokenRef) error {
			return ask(cmd.Context(), c, "token/revoke", in, func(w io.Writer, _ admin.Nothing) { pairs(w, "revoked", true) })
		}),
	)
}

func tokenVerb(c *cli, verb, short string, run func(cmd *cobra.Command, in admin.TokenRef) error) *cobra.Command {
	fromStdin := false
	cmd := &cobra.Command{
		Use: verb, Short: short, Example: "  ropcd token " + verb + " --realm alpha --token-stdin < token",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			in := admin.TokenRef{}
			if in.InRealm, err = c.inRealm(); err != nil {
				return err
			}
			if !fromStdin {
				return setupError{errors.New("--token-stdin is missing: tokens are never arguments")}
			}
			if in.Token, err = c.secretFromStdin("token"); err != nil {
				return err
			}
			return run(cmd, in)
		},
	}
	cmd.Flags().BoolVar(&fromStdin, "token-stdin", false, "read the token from standard input")
	return cmd
}

func showIntrospection(w io.Writer, i admin.Introspection) {
	pairs(w, "active", i.Active)
	if d := i.Document; d.Active {
		expires := "never"
		if d.Expires != 0 {
			expires = visible(time.Unix(d.Expires, 0))
		}
		pairs(w, "expires", expires, "username", d.Username, "sub", d.Subject, "client_id", d.ClientID, "scope", d.Scope, "realm", d.Realm,
			"journey", d.Journey, "auth_level", d.AuthLevel, "authGrantId", d.AuthGrantID, "auditTrackingId", d.AuditTrackingID)
	}
}
